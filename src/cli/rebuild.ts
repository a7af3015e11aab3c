import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../database.ts';
import { ORCHESTRATOR } from '../domain/actors.ts';
import { codec } from '../eventstore/codec.ts';
import { identifyLog } from '../eventstore/identity.ts';
import { createEventLog } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import { createPostgresRowStore } from '../projections/postgresRowStore.ts';
import { fingerprintOf, READ_MODELS } from '../projections/readModels.ts';
import { type RebuildProgress, rebuild } from '../projections/rebuild.ts';
import { systemClock } from '../runtime/clock.ts';
import { everySecond, run, say } from './run.ts';
import { withServiceLog } from './serviceLog.ts';

/** `npm run rebuild`: makes all read models anew from the log, whether or not services run. */
run(() => withServiceLog(rebuildFrom));

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
  const tell = everySecond(({ events, position, end }: RebuildProgress) =>
    say(`${events} events read, at position ${position} of ${end}`),
  );
  return (progress) => {
    if (progress.heldUp)
      say('all events read; waiting for a transaction that holds on to the old read models');
    else tell(progress);
  };
}
