import type { Clock } from '../runtime/clock.ts';

/**
 * Waits for `work`, which never rejects, or for the time; leaves no timer behind.
 *
 * @param signal ends the waiting, too
 */
export async function atMost(
  clock: Pick<Clock, 'sleep'>,
  work: Promise<unknown>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const enough = signal ? AbortSignal.any([done.signal, signal]) : done.signal;
  await Promise.race([work, clock.sleep(milliseconds, enough)]);
  done.abort();
}
