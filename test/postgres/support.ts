import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { databaseUrl, runOnce } from '../support/template.ts';

export type EmptyDatabase = {
  readonly url: string;
  readonly query: (statement: string) => Promise<unknown[]>;
  readonly drop: () => Promise<void>;
};

/**
 * A database without any migration, in the test run's cluster.
 *
 * @param owner a role that owns it and that the URL then names, with its password; default: the cluster's superuser
 */
export async function createEmptyDatabase(
  owner: { name: string; password: string } | null = null,
): Promise<EmptyDatabase> {
  const adminUrl = inject('postgresUrl');
  const name = `test_empty_${randomBytes(4).toString('hex')}`;
  await runOnce(adminUrl, `CREATE DATABASE ${name} TEMPLATE template0${owner ? ` OWNER ${owner.name}` : ''}`);
  const asAdmin = databaseUrl(adminUrl, name);
  const url = new URL(asAdmin);
  if (owner) {
    url.username = owner.name;
    url.password = owner.password;
  }
  const query = async (statement: string): Promise<unknown[]> => {
    const client = new pg.Client({ connectionString: asAdmin });
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  };
  const drop = () => runOnce(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  return { url: url.href, query, drop };
}
