import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { withTransaction } from '../../src/postgres/transaction.ts';
import { createEmptyDatabase, type EmptyDatabase } from './support.ts';

let database: EmptyDatabase;
let pool: pg.Pool;

beforeEach(async () => {
  database = await createEmptyDatabase();
  pool = createPool({ url: database.url, max: 1, applicationName: 'test', onError: () => {} });
  await pool.query('CREATE TABLE t (n int PRIMARY KEY)');
});

afterEach(async () => {
  await pool.end();
  await database.drop();
});

const rows = async (): Promise<unknown[]> => (await pool.query('SELECT n FROM t ORDER BY n')).rows;

const backend = async (client: pg.Pool | pg.ClientBase): Promise<unknown> =>
  (await client.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;

test('commits what the function did, and returns what it returned', async () => {
  const result = await withTransaction(pool, async (client) => {
    await client.query('INSERT INTO t VALUES (1)');
    await client.query('INSERT INTO t VALUES (2)');
    return 'done';
  });
  expect(result).toBe('done');
  expect(await rows()).toEqual([{ n: 1 }, { n: 2 }]);
});

test('rolls back when the function throws, and passes its error on', async () => {
  const failure = new Error('the caller changed its mind');
  const transaction = withTransaction(pool, async (client) => {
    await client.query('INSERT INTO t VALUES (1)');
    throw failure;
  });
  await expect(transaction).rejects.toBe(failure);
  expect(await rows()).toEqual([]);
});

// Postgres answers COMMIT in a failed transaction with ROLLBACK, and no error.
test('a failure that the function swallowed is not taken for a commit', async () => {
  const transaction = withTransaction(pool, async (client) => {
    await client.query('INSERT INTO t VALUES (1)');
    await client.query('INSERT INTO t VALUES (1)').catch(() => {});
  });
  await expect(transaction).rejects.toMatchObject({ code: 'TRANSACTION_ABORTED' });
  expect(await rows()).toEqual([]);
});

// A connection on which ROLLBACK failed is dead or still inside the transaction: the next user would write into it.
test('a connection whose ROLLBACK failed does not go back to the pool, and the first error is the one reported', async () => {
  let lost: unknown;
  const transaction = withTransaction(pool, async (client) => {
    lost = await backend(client);
    await client.query('SELECT pg_terminate_backend(pg_backend_pid())');
  });
  await expect(transaction).rejects.toMatchObject({ code: '57P01' });
  expect(pool.totalCount).toBe(0);
  expect(await backend(pool)).not.toBe(lost);
});

test('a ROLLBACK that fails on a living connection discards it as well', async () => {
  const failure = new Error('first');
  let lost: unknown;
  const transaction = withTransaction(pool, async (client) => {
    lost = await backend(client);
    const query = client.query.bind(client);
    Object.assign(client, {
      query: (text: string) => (text === 'ROLLBACK' ? Promise.reject(new Error('second')) : query(text)),
    });
    throw failure;
  });
  await expect(transaction).rejects.toBe(failure);
  expect(await backend(pool)).not.toBe(lost);
});

test('a connection that breaks between two statements fails the transaction and nothing else', async () => {
  const transaction = withTransaction(pool, async (client) => {
    await client.query('INSERT INTO t VALUES (1)');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await ended;
  });
  await expect(transaction).rejects.toThrow('not queryable');
  expect(await rows()).toEqual([]);
});
