import { BEAT_MS } from '../coordination/port.ts';
import { UnknownEventError } from '../eventstore/codec.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Leadership } from './leadership.ts';
import { CheckpointMovedError, ForeignLogError, type ProjectorDependencies, project } from './projector.ts';
import type { ParkedCase } from './rowStore.ts';

/** How the projections of this process fare. */
export type RunnerStatus = {
  /** Whether this process is the one that projects. */
  readonly leads: boolean;
  /** Why projecting has stopped until somebody acts; null while it goes on. */
  readonly stopped: string | null;
  /** Cases parked since this process leads. */
  readonly parked: number;
};

export type Runner = {
  readonly status: () => RunnerStatus;
  /** Resolves when the runner has ended, after its signal was aborted. */
  readonly ended: Promise<void>;
};

export type RunnerDependencies = Omit<ProjectorDependencies, 'onCommit' | 'onPrepared'> & {
  readonly lead: () => Promise<Leadership | null>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onCommit: (position: bigint, events: readonly ReadEvent[], parked: readonly ParkedCase[]) => void;
};

const AFTER_ERROR_MS = 1_000;

/**
 * Keeps read models up to date in exactly one process: whoever holds the lease projects, the others try for it.
 * A failure stops nothing for good: it is logged and tried again; an event of later code stops projecting until a process
 * that knows it takes over.
 *
 * @param signal ends the runner
 */
export function startRunner(deps: RunnerDependencies, signal: AbortSignal): Runner {
  let status: RunnerStatus = { leads: false, stopped: null, parked: 0 };
  let stoppedByLaterCode = false;
  const { clock, logger } = deps;

  const onCommit: RunnerDependencies['onCommit'] = (position, events, parked) => {
    for (const { stream, revision, code } of parked) {
      logger.error(
        { stream, revision, code },
        'an event cannot be projected: its case is parked until a rebuild',
      );
    }
    stoppedByLaterCode = false;
    status = { ...status, stopped: null, parked: status.parked + parked.length };
    deps.onCommit(position, events, parked);
  };

  /** An event of later code is still there; any other failure is over when tables and checkpoint can be used. */
  const onPrepared = (): void => {
    if (!stoppedByLaterCode) status = { ...status, stopped: null };
  };

  const leadOnce = async (): Promise<void> => {
    const leadership = await deps.lead();
    if (!leadership) {
      // Whatever stopped this process, another one projects now; whether it keeps up is seen from the checkpoint.
      stoppedByLaterCode = false;
      status = { ...status, stopped: null };
      await clock.sleep(BEAT_MS, signal);
      return;
    }
    status = { ...status, leads: true };
    try {
      await project({ ...deps, onPrepared, onCommit }, AbortSignal.any([signal, leadership.lost]));
    } finally {
      status = { ...status, leads: false };
      await leadership.release();
    }
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await leadOnce();
      } catch (error) {
        if (error instanceof CheckpointMovedError) {
          logger.info(
            {},
            'the read models were made anew, or another process writes them: going on from there',
          );
          continue;
        }
        const stops = error instanceof UnknownEventError || error instanceof ForeignLogError;
        stoppedByLaterCode = error instanceof UnknownEventError;
        status = { ...status, stopped: stops ? error.message : 'projecting failed; see the log' };
        logger.error({ err: error }, 'projecting failed; it is tried again');
        await clock.sleep(AFTER_ERROR_MS, signal);
      }
    }
  };

  return { status: () => status, ended: run() };
}
