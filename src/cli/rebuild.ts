import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { ORCHESTRATOR } from '../commands/driveTask.ts';
import { type Config, kurrentDbUrlOf, readConfig } from '../config.ts';
import { type Database, openDatabase } from '../database.ts';
import { codec } from '../eventstore/codec.ts';
import { identifyLog } from '../eventstore/identity.ts';
import { createEventLog } from '../eventstore/log.ts';
import { openServiceLog } from '../eventstore/openLog.ts';
import type { EventStore } from '../eventstore/port.ts';
import { tryToLead } from '../projections/leadership.ts';
import { createPostgresRowStore } from '../projections/postgresRowStore.ts';
import { fingerprintOf, READ_MODELS } from '../projections/readModels.ts';
import { rebuild } from '../projections/rebuild.ts';
import { systemClock } from '../runtime/clock.ts';
import { refuse, run, say } from './run.ts';

const PROGRESS_EVERY_MS = 1_000;

/** `npm run rebuild`: drops all read models and makes them anew from the log, while no service runs. */
run(async () => {
  const logger = pino({ level: 'warn' });
  const config = readConfig(process.env);
  const database = await openDatabase(config, logger, (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  try {
    await rebuildAlone(config, database);
  } finally {
    await database.close();
  }
});

async function rebuildAlone(config: Config, database: Database): Promise<void> {
  const leadership = await tryToLead(database.url);
  if (!leadership) {
    return refuse('a running service keeps the read models up to date; stop it, then run this again');
  }
  try {
    const { store, close } = await openServiceLog(database, kurrentDbUrlOf(config));
    try {
      await rebuildFrom(store, database);
    } finally {
      await close();
    }
  } finally {
    await leadership.release();
  }
}

async function rebuildFrom(store: EventStore, database: Database): Promise<void> {
  const logId = await identifyLog(createEventLog(store, uuidv7), ORCHESTRATOR, uuidv7(), systemClock.now());
  const rowStore = createPostgresRowStore(database.pool);
  const fingerprint = fingerprintOf(store.kind);
  const started = systemClock.monotonicMs();
  let told = started;
  const { events, parked } = await rebuild(
    { store, codec, rowStore, projections: READ_MODELS, logId, fingerprint, onCommit: () => {} },
    (progress) => {
      if (systemClock.monotonicMs() - told < PROGRESS_EVERY_MS) return;
      told = systemClock.monotonicMs();
      say(`${progress.events} events read, at position ${progress.position} of ${progress.end}`);
    },
  );
  const seconds = (systemClock.monotonicMs() - started) / 1000;
  say(`read models rebuilt from ${events} events in ${seconds.toFixed(1)} s; ${parked.length} cases parked`);
  for (const { stream, revision, code } of parked) {
    say(`  parked: ${stream} at revision ${revision} (${code})`);
  }
}
