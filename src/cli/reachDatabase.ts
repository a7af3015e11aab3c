import { pino } from 'pino';
import type { Config } from '../config.ts';
import { DATABASE, type Database, openDatabase } from '../database.ts';
import { EmbeddedPostgresError } from '../postgres/embedded/errors.ts';
import { urlOfRunningServer } from '../postgres/embedded/url.ts';

/**
 * The database of the configuration; where it is an embedded one that a service runs, as that service's guest.
 *
 * @param exitCode what the process ends with when an embedded server of its own is lost
 */
export async function reachDatabase(config: Config, exitCode = 1): Promise<Database> {
  const logger = pino({ level: 'warn' });
  const open = (where: Config): Promise<Database> =>
    openDatabase(where, logger, (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(exitCode);
    });
  try {
    return await open(config);
  } catch (error) {
    if (!(error instanceof EmbeddedPostgresError) || error.code !== 'DATA_DIR_IN_USE') throw error;
    const url = await urlOfRunningServer(config.DATA_DIR, DATABASE);
    if (url === null) throw error;
    return open({ ...config, DATABASE_URL: url });
  }
}
