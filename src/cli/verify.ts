import { parseArgs } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { readConfig } from '../config.ts';
import type { Database } from '../database.ts';
import { readLogId } from '../eventstore/identity.ts';
import { createEventLog } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import { refuseForeignLog } from '../foreignLog.ts';
import { createPostgresRowStore } from '../projections/postgresRowStore.ts';
import { READ_MODELS } from '../projections/readModels.ts';
import { createLastVerification } from '../replay/lastVerification.ts';
import type { VerificationReport } from '../replay/report.ts';
import { linesOf } from '../replay/told.ts';
import type { VerifiedSeals, VerifyProgress } from '../replay/verifyLog.ts';
import { systemClock } from '../runtime/clock.ts';
import { explain } from '../startErrors.ts';
import { verifiedSeals } from '../verifiedSeals.ts';
import { verifyAll } from '../verifying.ts';
import { everySecond, say, sayLines } from './run.ts';
import { withServiceLog } from './serviceLog.ts';

const EXIT_CODES = { CLEAN: 0, MISMATCH: 1, INCOMPLETE: 2 } as const;
const COULD_NOT_RUN = 2;

/**
 * `npm run verify`: replays the whole log and compares, whether or not services run. Exit code 0: all of it is right; 1: something is
 * not; 2: it could not run, or not over everything. It is built without a model and without a backend (rule 7).
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      anchor: { type: 'string' },
      'public-key': { type: 'string' },
    },
  });
  const files = { anchor: values.anchor, publicKey: values['public-key'] };
  const seals = await verifiedSeals(readConfig(process.env), files);
  const report = await withServiceLog((...log) => verifyAndKeep(seals, ...log), COULD_NOT_RUN);
  if (values.json) say(JSON.stringify(report));
  else sayLines(linesOf(report));
  process.exitCode = EXIT_CODES[report.result];
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error, 'The log could not be verified')}\n`);
  process.exitCode = COULD_NOT_RUN;
});

async function verifyAndKeep(
  seals: VerifiedSeals,
  store: EventStore,
  { pool }: Database,
): Promise<VerificationReport> {
  const log = createEventLog(store, uuidv7);
  const rowStore = createPostgresRowStore(pool);
  await rowStore.prepare(READ_MODELS);
  await refuseForeignLog(log, rowStore);
  const logId = await readLogId(log);
  const report = await verifyAll({ store, pool, logId, seals, clock: systemClock }, progressTeller());
  await createLastVerification(pool).keep(report);
  return report;
}

/** On standard error, so that the report alone is on standard output. */
const progressTeller = (): ((progress: VerifyProgress) => void) =>
  everySecond(({ events, position, end }) => {
    process.stderr.write(`${events} events verified, at position ${position} of ${end}\n`);
  });
