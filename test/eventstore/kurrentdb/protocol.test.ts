import { randomUUID } from 'node:crypto';
import { StreamDeletedError } from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import { idempotencyTable, needsDouble, type Row } from './idempotencyTable.ts';
import {
  type Answer,
  answerOf,
  classicCredentials,
  collect,
  event,
  idsOf,
  isRealServer,
  useTarget,
  within,
} from './protocolSupport.ts';

const { target, client } = useTarget();

type Path = 'batch' | 'classic';

/** One row's stream, and an id for each of its letters. */
type Scene = {
  readonly path: Path;
  readonly stream: string;
  readonly id: (letter: string) => string;
  readonly append: (letters: string, expected: Row['expected'], stream?: string) => Promise<Answer>;
};

function newScene(path: Path): Scene {
  const stream = `idempotency-${randomUUID()}`;
  const ids = new Map<string, string>();
  const id = (letter: string): string => {
    const known = ids.get(letter) ?? randomUUID();
    ids.set(letter, known);
    return known;
  };
  const perCall = path === 'classic' ? { credentials: classicCredentials(target().url) } : {};
  return {
    path,
    stream,
    id,
    append: (letters, expected, to = stream) => {
      const events = [...letters].map((letter) => event(id(letter)));
      return answerOf(client().appendToStream(to, events, { expectedRevision: expected, ...perCall }));
    },
  };
}

async function prepare(scene: Scene, step: string): Promise<void> {
  switch (step) {
    case 'delete':
      return void (await within('delete', client().deleteStream(scene.stream)));
    case 'tombstone':
      return void (await within('tombstone', client().tombstoneStream(scene.stream)));
    case 'metadata':
      return void (await within('metadata', client().setStreamMetadata(scene.stream, { maxCount: 9 })));
    case 'elsewhere':
      return void (await scene.append('a', 'any', `${scene.stream}-elsewhere`));
    case 'forget':
      return target().double?.forgetCommits();
    case 'unreplicated':
      return void target().double?.faults.next(1, ['append', 'batchAppend'], { kind: 'notReplicated' });
    default:
      expect(await scene.append(step, 'any')).toMatchObject({ kind: 'success' });
  }
}

/** The letters that a read of the stream shows, and the position of each. */
async function readBack(
  scene: Scene,
  letters: string,
): Promise<{ stream: string; positions: Map<string, bigint> }> {
  const events = await collect(client().readStream(scene.stream));
  const letterOf = new Map([...letters].map((letter) => [scene.id(letter), letter]));
  const positions = new Map<string, bigint>();
  for (const { event: recorded } of events) {
    const letter = letterOf.get(recorded?.id ?? '');
    const position = recorded?.position?.commit;
    if (letter !== undefined && position !== undefined) positions.set(letter, position);
  }
  return {
    stream: idsOf(events)
      .map((id) => letterOf.get(id ?? '') ?? '?')
      .join(''),
    positions,
  };
}

function wantedAnswer(row: Row, path: Path, positions: Map<string, bigint>): unknown {
  const { told } = row;
  switch (told.kind) {
    case 'deleted':
    case 'conflict':
      return told;
    case 'timeout':
      return { kind: 'error', type: path === 'batch' ? 'deadline-exceeded' : 'timeout' };
    case 'checked':
      // Which position goes with an append of nothing is not part of the rules.
      return { kind: 'success', revision: told.revision };
    case 'repeat':
      return { kind: 'success', revision: told.revision, position: positions.get(told.positionOf) };
    case 'appended':
      return { kind: 'success', revision: told.revision, position: positions.get(row.append.at(-1) ?? '') };
  }
}

const LETTERS = 'abcdxz';

async function run(row: Row, path: Path): Promise<void> {
  const scene = newScene(path);
  for (const step of row.given) await prepare(scene, step);
  const answer = await scene.append(row.append, row.expected);
  if (row.stream === null) {
    const error = await collect(client().readStream(scene.stream)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(StreamDeletedError);
    expect(answer).toEqual(row.told);
    return;
  }
  const { stream, positions } = await readBack(scene, LETTERS);
  expect(stream).toBe(row.stream);
  const wanted = wantedAnswer(row, path, positions);
  if (row.told.kind === 'checked') expect(answer).toMatchObject(Object(wanted));
  else expect(answer).toEqual(wanted);
}

describe.each(['batch', 'classic'] as const)('idempotency on the %s path', (path) => {
  for (const row of idempotencyTable) {
    const skips = isRealServer && needsDouble(row);
    const name = skips ? `${row.name} (skipped: a real server has no hook for it)` : row.name;
    test.skipIf(skips)(name, () => run(row, path));
  }

  test('takes the path it is named after', async (context) => {
    const { double } = target();
    if (double === null) return context.skip('a real server does not count calls');
    const { batchAppend, append } = double.counts;
    await newScene(path).append('a', 'any');
    const taken = path === 'batch' ? { batchAppend: batchAppend + 1 } : { append: append + 1 };
    expect(double.counts).toMatchObject({ batchAppend, append, ...taken });
  });
});

test('a soft-deleted stream that is appended to has $tb where it begins again', async () => {
  const scene = newScene('batch');
  await scene.append('ab', 'no_stream');
  await within('metadata', client().setStreamMetadata(scene.stream, { maxCount: 9 }));
  await within('delete', client().deleteStream(scene.stream));
  await scene.append('x', 'no_stream');
  const { metadata } = await within('metadata', client().getStreamMetadata(scene.stream));
  expect(metadata).toEqual({ truncateBefore: 2 });
});
