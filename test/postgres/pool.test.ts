import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPool, type PoolOptions } from '../../src/postgres/pool.ts';
import { createEmptyDatabase, type EmptyDatabase } from './support.ts';

let database: EmptyDatabase;
const pools: pg.Pool[] = [];

beforeEach(async () => {
  database = await createEmptyDatabase();
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
  await database.drop();
});

function poolWith(options: Partial<PoolOptions> = {}): pg.Pool {
  const pool = createPool({
    url: database.url,
    max: 1,
    applicationName: 'test pool',
    onError: () => {},
    ...options,
  });
  pools.push(pool);
  return pool;
}

test('bigint comes as bigint, alone and in arrays; other types as the driver gives them', async () => {
  const { rows } = await poolWith().query(
    `SELECT 9007199254740993::bigint AS big, ARRAY[1, -2]::bigint[] AS bigs, '{}'::bigint[] AS none, count(*) AS count,
            1::int AS small, '2026-01-02T03:04:05.678Z'::timestamptz AS moment, '\\x00ff'::bytea AS bytes, 'x' AS text`,
  );
  expect(rows).toEqual([
    {
      big: 9007199254740993n,
      bigs: [1n, -2n],
      none: [],
      count: 1n,
      small: 1,
      moment: new Date('2026-01-02T03:04:05.678Z'),
      bytes: Buffer.from([0, 255]),
      text: 'x',
    },
  ]);
});

test('every connection has its bounds, and acknowledges only what is durable', async () => {
  await database.query(`DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`);
  const pool = poolWith({ statementTimeoutMs: 1_234, idleInTransactionTimeoutMs: 4_321 });
  const { rows } = await pool.query(`SELECT current_setting('statement_timeout') AS statement,
    current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('synchronous_commit') AS commit,
    current_setting('application_name') AS name`);
  expect(rows).toEqual([{ statement: '1234ms', idle: '4321ms', commit: 'on', name: 'test pool' }]);
});

test('a statement that takes too long is ended by the server', async () => {
  const pool = poolWith({ statementTimeoutMs: 50 });
  await expect(pool.query('SELECT pg_sleep(10)')).rejects.toMatchObject({ code: '57014' });
});

test('works under the role it is given, and fails where there is no such role', async () => {
  const pool = poolWith({ role: 'pg_read_all_stats' });
  expect((await pool.query('SELECT current_user AS name')).rows).toEqual([{ name: 'pg_read_all_stats' }]);
  await expect(poolWith({ role: 'no_such_role' }).query('SELECT 1')).rejects.toMatchObject({ code: '22023' });
});

test('an idle connection that breaks is reported and replaced', async () => {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const pool = poolWith({ onError: resolve });
  await pool.query('SELECT 1');
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test pool' AND datname = current_database()`,
  );
  expect(await promise).toMatchObject({ code: '57P01' });
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});
