import { randomBytes } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import { inject } from 'vitest';
import { databaseUrl, runOnce, templateDatabase } from './template.ts';

/** A database of a test's own, with everything that the template has. */
export type TestDatabase = {
  url: string;
  /** Ends its connections and removes it. */
  drop: () => Promise<void>;
};

/**
 * Makes a database for one test file in the test run's cluster, as a copy of the template. The hint becomes part of
 * its name. A test that holds transactions open for long needs a cluster of its own: the xmin horizon is the cluster's.
 */
export async function createTestDatabase(hint: string): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const stem = hint
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 40);
  const name = `test_${stem}_${randomBytes(4).toString('hex')}`;
  const quoted = escapeIdentifier(name);
  await runOnce(adminUrl, `CREATE DATABASE ${quoted} TEMPLATE ${templateDatabase}`);
  return {
    url: databaseUrl(adminUrl, name),
    drop: () => runOnce(adminUrl, `DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`),
  };
}
