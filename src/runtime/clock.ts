/** Time, from outside. */
export type Clock = {
  /** Now, ISO 8601 in UTC with milliseconds. */
  readonly now: () => string;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number;
  /** Resolves after the given milliseconds, or at once when `signal` aborts. Never rejects. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
};

/** Time as those see it who only measure and wait. */
export type Timer = Pick<Clock, 'monotonicMs' | 'sleep'>;

/** The machine's own clock. Most sleeps are time-outs that end early, so that is cheap: no error is made for it. */
export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  monotonicMs: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal?.addEventListener('abort', done, { once: true });
    }),
};
