import { systemClock, type Timer } from '../../runtime/clock.ts';
import type { EventStore } from '../port.ts';
import { checkPage } from '../preconditions.ts';
import { createAppend } from './append.ts';
import { createConnection } from './connection.ts';
import { describeKurrentDbUrl } from './connectionString.ts';
import { createReader, ping } from './reader.ts';
import { follow } from './subscribe.ts';

export type KurrentDbEventStoreOptions = {
  /** `esdb://…` or `esdb+discover://…`, see {@link describeKurrentDbUrl}. */
  readonly connectionString: string;
  readonly clock?: Timer;
  /** Longest wait for the answer to one call; more than the two seconds in which a server gives up a write. */
  readonly attemptMs?: number;
  /** Longest time of an append or a read, repeats included; long enough for a cluster to elect a leader. */
  readonly budgetMs?: number;
  readonly pingTimeoutMs?: number;
  /** How long a subscription that is not live yet waits for more events of a batch. */
  readonly lingerMs?: number;
  /** How long a subscription believes in silence before it subscribes anew. */
  readonly idleMs?: number;
  /** How long a subscription tries to subscribe again before it rejects. */
  readonly patienceMs?: number;
};

/**
 * The event log in KurrentDB (EventStoreDB 22.10 or later), one node or a cluster. A secured server must let this user read
 * `$all`. An event id that is in the log already, elsewhere than at the same place of the same stream, is not noticed.
 *
 * @throws InvalidKurrentDbUrlError
 */
export function createKurrentDbEventStore(options: KurrentDbEventStoreOptions): EventStore {
  const { connectionString, clock = systemClock, attemptMs = 5_000, budgetMs = 12_000 } = options;
  const { pingTimeoutMs = 2_000, lingerMs = 50, idleMs = 30_000, patienceMs = 30_000 } = options;
  describeKurrentDbUrl(connectionString);
  const connection = createConnection(connectionString.trim(), clock);
  const closed = new AbortController();
  const patience = { clock, attemptMs, budgetMs, isClosed: connection.isClosed };
  const reader = createReader(connection, patience);
  const subscription = { connection, clock, attemptMs, lingerMs, idleMs, patienceMs };
  return {
    kind: 'kurrentdb',
    append: createAppend(connection, patience),
    ...reader,
    subscribe: (after, batchSize, signal) => {
      checkPage(batchSize);
      return follow(subscription, after, batchSize, AbortSignal.any([signal, closed.signal]));
    },
    ping: () => ping(connection, { ...patience, attemptMs: pingTimeoutMs, budgetMs: pingTimeoutMs }),
    close: async () => {
      closed.abort();
      connection.close();
    },
  };
}
