import type { MemoryCoordination } from '../../src/coordination/memory.ts';
import type { AppendResult, EventStore, StoredEvent } from '../../src/eventstore/port.ts';
import { createWakeups } from '../../src/eventstore/subscription.ts';
import type { MemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import type { KeyStore } from '../../src/vault/port.ts';
import type { Appended } from './oracle/book.ts';

/** What the processes of one run share. */
export type Shared = {
  readonly log: SharedLog;
  readonly rows: MemoryRowStore;
  readonly keys: KeyStore;
  readonly coordination: MemoryCoordination;
  /** How far the coordinator's clock is from the truth, in milliseconds. */
  readonly coordinatorClock: { offset: number };
  /** Cases of which the row store does not take any row now. */
  readonly refusedCases: Set<string>;
};

/** The event store that processes share. */
export type SharedLog = {
  readonly store: EventStore;
  readonly append: (
    by: string,
    stream: string,
    expected: number,
    events: readonly StoredEvent[],
    sent: Pick<Appended, 'sentAt' | 'clockSaid' | 'troubledAt'>,
  ) => Promise<AppendResult>;
  readonly wakeups: ReturnType<typeof createWakeups>;
};

/** @param committed told of everything that is new in the log, in its order */
export function shareLog(store: EventStore, committed: (by: string, append: Appended) => void): SharedLog {
  const wakeups = createWakeups();
  let last = 0n;
  return {
    store,
    wakeups,
    append: async (by, stream, expected, events, sent) => {
      const result = await store.append(stream, expected, events);
      if (result.kind === 'conflict') return result;
      const { positions, revision } = result;
      // An append that is repeated gets the first one's answer.
      if ((positions[0] ?? 0n) <= last) return result;
      last = positions.at(-1) ?? last;
      committed(by, { stream, firstRevision: revision - events.length + 1, events, positions, ...sent });
      wakeups.wake();
      return result;
    },
  };
}
