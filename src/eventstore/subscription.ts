import type { ReadEvent } from './port.ts';

/** What tells subscriptions of one process that one of its own appends has just become readable. */
export type Wakeups = {
  readonly wake: () => void;
  /** Grows with every wake: read it before you look, and no append can slip in between looking and waiting. */
  readonly count: () => number;
  /** Resolves at the first wake after `seen`, at once if there was one. Resolves, too, when the signal aborts. */
  readonly after: (seen: number, signal: AbortSignal) => Promise<void>;
};

export function createWakeups(): Wakeups {
  let count = 0;
  const waiting = new Set<() => void>();
  return {
    wake: () => {
      count += 1;
      for (const resume of [...waiting]) resume();
    },
    count: () => count,
    after: (seen, signal) =>
      new Promise((resolve) => {
        const resume = (): void => {
          waiting.delete(resume);
          signal.removeEventListener('abort', resume);
          resolve();
        };
        if (count > seen || signal.aborted) return resolve();
        waiting.add(resume);
        signal.addEventListener('abort', resume, { once: true });
      }),
  };
}

export type SubscriptionSource = {
  /** Events after the position, at most `limit`; empty when there is nothing yet or the signal aborted. */
  readonly read: (after: bigint | null, limit: number, signal: AbortSignal) => Promise<readonly ReadEvent[]>;
  readonly wakeups: Wakeups;
  /** The longest wait between two looks, after which there may be events of other processes; never rejects. */
  readonly pause: (signal: AbortSignal) => Promise<void>;
};

/**
 * Catches up and then follows a log: see `subscribe` of the port. Never pauses before it has seen an empty page.
 */
export async function* followLog(
  source: SubscriptionSource,
  after: bigint | null,
  batchSize: number,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEvent[], void, undefined> {
  let position = after;
  while (!signal.aborted) {
    const seen = source.wakeups.count();
    const events = await source.read(position, batchSize, signal);
    const last = events.at(-1);
    if (last) {
      if (signal.aborted) return;
      yield events;
      position = last.position;
    } else {
      await waitForNews(source, seen, signal);
    }
  }
}

async function waitForNews(source: SubscriptionSource, seen: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  // One controller a wait, ended in any case: a signal that lives for months must not collect listeners.
  const wait = new AbortController();
  const stop = (): void => wait.abort();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([source.wakeups.after(seen, wait.signal), source.pause(wait.signal)]);
  signal.removeEventListener('abort', stop);
  stop();
}
