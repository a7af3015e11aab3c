/**
 * Part of the protocol test server: a test double in memory, not a database. The log it keeps: one array for all streams
 * and one a stream, both only ever appended to.
 */
import { EventEmitter } from 'node:events';
import { seedSystemEvents } from './seed.ts';

/** An event as a client proposes it. */
export type ProposedEvent = {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
};

/** A stored event. Its position is a byte offset: sparse, strictly increasing; commit and prepare are the same. */
export type LogRecord = ProposedEvent & {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  /** Milliseconds since the Unix epoch. */
  readonly created: number;
};

export type ServerLog = {
  /** All records in the order written, hidden ones included; grows. */
  readonly records: readonly LogRecord[];
  /** The records of one stream in order; the same array each time, grows. A tombstone is its last record. */
  readonly stream: (name: string) => readonly LogRecord[];
  /** -1 where there is none, TOMBSTONE_REVISION where the stream was tombstoned. */
  readonly lastRevision: (name: string) => bigint;
  /** Where the next record will be written. */
  readonly end: () => bigint;
  /** Index of the record that starts at `position`, `records.length` for the end of the log, -1 where no record starts. */
  readonly indexAt: (position: bigint) => number;
  readonly write: (stream: string, events: readonly ProposedEvent[]) => readonly LogRecord[];
  readonly tombstone: (stream: string, id: string) => LogRecord;
  /** Emits `write` after every write. */
  readonly changes: EventEmitter<{ write: [] }>;
};

/** The revision that marks a deleted stream: the largest signed 64-bit number. */
export const TOMBSTONE_REVISION = 2n ** 63n - 1n;
const STREAM_DELETED_TYPE = '$streamDeleted';

const RECORD_OVERHEAD_BYTES = 98;

/** An empty log but for the system events that every server has from the start. */
export function createServerLog(now: () => number): ServerLog {
  const records: LogRecord[] = [];
  const streams = new Map<string, LogRecord[]>();
  const indexes = new Map<bigint, number>();
  const changes = new EventEmitter<{ write: [] }>();
  changes.setMaxListeners(0);
  let end = 0n;

  const rowsOf = (name: string): LogRecord[] => {
    const rows = streams.get(name) ?? [];
    streams.set(name, rows);
    return rows;
  };
  const put = (stream: string, event: ProposedEvent, revision: bigint): LogRecord => {
    const record: LogRecord = { ...event, stream, revision, position: end, created: now() };
    indexes.set(end, records.length);
    records.push(record);
    rowsOf(stream).push(record);
    end += BigInt(sizeOf(record));
    return record;
  };
  const log: ServerLog = {
    records,
    stream: rowsOf,
    lastRevision: (name) => streams.get(name)?.at(-1)?.revision ?? -1n,
    end: () => end,
    indexAt: (position) => (position === end ? records.length : (indexes.get(position) ?? -1)),
    write: (stream, events) => {
      const first = log.lastRevision(stream) + 1n;
      const written = events.map((event, offset) => put(stream, event, first + BigInt(offset)));
      changes.emit('write');
      return written;
    },
    tombstone: (stream, id) => {
      const nothing = new Uint8Array();
      const event = { id, type: STREAM_DELETED_TYPE, contentType: 'application/octet-stream' };
      const record = put(stream, { ...event, data: nothing, metadata: nothing }, TOMBSTONE_REVISION);
      changes.emit('write');
      return record;
    },
    changes,
  };
  seedSystemEvents(log);
  return log;
}

function sizeOf(record: LogRecord): number {
  const text = Buffer.byteLength(record.stream) + Buffer.byteLength(record.type);
  return RECORD_OVERHEAD_BYTES + text + record.data.length + record.metadata.length;
}
