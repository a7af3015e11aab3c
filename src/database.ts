import type { Pool } from 'pg';
import type { Config } from './config.ts';
import { startEmbeddedPostgres } from './postgres/embedded/startEmbeddedPostgres.ts';
import { openMigratedPool } from './postgres/migratedPool.ts';
import type { Logger } from './runtime/logger.ts';

/** A migrated Postgres with a pool that works under the service's own role where there is one. */
export type Database = {
  readonly url: string;
  readonly pool: Pool;
  /** Where it is, without secrets. */
  readonly description: string;
  /** Closes the pool, and stops an embedded server. */
  readonly close: () => Promise<void>;
};

const DATABASE = 'case_orchestrator';
const MAX_CONNECTIONS = 20;

/**
 * Starts or reaches the Postgres that the configuration names, and brings its schema up to date.
 *
 * @param onLost told when an embedded server ends by itself
 * @throws EmbeddedPostgresError, MigrationError, or the driver's error
 */
export async function openDatabase(
  config: Config,
  logger: Logger,
  onLost: (error: Error) => void,
): Promise<Database> {
  const server = await reachServer(config, logger, onLost);
  try {
    const { pool, role } = await openMigratedPool(
      {
        url: server.url,
        max: MAX_CONNECTIONS,
        onError: (error) => logger.warn({ err: error }, 'an idle database connection was lost'),
      },
      (notice) => logger.info({ notice }, 'migrating'),
    );
    return {
      url: server.url,
      pool,
      description: `${server.description}, ${role === null ? 'as the user of its URL' : `as ${role}`}`,
      close: async () => {
        await pool.end();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

type Server = {
  readonly url: string;
  readonly description: string;
  readonly stop: () => Promise<void>;
};

async function reachServer(config: Config, logger: Logger, onLost: (error: Error) => void): Promise<Server> {
  if (config.DATABASE_URL !== undefined) {
    const { host, pathname } = new URL(config.DATABASE_URL);
    const description = `postgres at ${host}${pathname}`;
    return { url: config.DATABASE_URL, description, stop: async () => {} };
  }
  const { url, description, stop } = await startEmbeddedPostgres({
    dataDir: config.DATA_DIR,
    databases: [DATABASE],
    log: (line) => logger.info({}, line),
    onUnexpectedExit: onLost,
  });
  return { url, description, stop };
}
