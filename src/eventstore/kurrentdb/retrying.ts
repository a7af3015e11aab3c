import type { Timer } from '../../runtime/clock.ts';
import { failureOf, refused, unavailable } from './failures.ts';

export type Patience = {
  readonly clock: Timer;
  /** Longest wait for the answer to one call, in milliseconds. */
  readonly attemptMs: number;
  /** Longest time for all of an operation, repeats and pauses included, in milliseconds. */
  readonly budgetMs: number;
  /** Whether to give up now. */
  readonly isClosed: () => boolean;
};

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Makes calls until one attempt succeeds, is refused, or the budget is spent.
 *
 * @param attempt gets the longest time that its next call may take, in milliseconds
 * @throws StoreUnavailableError when the budget is spent
 * @throws StoreRefusedError when the same call would fail again
 */
export async function retrying<T>(
  { clock, attemptMs, budgetMs, isClosed }: Patience,
  operation: string,
  attempt: (timeoutMs: () => number) => Promise<T>,
): Promise<T> {
  const end = clock.monotonicMs() + budgetMs;
  const timeoutMs = (): number => Math.max(1, Math.min(attemptMs, end - clock.monotonicMs()));
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt(timeoutMs);
    } catch (error) {
      if (failureOf(error) === 'refused') throw refused(operation, error);
      if (isClosed() || clock.monotonicMs() + pause >= end) throw unavailable(operation, error);
      await clock.sleep(pause);
    }
  }
}
