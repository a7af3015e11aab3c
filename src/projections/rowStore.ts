import type { Projection, Row } from './projection.ts';

/** How far the read models have got, in which log, made by which version. */
export type Checkpoint = {
  readonly logId: string;
  readonly fingerprint: string;
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
  /** Makes what is missing: tables, checkpoint. Keeps what is there. */
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
  /** Drops every row and parked case, and sets the checkpoint. */
  readonly reset: (projections: readonly Projection[], checkpoint: Checkpoint) => Promise<void>;
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
