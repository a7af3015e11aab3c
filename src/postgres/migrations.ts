import pg from 'pg';
import { codeOf } from './errors.ts';
import { MigrationError } from './migrationError.ts';
import { type Migration, readMigrations } from './migrationFiles.ts';

export type MigrateOptions = {
  /** Longest wait for another process that is migrating the same database. */
  readonly lockTimeoutMs?: number;
  /** Told what the server remarks, such as a role that could not be made. */
  readonly onNotice?: (message: string) => void;
};

/** Brings a database to this version's schema: {@link migrate} with the project's own migrations. */
export const applyMigrations = (url: string, options: MigrateOptions = {}): Promise<string[]> =>
  migrate(url, [new URL('./migrations/', import.meta.url)], options);

/**
 * Applies the migrations that are missing, in order, each in a transaction of its own. Processes that start at once wait
 * for each other. Needs a direct connection: the lock belongs to the session, which a pooler in transaction mode shares.
 *
 * @param url of the database; its user owns what is made
 * @param folders where the `NNN-name.sql` files are
 * @returns the names of the files applied now, in order
 * @throws MigrationError; or the driver's error when the server is not reached
 */
export async function migrate(
  url: string,
  folders: readonly (string | URL)[],
  options: MigrateOptions = {},
): Promise<string[]> {
  const known = await readMigrations(folders);
  const client = new pg.Client({
    connectionString: url,
    application_name: 'case-orchestrator migrations',
    connectionTimeoutMillis: 10_000,
  });
  // A broken connection fails the statement that waits; without a listener it would end the process as well.
  client.on('error', () => {});
  client.on('notice', (notice) => options.onNotice?.(notice.message ?? ''));
  await client.connect();
  try {
    await lock(client, options.lockTimeoutMs ?? 60_000);
    return await applyMissing(client, known);
  } finally {
    await client.end().catch(() => {});
  }
}

async function lock(client: pg.Client, timeoutMs: number): Promise<void> {
  try {
    await client.query(
      `SELECT set_config('lock_timeout', $1, false), set_config('statement_timeout', '0', false)`,
      [String(timeoutMs)],
    );
    await client.query('SELECT pg_advisory_lock(7240311507002)');
    await client.query('SET lock_timeout = 0');
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    throw new MigrationError(
      'MIGRATION_LOCK_TIMEOUT',
      `Another process has been migrating this database for ${timeoutMs} ms: end it, or wait and start again.`,
      error,
    );
  }
}

async function applyMissing(client: pg.Client, known: readonly Migration[]): Promise<string[]> {
  const applied = await readApplied(client);
  const missing = missingMigrations(known, applied);
  for (const migration of missing) await apply(client, migration);
  return missing.map((migration) => migration.name);
}

const RECORD = `
  CREATE SCHEMA IF NOT EXISTS migrations;
  CREATE TABLE migrations.applied (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

type Applied = Pick<Migration, 'version' | 'name' | 'sha256'>;

async function readApplied(client: pg.Client): Promise<Applied[]> {
  const { rows: tables } = await client.query(`SELECT FROM pg_tables WHERE schemaname = 'migrations'`);
  if (tables.length === 0) await client.query(RECORD);
  const { rows } = await client.query<Applied>(
    'SELECT version, name, sha256 FROM migrations.applied ORDER BY version',
  );
  return rows;
}

function missingMigrations(known: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const byVersion = new Map(known.map((migration) => [migration.version, migration]));
  for (const row of applied) refuseUnlessSame(row, byVersion.get(row.version));
  const newest = applied.at(-1)?.version ?? 0;
  const missing = known.filter((migration) => !applied.some((row) => row.version === migration.version));
  const late = missing.find((migration) => migration.version < newest);
  if (late) {
    throw new MigrationError(
      'MIGRATION_OUT_OF_ORDER',
      `${late.name} is missing from a database that is at version ${newest}: give it a number after ${newest}.`,
    );
  }
  return missing;
}

function refuseUnlessSame(applied: Applied, known: Migration | undefined): void {
  if (known === undefined) {
    throw new MigrationError(
      'MIGRATION_DATABASE_NEWER',
      `This database has migration ${applied.name}, which this version does not know: start a newer version.`,
    );
  }
  if (known.sha256 === applied.sha256) return;
  throw new MigrationError(
    'MIGRATION_CHANGED',
    `${known.name} was changed after it had been applied: put it back as it was, and add a new migration instead.`,
  );
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(migration.sql);
    await client.query('INSERT INTO migrations.applied (version, name, sha256) VALUES ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.sha256,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    // The connection is closed next, which rolls back as well.
    await client.query('ROLLBACK').catch(() => {});
    throw new MigrationError(
      'MIGRATION_FAILED',
      `${migration.name} could not be applied (${codeOf(error) ?? 'no code'}): ${error instanceof Error ? error.message : 'unknown'}`,
      error,
    );
  }
}
