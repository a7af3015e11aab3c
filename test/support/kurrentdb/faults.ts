/** Part of the protocol test server: a test double in memory, not a database. The switchboard of its faults. */
import type { status } from '@grpc/grpc-js';

/** What a client asks for. An append is counted and matched by itself on the batch stream too. */
export type Method =
  | 'append'
  | 'batchAppend'
  | 'read'
  | 'subscribe'
  | 'delete'
  | 'tombstone'
  | 'getSupportedMethods'
  | 'gossip';

/** One call as faults see it. */
export type Call = {
  readonly method: Method;
  /** The stream's name, `$all`, or empty where the call has none. */
  readonly stream: string;
  /** Ids of the events to append; empty otherwise. */
  readonly eventIds: readonly string[];
};

/** Whether an append, delete or tombstone takes effect although its caller does not hear so. Default: it does not. */
type Committed = { readonly committed?: boolean };
/** For reads and subscriptions: strikes when this many events have been sent. Default: at once. */
type AfterEvents = { readonly afterEvents?: number };

export type Refusal =
  | 'timeout'
  | 'accessDenied'
  | 'unknown'
  | 'badRequest'
  | 'notReady'
  | 'maximumAppendSizeExceeded'
  | 'maximumAppendEventSizeExceeded';

export type Fault =
  /** The call ends with this gRPC status; on the batch stream the whole stream does. */
  | ({ readonly kind: 'error'; readonly code: status } & Committed & AfterEvents)
  /** The server's own refusal of one append; the batch stream goes on. */
  | ({ readonly kind: 'refusal'; readonly reason: Refusal } & Committed)
  /** Nothing is ever answered, and the connection stays. */
  | ({ readonly kind: 'silence' } & Committed & AfterEvents)
  /** Answers after so many milliseconds; `committed` means that the append takes effect before the wait. */
  | ({ readonly kind: 'delay'; readonly ms: number } & Committed)
  /** The server ends its side with OK: the batch stream, a read, or a subscription. */
  | ({ readonly kind: 'halfClose' } & Committed & AfterEvents)
  /** The answer of a node that is not the leader; on the batch stream it ends the whole stream. */
  | { readonly kind: 'notLeader'; readonly leader: { readonly address: string; readonly port: number } }
  /** Every connection of the server is cut. */
  | ({ readonly kind: 'disconnect' } & Committed & AfterEvents)
  /** A repeat whose original is not replicated yet: the server drops it and answers a timeout. Others are served. */
  | { readonly kind: 'notReplicated' };

export type FaultSwitch = {
  readonly off: () => void;
  /** How many calls it has struck. */
  readonly hits: () => number;
};

export type Faults = {
  /** Strikes every call that matches, until it is switched off. */
  readonly when: (matches: (call: Call) => boolean, fault: Fault) => FaultSwitch;
  /** Strikes the next `count` calls of these methods (or those that match, given a predicate). */
  readonly next: (
    count: number,
    matches: readonly Method[] | ((call: Call) => boolean),
    fault: Fault,
  ) => FaultSwitch;
  readonly clear: () => void;
};

type Entry = { matches: (call: Call) => boolean; fault: Fault; left: number; hits: number };

/** The switchboard for tests, and `strike` for the server: the fault that a call meets, if any; the oldest first. */
export function createFaults(): { faults: Faults; strike: (call: Call) => Fault | null } {
  const entries = new Set<Entry>();
  const add = (matches: Entry['matches'], fault: Fault, left: number): FaultSwitch => {
    const entry: Entry = { matches, fault, left, hits: 0 };
    entries.add(entry);
    return { off: () => void entries.delete(entry), hits: () => entry.hits };
  };
  return {
    faults: {
      when: (matches, fault) => add(matches, fault, Number.POSITIVE_INFINITY),
      next: (count, matches, fault) =>
        add(typeof matches === 'function' ? matches : ({ method }) => matches.includes(method), fault, count),
      clear: () => entries.clear(),
    },
    strike: (call) => {
      for (const entry of entries) {
        if (!entry.matches(call)) continue;
        entry.hits += 1;
        entry.left -= 1;
        if (entry.left <= 0) entries.delete(entry);
        return entry.fault;
      }
      return null;
    },
  };
}
