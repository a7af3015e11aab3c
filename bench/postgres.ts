import pg from 'pg';
import { startEmbeddedPostgres } from '../src/postgres/embedded/startEmbeddedPostgres.ts';
import { parentOf } from './procfs.ts';

/** What Postgres has counted so far. */
export type Written = {
  /** Transactions that ended well, those too that only read. */
  readonly commits: number;
  readonly walBytes: number;
  /** How often the write-ahead log was synced to disk: commits that arrive together share one. */
  readonly walSyncs: number;
};

export type Database = {
  readonly url: string;
  /** The first column of the first row, as a number. */
  readonly count: (sql: string) => Promise<number>;
  /** Of this database the commits, of the whole server the write-ahead log. */
  readonly written: () => Promise<Written>;
  readonly drop: () => Promise<void>;
};

export type Server = {
  readonly version: string;
  /** Settings that decide what a commit costs, as the server itself tells them. */
  readonly settings: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly freshDatabase: (name: string) => Promise<Database>;
  readonly stop: () => Promise<void>;
};

const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_connections',
];

/**
 * Starts the Postgres that this project embeds, with its defaults: fsync on, a commit is durable.
 *
 * @throws Error where fsync turns out to be off
 */
export async function startPostgres(dataDir: string): Promise<Server> {
  const server = await startEmbeddedPostgres({ dataDir });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query<{ name: string; setting: string }>(
    'SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name',
    [SETTINGS],
  );
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  if (settings.fsync !== 'on' || settings.synchronous_commit !== 'on')
    throw new Error('commits are not durable');
  const backend = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return {
    version: server.version,
    settings,
    pid: parentOf(backend.rows[0]?.pid ?? 0),
    freshDatabase: (name) => freshDatabase(client, server.url, name),
    stop: async () => {
      await client.end();
      await server.stop();
    },
  };
}

async function freshDatabase(admin: pg.Client, serverUrl: string, name: string): Promise<Database> {
  await admin.query(`CREATE DATABASE ${name}`);
  // Nobody pays for writing out what the one before has left in memory.
  await admin.query('CHECKPOINT');
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    count: async (sql) => {
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      try {
        const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
        return Number(rows[0]?.[0] ?? 0);
      } finally {
        await client.end();
      }
    },
    written: async () => {
      const { rows } = await admin.query<{ commits: string; wal: string; syncs: string }>(
        `SELECT xact_commit AS commits, pg_current_wal_lsn() - '0/0'::pg_lsn AS wal,
                (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal') AS syncs
           FROM pg_stat_database WHERE datname = $1`,
        [name],
      );
      const [row] = rows;
      return {
        commits: Number(row?.commits ?? 0),
        walBytes: Number(row?.wal ?? 0),
        walSyncs: Number(row?.syncs ?? 0),
      };
    },
    drop: async () => {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
