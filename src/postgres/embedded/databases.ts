import { Client, escapeIdentifier } from 'pg';

/** Makes those of the named databases that are missing, over a connection to a database that exists. */
export async function createMissingDatabases(url: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const client = new Client({ connectionString: url });
  // Should the server die between two statements, the next one rejects; unheard, the event would end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database');
    const present = new Set(rows.map(({ datname }) => datname));
    const missing = names.filter((name) => !present.has(name));
    for (const name of missing) await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
