import { StoreUnavailableError } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import { ShuttingDownError } from './errors.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Does `work` again for as long as the store is unavailable, with growing pauses: what an effect brought must not be
 * thrown away because a database restarts.
 *
 * @param ending aborts when there is no time left for it
 * @throws ShuttingDownError when the process ends first, and whatever else `work` throws
 */
export async function untilAvailable<T>(
  clock: Clock,
  ending: AbortSignal,
  work: () => Promise<T>,
  onAway: (error: StoreUnavailableError) => void = () => {},
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      onAway(error);
      await clock.sleep(pause, ending);
      if (ending.aborted) throw new ShuttingDownError('the store is unavailable and the process is ending');
    }
  }
}
