import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { LastVerification } from './lastVerification.ts';
import { ReadingEndedError } from './paced.ts';
import type { VerificationReport } from './report.ts';

export type VerifyLoopDependencies = {
  /** Verifies everything that is there. */
  readonly verify: () => Promise<VerificationReport>;
  /** Where reports are kept, also those of `npm run verify`. */
  readonly last: LastVerification;
  /** Whether this process is the one to do it. That two do so at once costs a little work, and nothing else. */
  readonly leads: () => boolean;
  /** How old the last report gets before the log is verified again. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** How often it is looked whether a verification is due, in milliseconds. */
export const LOOK_EVERY_MS = 30_000;
/** How often another process looks whether it leads by now, in milliseconds. */
const LOOK_FOR_LEAD_EVERY_MS = 500;

/**
 * Verifies the log every so often, in whichever process leads. What is wrong is told in the log and kept for whoever asks; what fails is
 * tried again, and nothing else of the service notices.
 *
 * @param signal ends it
 * @returns resolves when the loop has ended. Never rejects
 */
export async function runVerifyLoop(deps: VerifyLoopDependencies, signal: AbortSignal): Promise<void> {
  const { clock, leads } = deps;
  let isFailing = false;
  while (!signal.aborted) {
    const led = leads();
    try {
      if (led && (await isDue(deps))) await verifyOnce(deps);
      isFailing = false;
    } catch (error) {
      if (!isFailing && !(error instanceof ReadingEndedError))
        deps.logger.error({ err: error }, 'verifying the log failed; it is tried again');
      isFailing = true;
    }
    await clock.sleep(led ? LOOK_EVERY_MS : LOOK_FOR_LEAD_EVERY_MS, signal);
  }
}

async function isDue({ last, everyMs, clock }: VerifyLoopDependencies): Promise<boolean> {
  const report = await last.read();
  return report === null || Date.parse(clock.now()) - Date.parse(report.finishedAt) >= everyMs;
}

async function verifyOnce({ verify, last, logger }: VerifyLoopDependencies): Promise<void> {
  const report = await verify();
  await last.keep(report);
  const { result, events, mismatchCount, mismatchesByKind, durationMs } = report;
  const told = { result, events, mismatchCount, mismatchesByKind, durationMs };
  if (result === 'MISMATCH')
    logger.error(told, 'ALARM: the log is not what it should be; GET /verification tells where');
  else logger.info(told, 'the log is verified');
}
