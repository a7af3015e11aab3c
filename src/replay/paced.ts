import type { Timer } from '../runtime/clock.ts';
import type { LogReader } from './readEvents.ts';

/** Reading was ended from outside. */
export class ReadingEndedError extends Error {
  readonly code = 'READING_ENDED';
}

/**
 * A log that gives no more than so many events a second, so that reading all of it disturbs nobody.
 *
 * @param signal ends it: whoever reads is told with a ReadingEndedError
 */
export function paced(
  store: LogReader,
  eventsPerSecond: number,
  clock: Timer,
  signal: AbortSignal,
): LogReader {
  let freeAt = clock.monotonicMs();
  const pay = async <T extends readonly unknown[]>(events: T): Promise<T> => {
    freeAt = Math.max(freeAt, clock.monotonicMs()) + (events.length * 1_000) / eventsPerSecond;
    await clock.sleep(Math.max(0, freeAt - clock.monotonicMs()), signal);
    if (signal.aborted) throw new ReadingEndedError('the service is ending');
    return events;
  };
  return {
    ...store,
    readAll: async (...asked) => pay(await store.readAll(...asked)),
    readStream: async (...asked) => pay(await store.readStream(...asked)),
  };
}
