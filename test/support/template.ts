import { Client } from 'pg';
import { applyMigrations } from '../../src/postgres/migrations.ts';

/** The database that every test database is a copy of. */
export const templateDatabase = 'test_template';

/**
 * Makes the template, once per test run. Takes the URL of the cluster's `postgres` database.
 * The one place where migrations are applied for tests: whatever is in the template, every test database has.
 */
export async function createTemplate(adminUrl: string): Promise<void> {
  await runOnce(adminUrl, `CREATE DATABASE ${templateDatabase}`);
  await applyMigrations(databaseUrl(adminUrl, templateDatabase));
  // Closed, because a copy fails while anybody is connected to the original.
  await runOnce(adminUrl, `ALTER DATABASE ${templateDatabase} ALLOW_CONNECTIONS false`);
}

/** The same cluster's URL with another database. */
export function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs one statement on a connection of its own. */
export async function runOnce(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
