import type { ReadEvent } from '../port.ts';
import type { Connection } from './connection.ts';
import { failureOf, refused, unavailable } from './failures.ts';
import { beginFeed, type Feed, type FeedOptions } from './feed.ts';
import { type Place, placeOf } from './requests.ts';

export type SubscribeOptions = FeedOptions & {
  readonly connection: Connection;
  /** Longest wait for the server's confirmation. */
  readonly attemptMs: number;
  /** For how long to subscribe again without success before the store counts as lost. */
  readonly patienceMs: number;
};

type Batches = AsyncGenerator<readonly ReadEvent[], void, undefined>;

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Catches up and follows: see `subscribe` of the port. Whatever ends the subscription, an error, a clean end or silence, it
 * subscribes again after the last event that was delivered, and rejects only when that has not worked for `patienceMs`.
 * A slow consumer stops the call from being read, which stops the server: there is never more in memory than
 * one batch and the few messages that the connection's window holds.
 */
export async function* follow(
  options: SubscribeOptions,
  after: bigint | null,
  batchSize: number,
  signal: AbortSignal,
): Batches {
  const retry = createRetry(options, signal);
  let place: Place | null = after === null ? null : placeOf(after);
  while (!signal.aborted) {
    const feed = await retry.attempt(() =>
      options.connection.call(options.attemptMs, beginFeed(options, place), signal),
    );
    if (feed === null) continue;
    const stop = (): void => feed.cancel();
    signal.addEventListener('abort', stop, { once: true });
    try {
      yield* batchesOf(feed, batchSize, signal, retry);
    } finally {
      signal.removeEventListener('abort', stop);
      feed.cancel();
    }
    // What a feed has reached, it has also delivered.
    place = feed.reached();
  }
}

/** Ends when the feed does, for whatever passing reason. */
async function* batchesOf(feed: Feed, batchSize: number, signal: AbortSignal, retry: Retry): Batches {
  while (!signal.aborted) {
    const events = await retry.attempt(() => feed.take(batchSize));
    if (events === null || signal.aborted) return;
    yield events;
    retry.succeeded();
  }
}

type Retry = {
  /** What the work gives; null, after a pause, where it failed and may succeed later. Rejects when the patience is over. */
  readonly attempt: <T>(work: () => Promise<T>) => Promise<T | null>;
  /** Events were delivered: whatever comes next is a new failure. */
  readonly succeeded: () => void;
};

function createRetry({ clock, patienceMs }: SubscribeOptions, signal: AbortSignal): Retry {
  let pause = FIRST_PAUSE_MS;
  let failingSince: number | null = null;
  let workedAt = clock.monotonicMs();
  return {
    attempt: async (work) => {
      try {
        const result = await work();
        failingSince = null;
        workedAt = clock.monotonicMs();
        return result;
      } catch (error) {
        if (signal.aborted) return null;
        if (failureOf(error) === 'refused') throw refused('subscribe', error);
        // A log where nothing happens is subscribed to again and again, and what comes next should not wait for that.
        if (failingSince === null && clock.monotonicMs() - workedAt > LONGEST_PAUSE_MS)
          pause = FIRST_PAUSE_MS;
        failingSince ??= clock.monotonicMs();
        if (clock.monotonicMs() - failingSince >= patienceMs) throw unavailable('subscribe', error);
        await clock.sleep(pause, signal);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        return null;
      }
    },
    succeeded: () => {
      pause = FIRST_PAUSE_MS;
    },
  };
}
