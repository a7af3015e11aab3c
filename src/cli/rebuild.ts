import { v7 as uuidv7 } from 'uuid';
import { ORCHESTRATOR } from '../commands/driveTask.ts';
import { kurrentDbUrlOf, readConfig } from '../config.ts';
import type { Database } from '../database.ts';
import { codec } from '../eventstore/codec.ts';
import { identifyLog } from '../eventstore/identity.ts';
import { createEventLog } from '../eventstore/log.ts';
import { openServiceLog } from '../eventstore/openLog.ts';
import type { EventStore } from '../eventstore/port.ts';
import { createPostgresRowStore } from '../projections/postgresRowStore.ts';
import { fingerprintOf, READ_MODELS } from '../projections/readModels.ts';
import { type RebuildProgress, rebuild } from '../projections/rebuild.ts';
import { systemClock } from '../runtime/clock.ts';
import { reachDatabase } from './reachDatabase.ts';
import { run, say } from './run.ts';

const PROGRESS_EVERY_MS = 1_000;

/** `npm run rebuild`: makes all read models anew from the log, whether or not services run. */
run(async () => {
  const config = readConfig(process.env);
  const database = await reachDatabase(config);
  try {
    const { store, close } = await openServiceLog(database, kurrentDbUrlOf(config));
    try {
      await rebuildFrom(store, database);
    } finally {
      await close();
    }
  } finally {
    await database.close();
  }
});

async function rebuildFrom(store: EventStore, database: Database): Promise<void> {
  const logId = await identifyLog(createEventLog(store, uuidv7), ORCHESTRATOR, uuidv7(), systemClock.now());
  const rowStore = createPostgresRowStore(database.pool);
  const fingerprint = fingerprintOf(store.kind);
  const started = systemClock.monotonicMs();
  const { events, parked } = await rebuild(
    { store, codec, rowStore, projections: READ_MODELS, logId, fingerprint, clock: systemClock },
    progressTeller(),
  );
  const seconds = (systemClock.monotonicMs() - started) / 1000;
  say(`read models rebuilt from ${events} events in ${seconds.toFixed(1)} s; ${parked.length} cases parked`);
  for (const { stream, revision, code } of parked) {
    say(`  parked: ${stream} at revision ${revision} (${code})`);
  }
}

function progressTeller(): (progress: RebuildProgress) => void {
  let told = systemClock.monotonicMs();
  return ({ events, position, end, heldUp }) => {
    if (heldUp) say('all events read; waiting for a transaction that holds on to the old read models');
    if (heldUp || systemClock.monotonicMs() - told < PROGRESS_EVERY_MS) return;
    told = systemClock.monotonicMs();
    say(`${events} events read, at position ${position} of ${end}`);
  };
}
