import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/postgres/embedded/startEmbeddedPostgres.ts';
import { fillCompileCache } from './compileCache.ts';
import { createTemplate } from './template.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The `postgres` database of the test run's one cluster, as its superuser. */
    postgresUrl: string;
  }
}

/** Starts the one cluster of a test run, without fsync, and gives tests its URL. Returns what ends and removes it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'case-orchestrator-tests-'));
  const remove = () => rm(dataDir, { recursive: true, force: true });
  try {
    const [postgres] = await Promise.all([
      startEmbeddedPostgres({ dataDir, fsync: false }),
      fillCompileCache(),
    ]);
    await createTemplate(postgres.url);
    project.provide('postgresUrl', postgres.url);
    return async () => {
      await postgres.stop();
      await remove();
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
