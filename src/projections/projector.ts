import { type Codec, UnknownEventError } from '../eventstore/codec.ts';
import type { EventStore, ReadEvent } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import { applyBatch, type BatchEvent, decodeBatch, keysOf, parkedAt } from './applyBatch.ts';
import type { Projection } from './projection.ts';
import { type Checkpoint, isMadeAlike, type ParkedCase, RowRefusedError, type RowStore } from './rowStore.ts';

/** The read models belong to another log: going on would mix two logs. */
export class ForeignLogError extends Error {
  readonly code = 'FOREIGN_LOG';
  /** @param found id of the log in the event store; null for an empty one */
  constructor(expected: string, found: string | null) {
    const what = found === null ? 'is empty' : `holds the log ${found}`;
    super(
      `the read models belong to the log ${expected}, but the event store ${what}; point DATABASE_URL, EVENT_STORE and ` +
        'KURRENTDB_URL at what belongs together, or run `npm run rebuild` to make the read models anew from this log',
    );
    this.name = 'ForeignLogError';
  }
}

/** Another runner has moved the checkpoint, or a rebuild has replaced the rows: start again from what is there. */
export class CheckpointMovedError extends Error {
  readonly code = 'CHECKPOINT_MOVED';
}

export type ProjectorDependencies = {
  readonly store: EventStore;
  readonly codec: Codec;
  readonly rowStore: RowStore;
  readonly projections: readonly Projection[];
  readonly logId: string;
  readonly fingerprint: string;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Told when tables and checkpoint are ready, before the first event. */
  readonly onPrepared?: () => void;
  /** Told after each commit: the position reached, and the cases that were parked. */
  readonly onCommit: (position: bigint, events: readonly ReadEvent[], parked: readonly ParkedCase[]) => void;
};

/** What it takes to project a batch. */
export type BatchDependencies = Pick<
  ProjectorDependencies,
  'codec' | 'rowStore' | 'projections' | 'onCommit'
>;

const BATCH_SIZE = 500;

/**
 * Makes tables and checkpoint ready to go on. Read models that another version made are dropped and made anew.
 *
 * @throws ForeignLogError when they belong to another log
 */
async function prepareReadModels(deps: ProjectorDependencies): Promise<Checkpoint> {
  const { rowStore, projections, logId, fingerprint } = deps;
  await rowStore.prepare(projections);
  const checkpoint = await rowStore.checkpoint();
  if (checkpoint && checkpoint.logId !== logId) {
    throw new ForeignLogError(checkpoint.logId, logId);
  }
  if (checkpoint?.fingerprint === fingerprint) return checkpoint;
  const fresh = await rowStore.reset(projections, { logId, fingerprint }, checkpoint);
  if (!fresh) throw new CheckpointMovedError('another runner has made the read models anew');
  return fresh;
}

/**
 * Projects what the log holds and what comes, in order, for as long as `signal` allows: rows and checkpoint commit
 * together.
 *
 * @throws UnknownEventError, CheckpointMovedError, ForeignLogError, or what store and database throw; start again then
 */
export async function project(deps: ProjectorDependencies, signal: AbortSignal): Promise<void> {
  let checkpoint = await prepareReadModels(deps);
  deps.onPrepared?.();
  const parked = new Set((await deps.rowStore.parked()).map((parkedCase) => parkedCase.stream));
  const over = new AbortController();
  const moved = new AbortController();
  const watching = watchCheckpoint(deps, () => checkpoint, moved, AbortSignal.any([signal, over.signal]));
  try {
    const going = AbortSignal.any([signal, moved.signal]);
    for await (const batch of deps.store.subscribe(checkpoint.position, BATCH_SIZE, going)) {
      if (going.aborted) break;
      checkpoint = await projectBatch(deps, checkpoint, batch, parked);
    }
  } finally {
    over.abort();
    await watching;
  }
  if (moved.signal.aborted && !signal.aborted) {
    throw new CheckpointMovedError('the read models are not those that were written here any more');
  }
}

/** How often to look whether the rows are still those that this runner writes. */
const LOOK_MS = 2_000;

/**
 * Tells a runner that has nothing to write that its rows were made anew or dropped, which it would otherwise see at the next event
 * only: on a quiet system perhaps never.
 */
async function watchCheckpoint(
  { rowStore, clock }: ProjectorDependencies,
  own: () => Checkpoint,
  moved: AbortController,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    const before = own();
    const now = await rowStore.checkpoint().catch(() => before);
    const isBehind = (now?.position ?? -1n) < (before.position ?? -1n);
    if (!now || !isMadeAlike(now, before) || isBehind) return moved.abort();
  }
}

/**
 * Projects one batch behind a checkpoint, and returns the checkpoint after it. Whatever is wrong with one event, those
 * before it are projected.
 */
export async function projectBatch(
  deps: BatchDependencies,
  checkpoint: Checkpoint,
  batch: readonly ReadEvent[],
  parkedStreams: Set<string>,
): Promise<Checkpoint> {
  const last = batch.at(-1);
  if (!last) return checkpoint;
  try {
    const decoded = decodeBatch(deps.codec, batch);
    return await commit(deps, checkpoint, batch, decoded, last.position, parkedStreams);
  } catch (error) {
    const isOneEvents = error instanceof RowRefusedError || error instanceof UnknownEventError;
    if (isOneEvents && batch.length > 1) return byHalves(deps, checkpoint, batch, parkedStreams);
    if (!(error instanceof RowRefusedError)) throw error;
    const poison: BatchEvent = { kind: 'poison', parked: parkedAt(last, error.detail) };
    return commit(deps, checkpoint, batch, [poison], last.position, parkedStreams);
  }
}

/** Halves find the one event in a few commits, where one by one the events around it would each cost a commit. */
async function byHalves(
  deps: BatchDependencies,
  checkpoint: Checkpoint,
  batch: readonly ReadEvent[],
  parkedStreams: Set<string>,
): Promise<Checkpoint> {
  const middle = Math.ceil(batch.length / 2);
  const between = await projectBatch(deps, checkpoint, batch.slice(0, middle), parkedStreams);
  return projectBatch(deps, between, batch.slice(middle), parkedStreams);
}

async function commit(
  deps: BatchDependencies,
  before: Checkpoint,
  batch: readonly ReadEvent[],
  decoded: readonly BatchEvent[],
  position: bigint,
  parkedStreams: Set<string>,
): Promise<Checkpoint> {
  const { rowStore, projections } = deps;
  const reads = [...keysOf(projections, decoded)].map(
    async ([projection, keys]) => [projection, await rowStore.read(projection, keys)] as const,
  );
  const rows = new Map(await Promise.all(reads));
  const applied = applyBatch(projections, decoded, rows, parkedStreams);
  const after = { ...before, position };
  if (!(await rowStore.commit(before, after, applied.rows, applied.parked))) {
    throw new CheckpointMovedError('another runner has moved the checkpoint of the read models');
  }
  for (const { stream } of applied.parked) parkedStreams.add(stream);
  deps.onCommit(position, batch, applied.parked);
  return after;
}
