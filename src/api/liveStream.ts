import { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import type { LiveFeed } from './liveFeed.ts';

/** What one client is sent. */
export type LiveRequest = {
  /** Changes behind this position. */
  readonly after: bigint;
  readonly caseId?: string | undefined;
  readonly queue?: string | undefined;
};

/** One client's connection. */
export type LiveStream = {
  /** What is sent, in whole events; it is made only as fast as it is taken. */
  readonly stream: Readable;
  /** Ends it behind the last whole event; a client that takes nothing is cut off soon after. */
  readonly end: () => void;
};

export type LiveStreamDependencies = {
  readonly feed: LiveFeed;
  readonly clock: Clock;
  readonly encode: (position: bigint) => string;
  /** Told of an error that has ended the stream. */
  readonly onError: (error: unknown) => void;
};

/** How long a client should wait before it comes again. */
const RETRY_MS = 1_000;
/** Proxies and clients give up on a connection that says nothing. */
const HEARTBEAT_MS = 15_000;
/** A connection ends then, so that a key that was revoked meanwhile lets at nothing any more. */
const LIFE_MS = 15 * 60_000;
/** How long a client has to take what was made before the end. */
const GRACE_MS = 2_000;

export function openLiveStream(deps: LiveStreamDependencies, request: LiveRequest): LiveStream {
  const over = new AbortController();
  const closed = new AbortController();
  const frames = framesOf(deps, request, over.signal);
  /** Asked for when there is room, and not again before it has pushed. */
  const pull = async (): Promise<void> => {
    try {
      const { value, done } = await frames.next();
      stream.push(done ? null : value);
    } catch (error) {
      deps.onError(error);
      stream.push(null);
    }
  };
  const stream = new Readable({
    read: () => void pull(),
    destroy: (error, done) => {
      over.abort();
      closed.abort();
      // Where the client took nothing it still stands behind the last frame, and listens.
      void frames.return(undefined);
      done(error);
    },
  });
  const end = async (): Promise<void> => {
    over.abort();
    await deps.clock.sleep(GRACE_MS, closed.signal);
    stream.destroy();
  };
  void deps.clock.sleep(LIFE_MS, over.signal).then(end);
  return { stream, end: () => void end() };
}

async function* framesOf(
  { feed, clock, encode }: LiveStreamDependencies,
  { after: start, caseId, queue }: LiveRequest,
  over: AbortSignal,
): AsyncGenerator<string, undefined> {
  let wake = new AbortController();
  const wakeUp = (): void => wake.abort();
  const stop = feed.onChange(wakeUp);
  over.addEventListener('abort', wakeUp, { once: true });
  let after = start;
  try {
    yield `retry: ${RETRY_MS}\nid: ${encode(after)}\n\n`;
    let saidAt = clock.monotonicMs();
    while (!over.aborted) {
      wake = new AbortController();
      const { changes, reached, more } = await feed.read(after);
      after = reached;
      const wanted = changes.filter(
        (change) =>
          (caseId === undefined || change.caseId === caseId) &&
          (queue === undefined || change.queues.includes(queue)),
      );
      const isSilent = clock.monotonicMs() - saidAt >= HEARTBEAT_MS;
      if (wanted.length > 0 || isSilent) {
        // Without data it is no event, but the client keeps the id: it need not read again what was none of its business.
        yield wanted.map(({ text }) => text).join('') || `: still here\nid: ${encode(after)}\n\n`;
        saidAt = clock.monotonicMs();
      }
      if (!more) await clock.sleep(saidAt + HEARTBEAT_MS - clock.monotonicMs(), wake.signal);
    }
  } finally {
    stop();
  }
}
