import type { Pool } from 'pg';
import type { Config } from './config.ts';
import { ALIVE_MS } from './coordination/port.ts';
import { startEmbeddedPostgres } from './postgres/embedded/startEmbeddedPostgres.ts';
import { codeOf } from './postgres/errors.ts';
import { openMigratedPool } from './postgres/migratedPool.ts';
import { createPool } from './postgres/pool.ts';
import type { Logger } from './runtime/logger.ts';

/** A migrated Postgres with a pool that works under the service's own role where there is one. */
export type Database = {
  readonly url: string;
  readonly pool: Pool;
  /** A few connections apart, so that a heartbeat never waits behind the work; an answer later than its lease is of no use. */
  readonly coordinationPool: Pool;
  /** Where it is, without secrets. */
  readonly description: string;
  /** Those of the one process that projects, so that read models keep up however much waits for the other connections. */
  readonly projectionPool: Pool;
  /** Closes the pools, and stops an embedded server. */
  readonly close: () => Promise<void>;
};

/** The database of an embedded server that holds everything. */
export const DATABASE = 'case_orchestrator';
const MAX_CONNECTIONS = 20;
/** A beat, a renewal and a look at the tasks at one time. */
const COORDINATION_CONNECTIONS = 3;
/** One for each read model that a batch reads. */
const PROJECTION_CONNECTIONS = 4;

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
    let closing = false;
    // The driver hangs its whole client on the error: only what says why is logged.
    const onError = (error: Error): void => {
      if (closing) return;
      logger.warn({ reason: codeOf(error) ?? error.message }, 'an idle database connection was lost');
    };
    const { pool, role } = await openMigratedPool(
      { url: server.url, max: MAX_CONNECTIONS, onError },
      (notice) => logger.info({ notice }, 'migrating'),
    );
    const coordinationPool = createPool({
      url: server.url,
      max: COORDINATION_CONNECTIONS,
      applicationName: 'case-orchestrator coordination',
      onError,
      role,
      statementTimeoutMs: ALIVE_MS,
      connectTimeoutMs: ALIVE_MS,
    });
    const projectionPool = createPool({
      url: server.url,
      max: PROJECTION_CONNECTIONS,
      applicationName: 'case-orchestrator projections',
      onError,
      role,
    });
    return {
      url: server.url,
      pool,
      coordinationPool,
      projectionPool,
      description: `${server.description}, ${role === null ? 'as the user of its URL' : `as ${role}`}`,
      close: async () => {
        closing = true;
        await Promise.all([pool.end(), coordinationPool.end(), projectionPool.end()]);
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
