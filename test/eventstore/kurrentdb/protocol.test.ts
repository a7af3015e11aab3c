import { randomUUID } from 'node:crypto';
import { type EventStoreDBClient, isCommandError } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idempotencyTable, needsDouble, type Row, type Step, type Told } from './idempotencyTable.ts';
import {
  type Answer,
  answerOf,
  classicCredentials,
  collect,
  connect,
  event,
  idsOf,
  isRealServer,
  startTarget,
  type Target,
  within,
} from './protocolSupport.ts';

let target: Target;
let client: EventStoreDBClient;

beforeAll(async () => {
  target = await startTarget();
  client = connect(target.url);
});
afterAll(async () => {
  await within('dispose', client.dispose()).catch(() => undefined);
  await target.double?.stop();
});

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
  const perCall = path === 'classic' ? { credentials: classicCredentials(target.url) } : {};
  return {
    path,
    stream,
    id,
    append: (letters, expected, to = stream) => {
      const events = [...letters].map((letter) => event(id(letter)));
      return answerOf(client.appendToStream(to, events, { expectedRevision: expected, ...perCall }));
    },
  };
}

async function prepare(scene: Scene, step: Step): Promise<void> {
  if (step === 'delete') await within('delete', client.deleteStream(scene.stream));
  else if (step === 'tombstone') await within('tombstone', client.tombstoneStream(scene.stream));
  else if (step === 'forget the commit cache') target.double?.forgetCommits();
  else if (step === 'replication stalls') {
    target.double?.faults.next(1, ['append', 'batchAppend'], { kind: 'notReplicated' });
  } else if ('metadata' in step) {
    await within('metadata', client.setStreamMetadata(scene.stream, step.metadata));
  } else if ('elsewhere' in step) await scene.append(step.elsewhere, 'any', `${scene.stream}-elsewhere`);
  else await scene.append(step.append, step.expected ?? 'any');
}

/** The letters that a read of the stream shows, and the position of each. */
async function readBack(
  scene: Scene,
  letters: string,
): Promise<{ stream: string; positions: Map<string, bigint> }> {
  const events = await collect(client.readStream(scene.stream));
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

function expectedAnswer(told: Told, path: Path, positions: Map<string, bigint>, append: string): unknown {
  if (told === 'deleted') return { kind: 'deleted' };
  if (told === 'timeout') return { kind: 'error', type: path === 'batch' ? 'deadline-exceeded' : 'timeout' };
  if ('conflict' in told) return { kind: 'conflict', actual: told.conflict };
  if ('checked' in told) return { kind: 'success', revision: told.checked, position: expect.anything() };
  if ('repeated' in told) {
    return { kind: 'success', revision: told.repeated, position: positions.get(told.positionOf) };
  }
  return { kind: 'success', revision: told.appended, position: positions.get(append.at(-1) ?? '') };
}

const LETTERS = 'abcdxz';

async function run(row: Row, path: Path): Promise<void> {
  const scene = newScene(path);
  for (const step of row.given) await prepare(scene, step);
  const answer = await scene.append(row.append, row.expected);
  if (row.stream === null) {
    expect(answer).toEqual(expectedAnswer(row.told, path, new Map(), row.append));
    const error = await collect(client.readStream(scene.stream)).catch((caught: unknown) => caught);
    expect(error instanceof Error && isCommandError(error) && error.type).toBe('stream-deleted');
    return;
  }
  const { stream, positions } = await readBack(scene, LETTERS);
  expect(stream).toBe(row.stream);
  const wanted = expectedAnswer(row.told, path, positions, row.append);
  const told = 'checked' in Object(row.told) ? { ...answer, position: 0n } : answer;
  expect(told).toEqual(wanted);
}

describe.each(['batch', 'classic'] as const)('idempotency on the %s path', (path) => {
  for (const row of idempotencyTable) {
    const skips = isRealServer && needsDouble(row);
    const name = skips ? `${row.name} (skipped: a real server has no hook for it)` : row.name;
    test.skipIf(skips)(name, () => run(row, path));
  }

  test('takes the path it is named after', async (context) => {
    if (target.double === null) return context.skip('a real server does not count calls');
    const { batchAppend, append } = target.double.counts;
    await newScene(path).append('a', 'any');
    const taken =
      path === 'batch' ? { batchAppend: batchAppend + 1, append } : { batchAppend, append: append + 1 };
    expect(target.double.counts).toMatchObject(taken);
  });
});

test('a soft-deleted stream that is appended to has $tb where it begins again', async () => {
  const scene = newScene('batch');
  await scene.append('ab', 'no_stream');
  await within('metadata', client.setStreamMetadata(scene.stream, { maxCount: 9 }));
  await within('delete', client.deleteStream(scene.stream));
  await scene.append('x', 'no_stream');
  const { metadata } = await within('metadata', client.getStreamMetadata(scene.stream));
  expect(metadata).toEqual({ truncateBefore: 2 });
});
