import type { Case } from '../domain/case.ts';
import type { Actor, CaseEvent, Recorded } from '../domain/events.ts';
import { caseStream } from '../domain/identifiers.ts';
import type { EventLog } from '../eventstore/log.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Observer } from '../runtime/observer.ts';
import { createKeyedQueue } from './keyedQueue.ts';
import { createRecentCases, type FoldedCase } from './recentCases.ts';

/** Who changes a case, and for which task. */
export type ChangeContext = {
  readonly actor: Actor;
  readonly correlationId: string | null;
  readonly causationId: string | null;
  readonly traceparent: string | null;
};

/** Decides on the case as it is: the events to append (none: nothing happens), and what to answer. Pure. */
export type Decide<R> = (
  current: Case,
  now: string,
) => { readonly events: readonly CaseEvent[]; readonly result: R };

export type Changed<R> = {
  /** The case after the change. */
  readonly current: Case;
  readonly events: readonly Recorded<CaseEvent>[];
  readonly result: R;
};

/** Cases, as folds of their streams. */
export type CaseStore = {
  readonly load: (caseId: string) => Promise<Case>;
  /**
   * Load, decide, append at the revision that was loaded; on a conflict all over again. Writers of one case queue inside
   * the process. Rejects with what `decide` throws, and with StoreUnavailableError.
   */
  readonly change: <R>(
    caseId: string,
    context: ChangeContext,
    decide: Decide<R>,
    /** Longest wait in the queue, in milliseconds; StoreUnavailableError then, and nothing was done. Without it: no bound. */
    patienceMs?: number,
  ) => Promise<Changed<R>>;
  /** Resolves at the next change of the case made by this process, or after the given milliseconds. */
  readonly nextChange: (caseId: string, milliseconds: number) => Promise<void>;
};

/** How long a request queues behind other writers of its case before it is answered with 503. */
export const REQUEST_PATIENCE_MS = 10_000;
/** How many folded cases are kept; each holds a few kilobytes for each of its tasks. */
const RECENT_CASES = 500;

/** @param signal ends waiting on shutdown */
export function createCaseStore(
  log: EventLog,
  clock: Clock,
  observer: Pick<Observer, 'appendConflict'>,
  signal: AbortSignal,
): CaseStore {
  const queue = createKeyedQueue();
  const recent = createRecentCases(RECENT_CASES);
  const waiting = new Map<string, Set<AbortController>>();

  const read = async (caseId: string): Promise<FoldedCase> => {
    const folded = recent.get(caseId);
    const events = await log.read(caseStream(caseId), folded.head.revision + 1);
    return recent.extend(folded, events as Recorded<CaseEvent>[]);
  };

  const attempt = async <R>(
    caseId: string,
    context: ChangeContext,
    decide: Decide<R>,
  ): Promise<Changed<R>> => {
    for (;;) {
      const folded = await read(caseId);
      const { current, head } = folded;
      const now = latest(clock.now(), head.recordedAt);
      const { events, result } = decide(current, now);
      if (events.length === 0) return { current, events: [], result };
      const outcome = await log.append(caseStream(caseId), head, events, { ...context, now });
      if (outcome.kind === 'appended') {
        const recorded = outcome.events as readonly Recorded<CaseEvent>[];
        for (const waiter of waiting.get(caseId) ?? []) waiter.abort();
        return { current: recent.extend(folded, recorded).current, events: recorded, result };
      }
      // Folded anew: whatever was wrong with what is known must not make it conflict for ever.
      recent.forget(caseId);
      observer.appendConflict();
    }
  };

  return {
    load: async (caseId) => (await read(caseId)).current,
    change: (caseId, context, decide, patienceMs = Number.POSITIVE_INFINITY) => {
      const queuedAt = clock.monotonicMs();
      return queue.run(caseId, () => {
        const waited = clock.monotonicMs() - queuedAt;
        if (waited <= patienceMs) return attempt(caseId, context, decide);
        throw new StoreUnavailableError(
          `writers of this case have queued for ${Math.round(waited)} ms`,
          undefined,
        );
      });
    },
    nextChange: async (caseId, milliseconds) => {
      const waiter = new AbortController();
      const waiters = waiting.get(caseId) ?? new Set();
      waiting.set(caseId, waiters.add(waiter));
      await clock.sleep(milliseconds, AbortSignal.any([waiter.signal, signal]));
      waiters.delete(waiter);
      if (waiters.size === 0) waiting.delete(caseId);
    },
  };
}

const latest = (now: string, recordedAt: string | null): string =>
  recordedAt !== null && recordedAt > now ? recordedAt : now;
