import pg from 'pg';
import type { EventStore, StoredEvent } from '../../../src/eventstore/port.ts';
import {
  createPostgresEventStore,
  type PostgresEventStoreOptions,
} from '../../../src/eventstore/postgres/postgresEventStore.ts';
import { createPool, type PoolOptions, serviceRoleOf } from '../../../src/postgres/pool.ts';
import { createTestDatabase } from '../../support/database.ts';

export type LogUnderTest = {
  readonly url: string;
  /** A pool of its own, closed with the log. */
  readonly pool: (options?: Partial<PoolOptions>) => pg.Pool;
  /** A store on a pool of its own that works under the service's role. */
  readonly store: (options?: Partial<PostgresEventStoreOptions>) => Promise<EventStore>;
  /** A connection as the owner, for what stays open; ended with the log, whatever it was doing. */
  readonly client: (url?: string) => Promise<pg.Client>;
  readonly close: () => Promise<void>;
};

/** An empty migrated database and clients for it. */
export async function openLog(hint: string): Promise<LogUnderTest> {
  const database = await createTestDatabase(hint);
  const pools: pg.Pool[] = [];
  const stores: EventStore[] = [];
  const clients: pg.Client[] = [];
  const pool = (options: Partial<PoolOptions> = {}): pg.Pool => {
    const made = createPool({
      url: database.url,
      max: 8,
      applicationName: 'test',
      onError: () => {},
      ...options,
    });
    pools.push(made);
    return made;
  };
  const store = async (options: Partial<PostgresEventStoreOptions> = {}): Promise<EventStore> => {
    const role = await serviceRoleOf(pools[0] ?? pool());
    const made = createPostgresEventStore({ pool: options.pool ?? pool({ role }), ...options });
    stores.push(made);
    return made;
  };
  const client = async (url = database.url): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: url });
    made.on('error', () => {});
    clients.push(made);
    await made.connect();
    return made;
  };
  const close = async (): Promise<void> => {
    await Promise.all(stores.map((made) => made.close()));
    await Promise.all(clients.map((made) => made.end()));
    await Promise.all(pools.map((made) => made.end()));
    await database.drop();
  };
  return { url: database.url, pool, store, client, close };
}

/** The lock that appends share and a reader takes for an instant, as the migration names it. */
export const APPEND_LOCK = 7240311507001;

/** An append whose transaction stays open, as after a stall between the insert and the commit. */
export async function openAppend(
  log: LogUnderTest,
  stream: string,
  expected: number,
  events: readonly StoredEvent[],
) {
  const client = await log.client();
  await client.query('BEGIN');
  const { rows } = await client.query<{ event_positions: string[] }>(
    'SELECT event_positions FROM eventlog.append_events($1, $2, $3, $4, $5, $6)',
    [
      stream,
      expected,
      events.map((event) => event.id),
      events.map((event) => event.type),
      events.map((event) => event.data),
      events.map((event) => event.metadata),
    ],
  );
  const end = (how: 'COMMIT' | 'ROLLBACK') => client.query(how);
  return { positions: (rows[0]?.event_positions ?? []).map(BigInt), end };
}

export const streamsOf = async (reader: EventStore): Promise<string[]> =>
  (await reader.readAll(null, 100)).map((event) => event.stream);

/** Resolves once exactly `count` connections of this database wait for a lock in a statement that contains `text`. */
export async function untilWaiting(pool: pg.Pool, text: string, count: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
          AND strpos(query, $1) > 0`,
      [text],
    );
    if (rows.length === count) return;
  }
}
