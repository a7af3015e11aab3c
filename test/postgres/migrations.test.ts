import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { applyMigrations, migrate } from '../../src/postgres/migrations.ts';
import { createPool, serviceRoleOf } from '../../src/postgres/pool.ts';
import { runOnce } from '../support/template.ts';
import { createEmptyDatabase, type EmptyDatabase } from './support.ts';

const OWN = [
  '001-event-log.sql',
  '002-vault.sql',
  '003-coordination.sql',
  '004-auth.sql',
  '005-verification.sql',
  '006-destroyed-keys.sql',
  '007-append-batch.sql',
];

const databases: EmptyDatabase[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'));
});

afterEach(async () => {
  await Promise.all(databases.splice(0).map((database) => database.drop()));
  await rm(folder, { recursive: true });
});

async function empty(owner?: { name: string; password: string }): Promise<EmptyDatabase> {
  const database = await createEmptyDatabase(owner);
  databases.push(database);
  return database;
}

const put = (file: string, sql: string): Promise<void> => writeFile(join(folder, file), sql);

describe("the project's own migrations", () => {
  test('make the schemas, once', async () => {
    const { url, query } = await empty();
    expect(await applyMigrations(url)).toEqual(OWN);
    expect(await applyMigrations(url)).toEqual([]);
    expect(
      await query(`SELECT schemaname || '.' || tablename AS name FROM pg_tables
                    WHERE schemaname IN ('auth', 'coordination', 'eventlog', 'vault', 'readmodel', 'migrations') ORDER BY 1`),
    ).toEqual([
      { name: 'auth.api_keys' },
      { name: 'coordination.leader' },
      { name: 'coordination.processes' },
      { name: 'eventlog.events' },
      { name: 'migrations.applied' },
      { name: 'vault.case_keys' },
      { name: 'vault.destroyed_keys' },
    ]);
    expect(
      await query('SELECT version, name, length(sha256) AS length FROM migrations.applied ORDER BY 1'),
    ).toEqual([
      { version: 1, name: '001-event-log.sql', length: 64 },
      { version: 2, name: '002-vault.sql', length: 64 },
      { version: 3, name: '003-coordination.sql', length: 64 },
      { version: 4, name: '004-auth.sql', length: 64 },
      { version: 5, name: '005-verification.sql', length: 64 },
      { version: 6, name: '006-destroyed-keys.sql', length: 64 },
      { version: 7, name: '007-append-batch.sql', length: 64 },
    ]);
  });

  // Two processes of one service start at once on an empty database; and because roles belong to the whole cluster,
  // services of other databases may be making the same role at the same moment.
  test('are applied once when several processes start at once, in several databases', async () => {
    const several = await Promise.all([empty(), empty(), empty()]);
    const answers = await Promise.all(
      several.map(({ url }) =>
        Promise.all([applyMigrations(url), applyMigrations(url), applyMigrations(url)]),
      ),
    );
    for (const answer of answers) {
      expect(answer.flat()).toEqual(OWN);
      expect(answer.filter((applied) => applied.length > 0)).toEqual([OWN]);
    }
    for (const { query } of several) {
      expect(await query('SELECT count(*)::int AS count FROM migrations.applied')).toEqual([
        { count: OWN.length },
      ]);
    }
  });

  test('work for an owner who may not make roles: the service then works as that user', async () => {
    const owner = { name: 'test_plain_owner', password: 'plain' };
    const adminUrl = inject('postgresUrl');
    await runOnce(adminUrl, `CREATE ROLE ${owner.name} LOGIN PASSWORD '${owner.password}'`);
    try {
      const { url } = await empty(owner);
      const notices: string[] = [];
      expect(await applyMigrations(url, { onNotice: (notice) => notices.push(notice) })).toEqual(OWN);
      expect(notices).toEqual([expect.stringContaining('the service works as its own user')]);
      const pool = createPool({ url, max: 1, applicationName: 'test', onError: () => {} });
      expect(await serviceRoleOf(pool)).toBeNull();
      await expect(pool.query('DELETE FROM eventlog.events')).rejects.toMatchObject({ code: '23001' });
      await pool.end();
    } finally {
      await Promise.all(databases.splice(0).map((database) => database.drop()));
      await runOnce(adminUrl, `DROP ROLE ${owner.name}`);
    }
  });

  test('offer their owner the role that the service works under', async () => {
    const { url } = await empty();
    const pool = createPool({ url, max: 1, applicationName: 'test', onError: () => {} });
    expect(await serviceRoleOf(pool)).toBeNull();
    await applyMigrations(url);
    expect(await serviceRoleOf(pool)).toBe('case_orchestrator_service');
    await pool.end();
  });
});

describe('migrate', () => {
  test('applies what is missing, in order of version', async () => {
    const { url, query } = await empty();
    await put('002-second.sql', 'ALTER TABLE t ADD COLUMN b int;');
    await put('001-first.sql', 'CREATE TABLE t (a int);');
    await put('notes.txt', 'not a migration');
    expect(await migrate(url, [folder])).toEqual(['001-first.sql', '002-second.sql']);
    await put('010-third.sql', 'INSERT INTO t VALUES (1, 2); INSERT INTO t VALUES (3, 4);');
    expect(await migrate(url, [folder])).toEqual(['010-third.sql']);
    expect(await query('SELECT * FROM t')).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  test('refuses a migration that was changed after it had been applied', async () => {
    const { url } = await empty();
    await put('001-first.sql', 'CREATE TABLE t (a int);\n');
    await migrate(url, [folder]);
    await put('001-first.sql', 'CREATE TABLE t (a int);\r\n');
    expect(await migrate(url, [folder])).toEqual([]);
    await put('001-first.sql', 'CREATE TABLE t (a bigint);\n');
    await put('002-second.sql', 'CREATE TABLE u (a int);');
    await expect(migrate(url, [folder])).rejects.toMatchObject({
      code: 'MIGRATION_CHANGED',
      message: expect.stringContaining('001-first.sql'),
    });
  });

  test('refuses a database that is newer than the code', async () => {
    const { url } = await empty();
    await put('001-first.sql', 'CREATE TABLE t (a int);');
    await put('002-second.sql', 'CREATE TABLE u (a int);');
    await migrate(url, [folder]);
    await rm(join(folder, '002-second.sql'));
    await expect(migrate(url, [folder])).rejects.toMatchObject({
      code: 'MIGRATION_DATABASE_NEWER',
      message: expect.stringContaining('002-second.sql'),
    });
  });

  test('refuses a migration that comes before one that was applied', async () => {
    const { url } = await empty();
    await put('002-second.sql', 'CREATE TABLE u (a int);');
    await migrate(url, [folder]);
    await put('001-first.sql', 'CREATE TABLE t (a int);');
    await expect(migrate(url, [folder])).rejects.toMatchObject({ code: 'MIGRATION_OUT_OF_ORDER' });
  });

  test('rolls a failing migration back whole, names it, and goes on from there once it is mended', async () => {
    const { url, query } = await empty();
    await put('001-first.sql', 'CREATE TABLE t (a int);');
    await put('002-second.sql', 'CREATE TABLE u (a int); SELECT 1 / 0;');
    await expect(migrate(url, [folder])).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: '002-second.sql could not be applied (22012): division by zero',
    });
    expect(await query(`SELECT to_regclass('t') IS NULL AS t, to_regclass('u') IS NULL AS u`)).toEqual([
      { t: false, u: true },
    ]);
    await put('002-second.sql', 'CREATE TABLE u (a int);');
    expect(await migrate(url, [folder])).toEqual(['002-second.sql']);
  });

  test('refuses file names it cannot order', async () => {
    const { url } = await empty();
    await put('1-first.sql', 'SELECT 1;');
    await expect(migrate(url, [folder])).rejects.toMatchObject({ code: 'MIGRATION_BAD_NAME' });
    await rm(join(folder, '1-first.sql'));
    await put('001-first.sql', 'SELECT 1;');
    await put('001-other.sql', 'SELECT 1;');
    await expect(migrate(url, [folder])).rejects.toMatchObject({ code: 'MIGRATION_DUPLICATE_VERSION' });
  });

  test('waits for another process that is migrating, but not for ever', async () => {
    const { url } = await empty();
    await put('001-first.sql', 'CREATE TABLE t (a int);');
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(7240311507002)');
    await expect(migrate(url, [folder], { lockTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'MIGRATION_LOCK_TIMEOUT',
    });
    const waiting = migrate(url, [folder]);
    await holder.end();
    expect(await waiting).toEqual(['001-first.sql']);
  });
});
