import { setImmediate as turn } from 'node:timers/promises';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Timer } from '../../runtime/clock.ts';
import type { ReadEvent } from '../port.ts';
import { toReadEvent } from './calls.ts';
import type { Begin } from './connection.ts';
import { SubscriptionDroppedError } from './failures.ts';
import { type Inbox, openInbox } from './inbox.ts';
import { type Place, subscriptionRequest } from './requests.ts';

/** A subscription that is under way: one call, read only as fast as it is asked. */
export type Feed = {
  /**
   * The next events, in order, at most `limit`; waits for the first of them. Before the subscription has caught up a batch
   * is filled as long as more comes soon; after that, what is there is given at once.
   *
   * @throws what the call failed with; SubscriptionDroppedError when the server ended it, or says nothing for `idleMs`
   */
  readonly take: (limit: number) => Promise<readonly ReadEvent[]>;
  /** Up to where everything was taken: the last event, or a later place with only the server's own events between. */
  readonly reached: () => Place | null;
  readonly cancel: () => void;
};

export type FeedOptions = {
  readonly clock: Timer;
  /** Longest wait for more events of a batch that is not full, while catching up. */
  readonly lingerMs: number;
  /** Longest silence that is believed. */
  readonly idleMs: number;
};

/** Subscribes to all streams after a place; the answer is there when the server has confirmed. */
export const beginFeed =
  (options: FeedOptions, after: Place | null): Begin<Feed> =>
  (streams, args) => {
    const call = streams.read(subscriptionRequest(after), ...args);
    const inbox = openInbox<ReadResp>(call, options.clock);
    const cancel = (): void => call.cancel();
    const feed = { ...createTaker(inbox, options, after), cancel };
    return { answer: confirmed(inbox).then(() => feed), cancel };
  };

/** Waits for the confirmation, for as long as its caller does. */
async function confirmed(inbox: Inbox<ReadResp>): Promise<void> {
  for (;;) {
    const first = inbox.next();
    if (first?.hasConfirmation()) return;
    if (first || inbox.ended()) throw inbox.failure() ?? new SubscriptionDroppedError('It was not confirmed');
    await inbox.wait(LONG_MS);
  }
}

const LONG_MS = 60_000;

function createTaker(
  inbox: Inbox<ReadResp>,
  { lingerMs, idleMs }: FeedOptions,
  after: Place | null,
): Pick<Feed, 'take' | 'reached'> {
  let live = false;
  let reached = after;

  const note = (response: ReadResp): ReadEvent | null => {
    const checkpoint = response.getCheckpoint();
    if (checkpoint) {
      reached = {
        commit: BigInt(checkpoint.getCommitPosition()),
        prepare: BigInt(checkpoint.getPreparePosition()),
      };
    }
    if (response.hasCaughtUp()) live = true;
    const read = toReadEvent(response);
    if (read) reached = read.place;
    return read?.event ?? null;
  };

  const drain = (into: ReadEvent[], limit: number): void => {
    while (into.length < limit) {
      const response = inbox.next();
      if (response === null) return;
      const event = note(response);
      if (event) into.push(event);
    }
  };

  /** Waits for the first events of a batch. */
  const first = async (): Promise<void> => {
    if (inbox.ended()) throw inbox.failure() ?? new SubscriptionDroppedError('The server ended it');
    if (!(await inbox.wait(idleMs))) throw new SubscriptionDroppedError(`Nothing came for ${idleMs} ms`);
  };

  /** Waits for more of a batch; false where it is to be given as it is. */
  const more = async (grows: boolean): Promise<boolean> => {
    if (inbox.ended()) return false;
    if (!live) return inbox.wait(lingerMs);
    // A live append of several events comes in one go: one turn of the event loop, as long as that brings more.
    if (grows) await turn();
    return grows;
  };

  return {
    take: async (limit) => {
      const events: ReadEvent[] = [];
      for (;;) {
        const before = events.length;
        drain(events, limit);
        if (events.length === limit) return events;
        if (events.length === 0) await first();
        else if (!(await more(events.length > before))) return events;
      }
    },
    reached: () => reached,
  };
}
