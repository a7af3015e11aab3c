import {
  type AppendResult,
  DuplicateEventIdError,
  type EventStore,
  NO_STREAM,
  type ReadEvent,
  type StoredEvent,
} from './port.ts';
import { checkAppend, checkPage } from './preconditions.ts';
import { createWakeups, followLog, type SubscriptionSource } from './subscription.ts';

type Log = {
  readonly all: ReadEvent[];
  readonly streams: Map<string, ReadEvent[]>;
  readonly ids: Set<string>;
};

/** An event store in this process's memory, for tests: everything is lost with it, and nothing is ever dropped. */
export function createMemoryEventStore(): EventStore {
  const log: Log = { all: [], streams: new Map(), ids: new Set() };
  const wakeups = createWakeups();
  const closed = new AbortController();
  const readAll = async (after: bigint | null, limit: number): Promise<ReadEvent[]> => {
    checkPage(limit);
    // Positions count from 1 without gaps, so a position is the index of the event after it.
    const from = Number(after ?? 0n);
    return log.all.slice(from, from + limit);
  };
  // Only this process appends, so there is nothing to look for without a wake.
  const source: SubscriptionSource = { read: readAll, wakeups, pause: () => new Promise(() => {}) };
  return {
    kind: 'memory',
    append: async (stream, expectedRevision, events) => {
      checkAppend(stream, expectedRevision, events);
      const result = append(log, stream, expectedRevision, events);
      if (result.kind === 'appended') wakeups.wake();
      return result;
    },
    readStream: async (stream, fromRevision, limit) => {
      checkPage(limit, fromRevision);
      return (log.streams.get(stream) ?? []).slice(fromRevision, fromRevision + limit);
    },
    readAll,
    readTypes: async (types, after, limit) => {
      const looked = await readAll(after, limit);
      return {
        events: looked.filter(({ type }) => types.includes(type)),
        reached: looked.at(-1)?.position ?? null,
      };
    },
    subscribe: (after, batchSize, signal) =>
      followLog(source, after, batchSize, AbortSignal.any([signal, closed.signal])),
    lastPosition: async () => log.all.at(-1)?.position ?? null,
    ping: async () => {},
    close: async () => closed.abort(),
  };
}

function append(log: Log, stream: string, expected: number, events: readonly StoredEvent[]): AppendResult {
  const stored = log.streams.get(stream) ?? [];
  const revision = stored.length - 1;
  if (revision !== expected) {
    return firstAnswer(stored, expected, events) ?? { kind: 'conflict', revision: revision };
  }
  const ids = new Set(events.map((event) => event.id));
  if (ids.size < events.length || events.some((event) => log.ids.has(event.id)))
    throw new DuplicateEventIdError(stream);
  const added = events.map(({ id, type, data, metadata }, index) => ({
    id,
    type,
    data,
    metadata,
    stream,
    revision: expected + 1 + index,
    position: BigInt(log.all.length + 1 + index),
  }));
  if (expected === NO_STREAM) log.streams.set(stream, stored);
  for (const event of added) {
    stored.push(event);
    log.all.push(event);
    log.ids.add(event.id);
  }
  return {
    kind: 'appended',
    revision: expected + events.length,
    positions: added.map((event) => event.position),
  };
}

function firstAnswer(
  stored: readonly ReadEvent[],
  expected: number,
  events: readonly StoredEvent[],
): AppendResult | null {
  const there = stored.slice(expected + 1, expected + 1 + events.length);
  const same =
    there.length === events.length && there.every((event, index) => event.id === events[index]?.id);
  if (!same) return null;
  return {
    kind: 'appended',
    revision: expected + events.length,
    positions: there.map((event) => event.position),
  };
}
