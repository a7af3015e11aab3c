import type { EventStore } from '../eventstore/port.ts';
import type { Timer } from '../runtime/clock.ts';
import { type ProjectorDependencies, projectBatch } from './projector.ts';
import type { Checkpoint, ParkedCase, ReplaceableRowStore, Replacement } from './rowStore.ts';

/** Another rebuild is at work on the same read models. */
export class RebuildRunningError extends Error {
  readonly code = 'REBUILD_RUNNING';
  constructor() {
    super(
      'another rebuild of these read models is at work; wait for its end, or end it, then run this again',
    );
  }
}

/** The new rows are complete, but something never let go of the old ones. */
class RebuildHeldUpError extends Error {
  readonly code = 'REBUILD_HELD_UP';
  constructor(tries: number) {
    super(
      `the new read models could not take the place of the old ones in ${tries} tries: a transaction holds on to those; ` +
        'end it (pg_stat_activity tells which), then run this again',
    );
  }
}

/** Another version, or another log, has taken over the read models since this rebuild began. */
export class RebuildOvertakenError extends Error {
  readonly code = 'REBUILD_OVERTAKEN';
  constructor() {
    super(
      'the read models were made anew by another version, or from another log, since this rebuild began; nothing was ' +
        'replaced: run this again with the version and the log that the service uses',
    );
  }
}

export type RebuildProgress = {
  readonly events: number;
  readonly position: bigint;
  readonly end: bigint;
  /** All is read, but a transaction holds on to the old rows. */
  readonly heldUp: boolean;
};

export type RebuildDependencies = Pick<
  ProjectorDependencies,
  'codec' | 'projections' | 'logId' | 'fingerprint'
> & {
  readonly store: Pick<EventStore, 'readAll' | 'lastPosition'>;
  readonly rowStore: ReplaceableRowStore;
  readonly clock: Pick<Timer, 'sleep'>;
};

const PAGE = 1_000;
/** Most events that may be left for the moment in which the live projector waits. */
const MOST_LEFT = 250;
/**
 * How long readers may be kept waiting, by try; then again from the first. Less than the second after which Postgres would look for
 * those that wait in a circle, and might end a reader for it.
 */
const PATIENCE_MS = [50, 100, 200, 400, 800] as const;
/** Between tries readers get through: twice as long as they waited, and much longer once it is clear that this takes time. */
const PAUSE_FACTOR = 2;
const LONG_PAUSE_MS = 10_000;
const MOST_TRIES = 60;

/**
 * Makes all read models anew from the log while they are read and written: beside the old rows, which stay until the new
 * ones are as far as they are and take their place in one moment.
 *
 * @param onProgress told after each batch, and when the old rows are held on to
 * @returns events read, and cases that had to be parked
 * @throws RebuildRunningError, RebuildHeldUpError, RebuildOvertakenError, UnknownEventError, or what store and database
 * throw; the old rows are as they were then
 */
export async function rebuild(
  deps: RebuildDependencies,
  onProgress: (progress: RebuildProgress) => void,
): Promise<{ readonly events: number; readonly parked: readonly ParkedCase[] }> {
  const { rowStore, projections } = deps;
  await rowStore.prepare(projections);
  const before = await rowStore.checkpoint();
  const replacement = await rowStore.replacement(projections);
  if (!replacement) throw new RebuildRunningError();
  try {
    const maker = await startMaking(deps, replacement, onProgress);
    await takePlace(deps, replacement, maker, before);
    return maker.result();
  } finally {
    await replacement.end();
  }
}

async function takePlace(
  { clock, logId, fingerprint }: RebuildDependencies,
  replacement: Replacement,
  maker: Maker,
  before: Checkpoint | null,
): Promise<void> {
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    await maker.toEnd();
    let tooMuchLeft = false;
    const patienceMs = PATIENCE_MS[tried % PATIENCE_MS.length] ?? 0;
    const swapped = await replacement.swap(async (old) => {
      const isOurs = old?.logId === logId && old.fingerprint === fingerprint;
      if (!isOurs && old?.generation !== before?.generation) throw new RebuildOvertakenError();
      // Positions of another log or store say nothing of this one.
      const reached = await maker.upTo(isOurs ? old.position : null, MOST_LEFT);
      tooMuchLeft = reached === null;
      return reached;
    }, patienceMs);
    if (swapped) return;
    if (tooMuchLeft) continue;
    maker.tellHeldUp();
    await clock.sleep(tried < PATIENCE_MS.length ? patienceMs * PAUSE_FACTOR : LONG_PAUSE_MS);
  }
  throw new RebuildHeldUpError(MOST_TRIES);
}

/** Makes the new rows, from the log's first event on. */
type Maker = {
  /** Goes on until the log's end. */
  readonly toEnd: () => Promise<void>;
  /**
   * Goes on to a position, or to the end of a log that does not reach it.
   *
   * @param most events to project for that
   * @returns the checkpoint of the new rows; null when there were more
   */
  readonly upTo: (position: bigint | null, most: number) => Promise<Checkpoint | null>;
  readonly tellHeldUp: () => void;
  readonly result: () => { readonly events: number; readonly parked: readonly ParkedCase[] };
};

async function startMaking(
  { store, codec, projections, logId, fingerprint }: RebuildDependencies,
  { rows: rowStore }: Replacement,
  onProgress: (progress: RebuildProgress) => void,
): Promise<Maker> {
  const parked: ParkedCase[] = [];
  const parkedStreams = new Set<string>();
  const batchDeps = {
    codec,
    projections,
    rowStore,
    onCommit: (_position: bigint, _events: unknown, cases: readonly ParkedCase[]) => {
      parked.push(...cases);
    },
  };
  const start = await rowStore.reset(projections, { logId, fingerprint }, null);
  if (!start) throw new Error('rows in the making have a checkpoint before their first event');
  let checkpoint = start;
  let events = 0;
  let end = 0n;

  const tell = (heldUp: boolean): void => {
    const position = checkpoint.position ?? 0n;
    onProgress({ events, position, end: position > end ? position : end, heldUp });
  };
  const step = async (limit: number): Promise<number> => {
    const batch = await store.readAll(checkpoint.position, limit);
    checkpoint = await projectBatch(batchDeps, checkpoint, batch, parkedStreams);
    events += batch.length;
    if (batch.length > 0) tell(false);
    return batch.length;
  };

  return {
    toEnd: async () => {
      end = (await store.lastPosition()) ?? 0n;
      while ((await step(PAGE)) === PAGE);
    },
    upTo: async (position, most) => {
      let left = most;
      while (position !== null && (checkpoint.position ?? -1n) < position) {
        if (left === 0) return null;
        const read = await step(left);
        if (read === 0) break;
        left -= read;
      }
      return checkpoint;
    },
    tellHeldUp: () => tell(true),
    result: () => ({ events, parked }),
  };
}
