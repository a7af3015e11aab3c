import type { Projection, Row } from './projection.ts';

/** How far the read models have got, in which log, made by which version. */
export type Checkpoint = {
  readonly logId: string;
  readonly fingerprint: string;
  /** Raised whenever all rows are made anew. Whoever still goes on from the rows before writes nothing. */
  readonly generation: number;
  /** Position of the newest event that is in the read models; null before the first. */
  readonly position: bigint | null;
};

/** A case whose event could not be projected: its later events are left out until a rebuild. */
export type ParkedCase = {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly code: string;
};

/** Rows that a batch changed, by projection. */
export type ChangedRows = ReadonlyMap<Projection, readonly Row[]>;

/** Where read models are kept. */
export type RowStore = {
  /** Makes what is missing: tables, checkpoint. Keeps what is there, also tables that another version made. */
  readonly prepare: (projections: readonly Projection[]) => Promise<void>;
  readonly checkpoint: () => Promise<Checkpoint | null>;
  readonly parked: () => Promise<ParkedCase[]>;
  /** Rows by key, for the keys that have one. Throws RowRefusedError when the database does not take a key. */
  readonly read: (projection: Projection, keys: readonly string[]) => Promise<Map<string, Row>>;
  /**
   * Writes rows, parked cases and the checkpoint in one transaction, when the checkpoint is still `before`.
   *
   * @returns false when another runner has moved the checkpoint: nothing was written
   * @throws RowRefusedError when the database does not take a row
   */
  readonly commit: (
    before: Checkpoint,
    after: Checkpoint,
    rows: ChangedRows,
    parked: readonly ParkedCase[],
  ) => Promise<boolean>;
  /**
   * Drops every row and parked case, and begins anew, when the checkpoint is still `before` (null: there is none).
   *
   * @returns the new checkpoint, before the first event; null when another runner has moved it: nothing was dropped
   */
  readonly reset: (
    projections: readonly Projection[],
    madeFrom: Pick<Checkpoint, 'logId' | 'fingerprint'>,
    before: Checkpoint | null,
  ) => Promise<Checkpoint | null>;
};

/** Whether two looks at the checkpoint saw the same. */
export const isSameCheckpoint = (one: Checkpoint | null, other: Checkpoint | null): boolean =>
  one === null || other === null ? one === other : isMadeAlike(one, other) && one.position === other.position;

/** Whether two checkpoints are of the same rows, made of the same log by the same version, however far they have got. */
export const isMadeAlike = (one: Checkpoint, other: Checkpoint): boolean =>
  one.logId === other.logId && one.fingerprint === other.fingerprint && one.generation === other.generation;

/** New rows in the making, beside those that are read. */
export type Replacement = {
  /** Where the new rows go, with a checkpoint and parked cases of their own. Nothing is there before a `reset`. */
  readonly rows: RowStore;
  /**
   * Puts the new rows and their parked cases in the place of the old ones, in one moment.
   *
   * @param catchUp brings the new rows at least as far as the old ones, whose checkpoint it is given and which stand still
   * meanwhile. Returns the checkpoint of the new rows; null to give up for now
   * @param patienceMs how long readers of the old rows may be kept waiting for others of them
   * @returns false when nothing has changed, and it may be tried again
   */
  readonly swap: (
    catchUp: (old: Checkpoint | null) => Promise<Checkpoint | null>,
    patienceMs: number,
  ) => Promise<boolean>;
  /** Removes what has not taken its place, and lets others begin. Never throws. */
  readonly end: () => Promise<void>;
};

/** A row store whose rows can be made anew while they are read and written. */
export type ReplaceableRowStore = RowStore & {
  /** Begins to make all rows anew; null while somebody else does. Removes what one that was killed has left. */
  readonly replacement: (projections: readonly Projection[]) => Promise<Replacement | null>;
};

/** The database does not take a row of this batch: an event in it is poison. `detail` is a SQLSTATE. */
export class RowRefusedError extends Error {
  readonly code = 'ROW_REFUSED';
  readonly detail: string;
  constructor(detail: string, cause: unknown) {
    super(`a row was refused (${detail})`, { cause });
    this.detail = detail;
  }
}
