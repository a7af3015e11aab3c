import { setTimeout as delay } from 'node:timers/promises';

/** Time as the adapter sees it; a test gives its own. */
export type Clock = {
  /** Milliseconds from any fixed moment; never goes back. */
  readonly now: () => number;
  /** Resolves after `ms`, or as soon as the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
};

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}).catch(() => {}),
};
