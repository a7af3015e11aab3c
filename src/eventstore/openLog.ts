import type { Pool } from 'pg';
import { openMigratedPool } from '../postgres/migratedPool.ts';
import type { EventStore } from './port.ts';
import { createPostgresEventStore } from './postgres/postgresEventStore.ts';

/** An open event log, and how to close it. */
export type OpenedEventStore = {
  readonly store: EventStore;
  /** Where it is, without secrets. */
  readonly description: string;
  readonly close: () => Promise<void>;
};

/**
 * The event log of a running service: in its Postgres, or in the KurrentDB that `kurrentDbUrl` names.
 *
 * @throws InvalidKurrentDbUrlError
 */
export async function openServiceLog(
  database: { readonly pool: Pool; readonly description: string },
  kurrentDbUrl: string | null,
): Promise<OpenedEventStore> {
  if (kurrentDbUrl !== null) return openKurrentDb(kurrentDbUrl);
  const store = createPostgresEventStore({ pool: database.pool });
  return { store, description: database.description, close: () => store.close() };
}

/**
 * An event log by its URL alone, for commands: `postgres://…` (migrated where it must be), `esdb://…` or
 * `esdb+discover://…`.
 *
 * @throws Error for another URL, InvalidKurrentDbUrlError, MigrationError, or the driver's error
 */
export async function openLogAt(url: string): Promise<OpenedEventStore> {
  if (/^esdb(\+discover)?:\/\//.test(url)) return openKurrentDb(url);
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error('an event store is named by a postgres://, esdb:// or esdb+discover:// URL');
  }
  const { pool } = await openMigratedPool({ url, max: 4, onError: () => {} });
  const store = createPostgresEventStore({ pool });
  const { host, pathname } = new URL(url);
  return {
    store,
    description: `postgres at ${host}${pathname}`,
    close: async () => {
      await store.close();
      await pool.end();
    },
  };
}

/** The client is large, and taken in only where it is used. */
async function openKurrentDb(url: string): Promise<OpenedEventStore> {
  const { createKurrentDbEventStore } = await import('./kurrentdb/kurrentDbEventStore.ts');
  const { describeKurrentDbUrl } = await import('./kurrentdb/connectionString.ts');
  const description = `kurrentdb at ${describeKurrentDbUrl(url)}`;
  const store = createKurrentDbEventStore({ connectionString: url });
  return { store, description, close: () => store.close() };
}
