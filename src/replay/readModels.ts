import { caseStream } from '../domain/identifiers.ts';
import type { Codec } from '../eventstore/codec.ts';
import { readWhole } from '../eventstore/wholeStream.ts';
import type { Projection } from '../projections/projection.ts';
import { type Checkpoint, isMadeAlike, type RowStore } from '../projections/rowStore.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Findings } from './findings.ts';
import { type Decoded, decodeAll, type LogReader } from './readEvents.ts';
import { differences, expectedRows, type RowProblem, type Rows } from './rows.ts';
import { createTally, type Tally } from './tally.ts';

export type RowCheckDependencies = {
  readonly store: LogReader;
  readonly codec: Codec;
  readonly rowStore: Pick<RowStore, 'checkpoint' | 'read'>;
  readonly projections: readonly Projection[];
  readonly clock: Pick<Timer, 'sleep'>;
  readonly findings: Findings;
};

/** A comparison of read models with the fold of the log, case by case. */
export type RowCheck = {
  /** Takes in a case; once so many are there, their rows are read and compared. */
  readonly add: (stream: string, events: readonly Decoded[]) => Promise<void>;
  /** Compares those that are left. */
  readonly finish: () => Promise<void>;
  /** Rows compared so far. */
  readonly compared: () => number;
  /** Keys of all rows that the log makes, each read model a tally of its own. */
  readonly expectedKeys: ReadonlyMap<Projection, Tally>;
};

const CASES_AT_ONCE = 200;
/** Looks at a case whose rows were written while they were read. */
const LOOKS = 5;
const PAUSE_MS = 100;

/**
 * @param made the checkpoint at the start: rows that are made anew by another version or from another log meanwhile are not compared
 */
export function createRowCheck(deps: RowCheckDependencies, made: Checkpoint): RowCheck {
  const { rowStore, projections, findings } = deps;
  const expectedKeys = new Map(projections.map((projection) => [projection, createTally()]));
  let waiting: { readonly stream: string; readonly events: readonly Decoded[] }[] = [];
  let compared = 0;

  const flush = async (): Promise<void> => {
    const cases = waiting;
    waiting = [];
    const checkpoint = await rowStore.checkpoint();
    const position = checkpoint?.position ?? null;
    const expected = cases.map(({ stream, events }) => ({
      stream,
      rows: expectedRows(projections, events, position),
    }));
    const found = await readRows(
      deps,
      expected.map(({ rows }) => rows),
    );
    for (const { stream, rows } of expected) {
      for (const [projection, made] of rows) {
        compared += made.size;
        for (const key of made.keys()) expectedKeys.get(projection)?.add(key, key);
      }
      // Perhaps they have only moved on since then.
      if (differences(rows, found).length > 0) await settle(stream);
    }
  };

  const settle = async (stream: string): Promise<void> => {
    for (let look = 0; look < LOOKS; look += 1) {
      if (look > 0) await deps.clock.sleep(PAUSE_MS * look);
      const problems = await lookAt(deps, stream, made);
      for (const { row, detail } of problems ?? [])
        findings.mismatch('ROW', { stream, revision: null }, detail, row);
      if (problems !== null) return;
    }
    findings.notReplayed('READ_MODEL_ROWS_MOVING', { stream, revision: null });
  };

  return {
    add: async (stream, events) => {
      waiting.push({ stream, events });
      if (waiting.length >= CASES_AT_ONCE) await flush();
    },
    finish: flush,
    compared: () => compared,
    expectedKeys,
  };
}

/**
 * Compares the rows of one case. Rows and checkpoint move together, so where the case has no event between the checkpoint before and
 * the one after, its rows are as of both, however busy other cases are.
 *
 * @returns null where that cannot be said: look again
 */
async function lookAt(
  deps: RowCheckDependencies,
  stream: string,
  made: Checkpoint,
): Promise<RowProblem[] | null> {
  const { rowStore, store, codec, projections } = deps;
  const before = await rowStore.checkpoint();
  const events = decodeAll(codec, await readWhole(store, stream));
  const expected = expectedRows(projections, events, before?.position ?? null);
  const found = await readRows(deps, [expected]);
  const after = await rowStore.checkpoint();
  if (!before || !after || !isMadeAlike(before, after) || !isMadeBy(made, before)) return null;
  const [from, to] = [before.position ?? -1n, after.position ?? -1n];
  const isMoving = (await readWhole(store, stream)).some(({ position }) => position > from && position <= to);
  return isMoving ? null : differences(expected, found);
}

const isMadeBy = (made: Checkpoint, { logId, fingerprint }: Checkpoint): boolean =>
  made.logId === logId && made.fingerprint === fingerprint;

async function readRows(
  { rowStore, projections }: RowCheckDependencies,
  expected: readonly Rows[],
): Promise<Rows> {
  const read = projections.map(async (projection) => {
    const keys = expected.flatMap((rows) => [...(rows.get(projection)?.keys() ?? [])]);
    return [projection, await rowStore.read(projection, keys)] as const;
  });
  return new Map(await Promise.all(read));
}

/** Whether the log makes a row of that key for a case, as it is now. */
export async function isMadeByLog(
  { store, codec }: Pick<RowCheckDependencies, 'store' | 'codec'>,
  projection: Projection,
  caseId: string,
  key: string,
): Promise<boolean> {
  const events = decodeAll(codec, await readWhole(store, caseStream(caseId)));
  return events.some((each) => each.kind === 'event' && projection.keyOf(each.event) === key);
}
