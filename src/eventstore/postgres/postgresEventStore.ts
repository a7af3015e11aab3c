import type pg from 'pg';
import { systemClock, type Timer } from '../../runtime/clock.ts';
import type { EventStore } from '../port.ts';
import { checkPage } from '../preconditions.ts';
import { createWakeups, followLog, type SubscriptionSource } from '../subscription.ts';
import { createAppender } from './append.ts';
import { orUnavailable } from './failures.ts';
import { createReader } from './reader.ts';

export type PostgresEventStoreOptions = {
  /** Of a migrated database. Its statement timeout bounds every append and read; its owner closes it. */
  readonly pool: pg.Pool;
  readonly clock?: Timer;
  /** How often a subscription that has caught up looks for events of other processes. */
  readonly pollIntervalMs?: number;
  /** Longest wait of a reader for appends in flight, and so the longest that it holds up later appends. */
  readonly readerLockTimeoutMs?: number;
  /** How long `readAll` and `lastPosition` keep trying while an append is in flight, before they reject. */
  readonly readerPatienceMs?: number;
  /** Pauses between the tries of an append whose connection was lost; one try more than there are pauses. */
  readonly appendPausesMs?: readonly number[];
  /** No further try of an append begins after this time. */
  readonly appendBudgetMs?: number;
  readonly pingTimeoutMs?: number;
};

/** The event log in Postgres, in the schema that `applyMigrations` makes. One instance a process and database. */
export function createPostgresEventStore(options: PostgresEventStoreOptions): EventStore {
  const { pool, clock = systemClock } = options;
  const wakeups = createWakeups();
  const closed = new AbortController();
  const appender = createAppender({
    pool,
    clock,
    pausesMs: options.appendPausesMs ?? [100, 1_000],
    budgetMs: options.appendBudgetMs ?? 5_000,
  });
  const reader = createReader({
    pool,
    clock,
    lockTimeoutMs: options.readerLockTimeoutMs ?? 250,
    patienceMs: options.readerPatienceMs ?? 6_000,
  });
  const source: SubscriptionSource = {
    // A subscription has time: an append that takes long delays it and does not end it.
    read: (after, limit, signal) => reader.readAll(after, limit, { ms: Number.POSITIVE_INFINITY, signal }),
    wakeups,
    pause: (signal) => clock.sleep(options.pollIntervalMs ?? 50, signal),
  };
  return {
    kind: 'postgres',
    append: async (stream, expectedRevision, events) => {
      const result = await appender.append(stream, expectedRevision, events);
      if (result.kind === 'appended') wakeups.wake();
      return result;
    },
    readStream: reader.readStream,
    readAll: (after, limit) => reader.readAll(after, limit),
    readTypes: reader.readTypes,
    subscribe: (after, batchSize, signal) => {
      checkPage(batchSize);
      return followLog(source, after, batchSize, AbortSignal.any([signal, closed.signal]));
    },
    lastPosition: reader.lastPosition,
    ping: () => orUnavailable('ping', () => ping(pool, clock, options.pingTimeoutMs ?? 2_000)),
    close: async () => {
      closed.abort();
      await appender.drained();
    },
  };
}

async function ping(pool: pg.Pool, clock: Timer, timeoutMs: number): Promise<void> {
  const answered = new AbortController();
  const late = clock.sleep(timeoutMs, answered.signal).then(() => {
    if (!answered.signal.aborted) throw Object.assign(new Error('No answer in time'), { code: 'ETIMEDOUT' });
  });
  try {
    await Promise.race([pool.query('SELECT FROM eventlog.events LIMIT 1'), late]);
  } finally {
    answered.abort();
  }
}
