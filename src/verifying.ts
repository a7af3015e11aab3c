import type { Pool } from 'pg';
import type { Config } from './config.ts';
import { codec } from './eventstore/codec.ts';
import { createPostgresRowStore } from './projections/postgresRowStore.ts';
import { fingerprintOf, READ_MODELS } from './projections/readModels.ts';
import { createReadKeys } from './projections/rowKeys.ts';
import { createLastVerification, type LastVerification } from './replay/lastVerification.ts';
import { paced } from './replay/paced.ts';
import type { LogReader } from './replay/readEvents.ts';
import type { VerificationReport } from './replay/report.ts';
import { type VerifiedSeals, type VerifyProgress, verifyLog } from './replay/verifyLog.ts';
import { runVerifyLoop, type VerifyLoopDependencies } from './replay/verifyLoop.ts';
import type { Clock } from './runtime/clock.ts';
import type { VerificationReading } from './runtime/metrics.ts';
import { createPostgresKeyExists } from './vault/postgres.ts';
import { verifiedSeals } from './verifiedSeals.ts';

/** A log with the database that its read models and keys are in. */
export type Verifiable = {
  readonly store: LogReader;
  readonly pool: Pool;
  readonly logId: string | null;
  readonly seals: VerifiedSeals;
  readonly clock: Clock;
};

/** Verifies a log, the read models made of it, and that keys of erased cases are gone. Throws as `verifyLog` does. */
export function verifyAll(
  { store, pool, logId, seals, clock }: Verifiable,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerificationReport> {
  const readModels = {
    rowStore: createPostgresRowStore(pool),
    readKeys: createReadKeys(pool),
    projections: READ_MODELS,
    fingerprint: fingerprintOf(store.kind),
  };
  const keyExists = createPostgresKeyExists(pool);
  return verifyLog({ store, codec, logId, clock, readModels, keyExists, seals }, onProgress);
}

/** Verification as a running service does it. */
export type Verifying = {
  /** The last report, whoever made it; null where there is none. */
  readonly last: LastVerification['read'];
  /** What the last verification has found, whoever ran it; null where there was none. */
  readonly reading: () => Promise<VerificationReading | null>;
  /** Lets go of what it was reading, and ends. */
  readonly stop: () => Promise<void>;
};

/** Verifies the log every so often, at a low rate, for as long as this process leads. */
export function startVerifying(
  config: Config,
  parts: Omit<Verifiable, 'seals'> & Pick<VerifyLoopDependencies, 'leads' | 'logger'>,
): Verifying {
  const last = createLastVerification(parts.pool);
  const reading = async (): Promise<VerificationReading | null> => {
    const report = await last.read();
    if (!report) return null;
    const ageSeconds = (Date.parse(parts.clock.now()) - Date.parse(report.finishedAt)) / 1_000;
    return { mismatches: report.mismatchCount, ageSeconds };
  };
  if (config.VERIFY_EVERY_HOURS === 0) return { last: last.read, reading, stop: async () => {} };
  const ending = new AbortController();
  const store = paced(parts.store, config.VERIFY_EVENTS_PER_SECOND, parts.clock, ending.signal);
  const verify = async (): Promise<VerificationReport> =>
    verifyAll({ ...parts, store, seals: await verifiedSeals(config) }, () => {});
  const ended = runVerifyLoop(
    {
      ...parts,
      verify,
      last,
      everyMs: config.VERIFY_EVERY_HOURS * 3_600_000,
    },
    ending.signal,
  );
  return {
    last: last.read,
    reading,
    stop: () => {
      ending.abort();
      return ended;
    },
  };
}
