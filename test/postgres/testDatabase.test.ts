import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const made: TestDatabase[] = [];

afterEach(async () => {
  await Promise.all(made.splice(0).map(({ drop }) => drop()));
});

async function fresh(hint: string): Promise<TestDatabase> {
  const database = await createTestDatabase(hint);
  made.push(database);
  return database;
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test('test databases made at the same time from the same hint are apart', async () => {
  const databases = await Promise.all(['Event store!', 'Event store!', 'Event store!'].map(fresh));
  expect(new Set(databases.map(({ url }) => url)).size).toBe(3);
  await Promise.all(databases.map(({ url }, index) => query(url, `CREATE TABLE t AS SELECT ${index} AS n`)));
  const contents = await Promise.all(databases.map(({ url }) => query(url, 'SELECT n FROM t')));
  expect(contents).toEqual([[{ n: 0 }], [{ n: 1 }], [{ n: 2 }]]);
});

test('a dropped test database is gone even while somebody is connected to it', async () => {
  const database = await fresh('dropped');
  const client = new Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  await database.drop();
  await expect(query(database.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
  await client.end().catch(() => undefined);
});
