import { BEAT_MS } from '../coordination/port.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { type AlarmReason, SealAlarmError } from './alarm.ts';

export type SealLoopDependencies = {
  /** Seals everything that is there. */
  readonly seal: () => Promise<void>;
  /** Whether this process is the one to do it. That two do so at once costs a little work, and nothing else. */
  readonly leads: () => boolean;
  readonly everyMs: number;
  readonly clock: Timer;
  readonly logger: Logger;
};

export type SealLoop = {
  /** Why sealing has stopped until somebody looks; null while it goes on. */
  readonly alarm: () => AlarmReason | null;
  /** Resolves when the loop has ended, after its signal was aborted. Never rejects. */
  readonly ended: Promise<void>;
};

/**
 * Seals what is new every so often, and a last time when it ends, in whichever process leads. What fails is told and tried again;
 * nothing else of the service notices.
 *
 * @param signal ends it
 */
export function startSealLoop(deps: SealLoopDependencies, signal: AbortSignal): SealLoop {
  const { clock, logger } = deps;
  let alarm: AlarmReason | null = null;
  let isFailing = false;

  const seal = async (): Promise<void> => {
    try {
      await deps.seal();
      if (alarm !== null || isFailing) logger.info({}, 'the log is sealed again');
      [alarm, isFailing] = [null, false];
    } catch (error) {
      if (error instanceof SealAlarmError) sound(error);
      else tell(error);
    }
  };
  const sound = ({ code, reason, message }: SealAlarmError): void => {
    if (reason !== alarm)
      logger.error(
        { code, reason, problem: message },
        'ALARM: the log is not what was sealed; nothing is sealed any more',
      );
    alarm = reason;
  };
  const tell = (error: unknown): void => {
    if (!isFailing) logger.error({ err: error }, 'sealing failed; it is tried again');
    isFailing = true;
  };

  const run = async (): Promise<void> => {
    let led = false;
    while (!signal.aborted) {
      led = deps.leads();
      if (led) await seal();
      await clock.sleep(led ? deps.everyMs : BEAT_MS, signal);
    }
    if (led) await seal();
  };

  return { alarm: () => alarm, ended: run() };
}
