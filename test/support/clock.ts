import type { Clock } from '../../src/runtime/clock.ts';

/** A clock whose time moves only when a test says so. */
export type FakeClock = Clock & {
  /** Moves time on, and wakes whoever sleeps no longer than that. */
  readonly advance: (milliseconds: number) => void;
  /** Sets the wall clock, also back; sleepers and the monotonic clock are not touched. */
  readonly setWall: (time: string) => void;
  readonly sleepers: () => number;
  /**
   * Waits for `work`, moving time to the next sleeper whenever nothing else is left to happen.
   *
   * @throws Error when work waits for something that neither time nor the event loop brings
   */
  readonly runUntil: <T>(work: Promise<T>) => Promise<T>;
};

type Sleeper = { readonly at: number; readonly wake: () => void };

const MOST_MOVES = 20_000;
const IDLE_TURNS = 3;

export function createFakeClock(start = '2026-01-01T00:00:00.000Z'): FakeClock {
  let elapsed = 0;
  let wallOffset = Date.parse(start);
  const sleeping = new Set<Sleeper>();

  const advance = (milliseconds: number): void => {
    elapsed += milliseconds;
    for (const sleeper of [...sleeping]) if (sleeper.at <= elapsed) sleeper.wake();
  };
  const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        sleeping.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { at: elapsed + milliseconds, wake };
      sleeping.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });

  return {
    now: () => new Date(wallOffset + elapsed).toISOString(),
    monotonicMs: () => elapsed,
    sleep,
    advance,
    setWall: (time) => {
      wallOffset = Date.parse(time) - elapsed;
    },
    sleepers: () => sleeping.size,
    runUntil: async (work) => {
      let settled = false;
      const done = (): void => {
        settled = true;
      };
      work.then(done, done);
      for (let moves = 0; moves < MOST_MOVES; moves += 1) {
        await idle();
        if (settled) return work;
        if (sleeping.size === 0) throw new Error('nobody sleeps, and still the work is not done');
        advance(Math.max(0, Math.min(...[...sleeping].map((sleeper) => sleeper.at)) - elapsed));
      }
      throw new Error(`the work is not done after ${MOST_MOVES} moves of the clock`);
    },
  };
}

/** Resolves when everything that can happen without time or input has happened. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < IDLE_TURNS; turn += 1) await new Promise(setImmediate);
}
