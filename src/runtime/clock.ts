import { setTimeout as sleep } from 'node:timers/promises';

/** Time, from outside. */
export type Clock = {
  /** Now, ISO 8601 in UTC with milliseconds. */
  readonly now: () => string;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number;
  /** Resolves after the given milliseconds, or at once when `signal` aborts. Never rejects. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
};

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  monotonicMs: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => {}),
};
