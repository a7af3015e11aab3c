/** The expected revision of a stream that must not exist yet. */
export const NO_STREAM = -1;

/** An event as an adapter stores it: both texts are canonical JSON (RFC 8785), stored and returned byte for byte. */
export type StoredEvent = {
  /** UUIDv7, minted for one append and kept only when that same append is repeated. */
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
};

/** A stored event with its place: `revision` counts from 0 in its stream, `position` orders all streams. */
export type ReadEvent = StoredEvent & {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
};

/** What became of an append. A conflict is a value, not an exception: nothing was written. */
export type AppendResult =
  | {
      readonly kind: 'appended';
      /** Revision of each event appended, in order, is `revision - events.length + 1 ... revision`. */
      readonly revision: number;
      /** Positions of the events appended, in order. */
      readonly positions: readonly bigint[];
    }
  | {
      readonly kind: 'conflict';
      /** The stream's revision now; NO_STREAM where there is none. */
      readonly revision: number;
    };

/** A part of the log that was looked through for events of some types. */
export type TypesPage = {
  readonly events: ReadEvent[];
  /** The position of the last event that was looked at, of whatever type; null when there was none left to look at. */
  readonly reached: bigint | null;
};

/**
 * The event log's port. Every adapter runs the same contract suite (test/eventstore/contract.ts).
 * Every method rejects with {@link StoreUnavailableError} when the store cannot be reached in time.
 */
export type EventStore = {
  readonly kind: 'memory' | 'postgres' | 'kurrentdb';
  /**
   * Appends all events or none, when the stream's revision is exactly `expectedRevision` (NO_STREAM: no event yet).
   * The same append (same stream, expected revision and ids) repeated gets the first one's answer and writes nothing,
   * also when others have appended since.
   *
   * @throws RangeError when `events` is empty, `expectedRevision` is neither NO_STREAM nor a revision, an id is no
   * lowercase UUID, or a text is not storable as it is (NUL, lone surrogate: canonical JSON escapes both)
   * @throws DuplicateEventIdError when an id is in the log already, outside such a repeat
   */
  readonly append: (
    stream: string,
    expectedRevision: number,
    events: readonly StoredEvent[],
  ) => Promise<AppendResult>;
  /** Up to `limit` events of one stream in order, from `fromRevision` on; empty where there is none. */
  readonly readStream: (stream: string, fromRevision: number, limit: number) => Promise<ReadEvent[]>;
  /**
   * Up to `limit` events of all streams in the global order, after `position` (exclusive; null: from the start).
   * Never misses and never reorders: whatever becomes readable later has a greater position. Positions have gaps.
   */
  readonly readAll: (after: bigint | null, limit: number) => Promise<ReadEvent[]>;
  /**
   * Looks at up to `limit` events as `readAll` would give them, and gives those of some types. The limit is on what is looked at, so
   * that a call takes no longer where the types are rare; the next one goes on after `reached`.
   */
  readonly readTypes: (types: readonly string[], after: bigint | null, limit: number) => Promise<TypesPage>;
  /**
   * Batches of events in the global order, after `position`, for as long as `signal` allows: what is there, then what
   * comes. The next batch is read when the consumer asks for it. Ends without an error when `signal` aborts or the
   * store is closed. Rejects when the store is lost; the consumer subscribes again from where it got to.
   *
   * @param batchSize most events in one batch
   */
  readonly subscribe: (
    after: bigint | null,
    batchSize: number,
    signal: AbortSignal,
  ) => AsyncIterable<readonly ReadEvent[]>;
  /** The position of the newest readable event; null in an empty log. */
  readonly lastPosition: () => Promise<bigint | null>;
  /** Resolves when the store answers; rejects when it does not. */
  readonly ping: () => Promise<void>;
  /** Ends this store's subscriptions. What the store was given (a connection pool) its giver closes afterwards. */
  readonly close: () => Promise<void>;
};

/** An event id is in the log already, and not as a repeat of the same append: nothing was written. Ids are minted anew for every append. */
export class DuplicateEventIdError extends Error {
  readonly code = 'DUPLICATE_EVENT_ID';
  constructor(stream: string, cause?: unknown) {
    super(`An event id appended to ${stream} is in the log already. Mint new ids for every append.`, {
      cause,
    });
    this.name = 'DuplicateEventIdError';
  }
}

/** The store could not be reached, or did not answer in time: what was asked may or may not have happened. */
export class StoreUnavailableError extends Error {
  readonly code = 'STORE_UNAVAILABLE';
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'StoreUnavailableError';
  }
}
