import type { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { Timer } from '../../runtime/clock.ts';

/** What a subscription needs of a call: a readable stream of messages. */
type Source = Pick<EventEmitter, 'on'> & { readonly pause: () => unknown; readonly resume: () => unknown };

/** The messages of a call, received only as fast as they are taken; never rejects and never throws by itself. */
export type Inbox<T> = {
  /** The next message that is here; null where there is none. */
  readonly next: () => T | null;
  /** Resolves when there may be messages or the call has ended; false after `ms` without either. */
  readonly wait: (ms: number) => Promise<boolean>;
  /** Whether the call has ended; messages may be left. */
  readonly ended: () => boolean;
  /** What the call failed with; null while it has not, and after a clean end. */
  readonly failure: () => unknown;
};

/** A call with so many messages that nobody has taken is not read any further, which stops the server in the end. */
const MOST_MESSAGES = 64;

/** @template T the messages, as the stubs make them */
export function openInbox<T>(call: Source, clock: Timer): Inbox<T> {
  const messages: T[] = [];
  let wake = (): void => {};
  let paused = false;
  let ended = false;
  let failure: unknown = null;
  call.on('data', (message: T) => {
    messages.push(message);
    if (messages.length >= MOST_MESSAGES) {
      paused = true;
      call.pause();
    }
    wake();
  });
  call.on('end', () => {
    ended = true;
    wake();
  });
  call.on('error', (error: unknown) => {
    failure ??= error;
    ended = true;
    wake();
  });

  const news = async (ms: number): Promise<boolean> => {
    const quiet = new AbortController();
    const message = new Promise<true>((resolve) => {
      wake = () => resolve(true);
    });
    const late = clock.sleep(ms, quiet.signal).then(() => false);
    const happened = await Promise.race([message, late]);
    quiet.abort();
    return happened;
  };
  return {
    next: () => {
      const message = messages.shift();
      if (message !== undefined) return message;
      if (paused) call.resume();
      paused = false;
      return null;
    },
    wait: async (ms) => {
      if (!ended && messages.length === 0 && !(await news(ms))) return false;
      // What came in one packet is taken in one go.
      await turn();
      return true;
    },
    ended: () => ended,
    failure: () => failure,
  };
}
