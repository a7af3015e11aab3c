import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { banner, SAMPLE_CASE } from './banner.ts';
import { openCase } from './commands/openCase.ts';
import { isTryingOut, readConfig } from './config.ts';
import { openDatabase } from './database.ts';
import { ORCHESTRATOR } from './domain/actors.ts';
import { startService } from './service.ts';
import { readSourceFiles } from './sourceFiles.ts';
import { explain } from './startErrors.ts';

/** Starts the service, and stops it in order on SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const sources = await readSourceFiles(config);
  const logger = pino({ level: config.LOG_LEVEL, base: null });
  const database = await openDatabase(config, logger, (error) => {
    logger.fatal(
      { err: error },
      'the embedded Postgres ended; start again: nothing that was accepted is lost',
    );
    process.exit(1);
  });
  const service = await startService({ config, ...sources, database, logger, version: await readVersion() });
  if (service.holdsNoCase && isTryingOut(config)) await openCase(service, SAMPLE_CASE, ORCHESTRATOR, null);
  process.stdout.write(banner(config, service, database, sources, await service.automation.current()));

  const stop = async (signal: string): Promise<void> => {
    logger.info({ signal }, 'stopping: what is in flight finishes, or goes on at the next start');
    await service.stop();
    await database.close();
    logger.info({}, 'stopped');
  };
  onceSignalled((signal) => {
    stop(signal).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.fatal({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  });
}

/** The first SIGTERM or SIGINT; further ones change nothing. */
function onceSignalled(act: (signal: string) => void): void {
  let signalled = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!signalled) act(signal);
      signalled = true;
    });
  }
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});
