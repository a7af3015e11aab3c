import type { EventEmitter } from 'node:events';
import type { Clock } from './clock.ts';

/** What a subscription needs of a call: a readable stream of messages. */
type Source<T> = Pick<EventEmitter, 'on'> & { readonly read: () => T | null };

/** The messages of a call, read only as fast as they are asked for; never rejects and never throws by itself. */
export type Inbox<T> = {
  /** The next message that is here; null where there is none. */
  readonly next: () => T | null;
  /** Resolves when there may be a message or the call has ended; false after `ms` without either. */
  readonly wait: (ms: number) => Promise<boolean>;
  readonly ended: () => boolean;
  /** What the call failed with; null while it has not, and after a clean end. */
  readonly failure: () => unknown;
};

export function openInbox<T>(call: Source<T>, clock: Clock): Inbox<T> {
  let wake = (): void => {};
  let ended = false;
  let failure: unknown = null;
  call.on('readable', () => wake());
  call.on('end', () => {
    ended = true;
    wake();
  });
  call.on('error', (error: unknown) => {
    failure ??= error;
    ended = true;
    wake();
  });
  return {
    next: () => call.read(),
    wait: async (ms) => {
      if (ended) return true;
      const quiet = new AbortController();
      const news = new Promise<true>((resolve) => {
        wake = () => resolve(true);
      });
      const late = clock.sleep(ms, quiet.signal).then(() => false);
      const happened = await Promise.race([news, late]);
      quiet.abort();
      return happened;
    },
    ended: () => ended,
    failure: () => failure,
  };
}
