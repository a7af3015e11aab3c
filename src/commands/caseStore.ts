import pLimit from 'p-limit';
import { type Case, emptyCase, fold } from '../domain/case.ts';
import type { Actor, CaseEvent, Recorded } from '../domain/events.ts';
import { caseStream } from '../domain/identifiers.ts';
import { asOf, type Moment } from '../domain/moment.ts';
import type { AppendContext, EventLog, PreparedAppend } from '../eventstore/log.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Observer } from '../runtime/observer.ts';
import { createKeyedQueue } from './keyedQueue.ts';
import { createLines } from './line.ts';
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

export type Patience = {
  /** Longest wait in the queue, in milliseconds; StoreUnavailableError then, and nothing was done. Without it: no bound. */
  readonly queueMs?: number;
  /**
   * Does work again for as long as the store is unavailable; without it StoreUnavailableError. An append whose answer was lost is
   * then looked for in the stream before anything is decided anew, so that what it started is known to be one's own.
   */
  readonly again?: Again;
  /** Reads what the decision rests on besides the case: anew before every try, when its turn has come. */
  readonly beforehand?: () => Promise<void>;
};

/** Does work until it has an answer. */
export type Again = <T>(work: () => Promise<T>) => Promise<T>;

const once: Again = (work) => work();
const nothing = async (): Promise<void> => {};
/**
 * How many changes made by driving reach for the store at one time. Below the number of connections: however many tasks move at
 * once, new ones find a connection without queueing behind them.
 */
const DRIVING_AT_ONCE = 12;
/** So many appends without an answer are remembered for one change: what is older cannot arrive any more. */
const MOST_LOST = 64;
/** How long after it was given up an append may still land, in milliseconds: longer than a store's own time-out. */
const LANDS_WITHIN_MS = 10_000;

/** Cases, as folds of their streams. */
export type CaseStore = {
  readonly load: (caseId: string) => Promise<Case>;
  /** The case as this process knows it, without a look: there may be more. Null where it is not known. */
  readonly known: (caseId: string) => Case | null;
  /** The case as it was at a revision; as it is where it has not got there. */
  readonly at: (caseId: string, revision: number) => Promise<Case>;
  /** The case as it was at a moment (without events before its first), and as it is. */
  readonly asOf: (caseId: string, moment: Moment) => Promise<{ readonly past: Case; readonly present: Case }>;
  /**
   * Load, decide, append at the revision that was loaded; on a conflict all over again. Writers of one case queue inside
   * the process. Rejects with what `decide` throws, and with StoreUnavailableError.
   */
  readonly change: <R>(
    caseId: string,
    context: ChangeContext,
    decide: Decide<R>,
    patience?: Patience,
  ) => Promise<Changed<R>>;
  /**
   * A place in the line of those who wait for an action of the case to end, so that a change wakes one of them and not all:
   * resolves at its head. The result leaves the line.
   */
  readonly standInLine: (caseId: string) => Promise<() => void>;
  /** Resolves at the next change of the case made by this process, or after the given milliseconds. */
  readonly nextChange: (caseId: string, milliseconds: number) => Promise<void>;
};

/** How long a request queues behind other writers of its case before it is answered with 503. */
export const REQUEST_PATIENCE: Patience = { queueMs: 10_000 };
/** How many folded cases are kept; each holds a few kilobytes for each of its tasks. */
const RECENT_CASES = 1_000;

/** @param signal ends waiting on shutdown */
export function createCaseStore(
  log: EventLog,
  clock: Clock,
  observer: Pick<Observer, 'appendConflict'>,
  signal: AbortSignal,
): CaseStore {
  const queue = createKeyedQueue();
  const recent = createRecentCases(RECENT_CASES);
  const lines = createLines();
  const driving = pLimit(DRIVING_AT_ONCE);
  const waiting = new Map<string, Set<AbortController>>();

  const read = async (caseId: string): Promise<FoldedCase> => {
    const folded = recent.get(caseId);
    const events = await log.read(caseStream(caseId), folded.head.revision + 1);
    return newest(caseId, recent.extend(folded, events as Recorded<CaseEvent>[]));
  };

  const known = (caseId: string): Case | null => {
    const { current, head } = recent.get(caseId);
    return head.revision < 0 ? null : current;
  };

  /** Of two looks that overlap the slower one must not know less than the faster one has already told. */
  const newest = (caseId: string, folded: FoldedCase): FoldedCase => {
    const kept = recent.get(caseId);
    return kept.head.revision > folded.head.revision ? kept : folded;
  };

  /** One try; null on a conflict. Where `mayGuess`, on what this process knows of the case, if that is enough. */
  const attempt = async <R>(
    caseId: string,
    context: ChangeContext,
    decide: Decide<R>,
    beforehand: () => Promise<void>,
    lost: Lost<R>[],
    mayGuess: boolean,
  ): Promise<Changed<R> | null> => {
    const looking = mayGuess && known(caseId) ? null : read(caseId);
    const [look] = await Promise.all([looking, beforehand()]);
    if (!look) {
      const folded = recent.get(caseId);
      const now = timeBehind(folded);
      const decided = orNothing(() => decide(folded.current, now));
      // Where there is more than this process knows, the append conflicts. What appends nothing, or is refused, must rest on a look.
      if (decided) return append(folded, decided, { ...context, now }, lost);
    }
    const folded = newest(caseId, look ?? (await read(caseId)));
    const landed = await findLanded(caseId, folded, lost);
    if (landed) return landed;
    const { current } = folded;
    const now = timeBehind(folded);
    const decided = decideUnlessLost(() => decide(current, now), lost);
    if (decided.events.length === 0) return { current, events: [], result: decided.result };
    return append(folded, decided, { ...context, now }, lost);
  };

  const timeBehind = ({ head }: FoldedCase): string => latest(clock.now(), head.recordedAt);

  /** Appends behind what is known of a case; null on a conflict. An append without an answer is remembered in `lost`. */
  const append = async <R>(
    folded: FoldedCase,
    { events, result }: ReturnType<Decide<R>>,
    context: AppendContext,
    lost: Lost<R>[],
  ): Promise<Changed<R> | null> => {
    const { caseId } = folded.current;
    const prepared = log.prepare(caseStream(caseId), folded.head, events, context);
    const outcome = await log.commit(prepared).catch((error: unknown) => {
      lost.push({ prepared, result, atMs: clock.monotonicMs() });
      if (lost.length > MOST_LOST) lost.shift();
      throw error;
    });
    if (outcome.kind === 'appended') {
      const recorded = outcome.events as readonly Recorded<CaseEvent>[];
      for (const waiter of waiting.get(caseId) ?? []) waiter.abort();
      return { current: recent.extend(folded, recorded).current, events: recorded, result };
    }
    // Folded anew: whatever was wrong with what is known must not make it conflict for ever.
    recent.forget(caseId);
    observer.appendConflict();
    return null;
  };

  /** Nothing is refused while what was sent before may still land: whoever was told of a refusal must not find it done. */
  const decideUnlessLost = <D>(decide: () => D, lost: readonly Lost<unknown>[]): D => {
    try {
      return decide();
    } catch (error) {
      const last = lost.at(-1);
      if (!last || clock.monotonicMs() - last.atMs > LANDS_WITHIN_MS) throw error;
      throw new StoreUnavailableError('an append without an answer may still land', error);
    }
  };

  /** What an append that had no answer did after all; null where none of them is in the stream. */
  const findLanded = async <R>(
    caseId: string,
    folded: FoldedCase,
    lost: readonly Lost<R>[],
  ): Promise<Changed<R> | null> => {
    const [first] = lost;
    if (!first || first.prepared.expectedRevision >= folded.head.revision) return null;
    const from = Math.min(...lost.map(({ prepared }) => prepared.expectedRevision)) + 1;
    const events = (await log.read(caseStream(caseId), from)) as Recorded<CaseEvent>[];
    for (const { prepared, result } of lost) {
      const ids = new Set(prepared.stored.map(({ id }) => id));
      const landed = events.filter(({ id }) => ids.has(id));
      // It may have landed only after the case was read.
      const later = events.filter(({ revision }) => revision > folded.head.revision);
      if (landed.length > 0) return { current: recent.extend(folded, later).current, events: landed, result };
    }
    return null;
  };

  /** Does the work when its turn comes within the time; else it is not done at all, also when the turn comes later. */
  const inTurn = <T>(caseId: string, work: () => Promise<T>, queueMs: number): Promise<T> => {
    const begun = new AbortController();
    let gone = false;
    const tooLong = (): never => {
      gone = true;
      throw new StoreUnavailableError(`writers of this case have queued for ${queueMs} ms`, undefined);
    };
    const result = queue.run(caseId, async () => {
      if (gone) return tooLong();
      begun.abort();
      return work();
    });
    const patience = clock.sleep(queueMs, begun.signal);
    return Promise.race([result, patience.then(() => (begun.signal.aborted ? result : tooLong()))]);
  };

  return {
    load: async (caseId) => (await read(caseId)).current,
    known,
    at: async (caseId, revision) => {
      const events = (await log.read(caseStream(caseId), 0)) as Recorded<CaseEvent>[];
      return fold(emptyCase(caseId), events.slice(0, revision + 1));
    },
    asOf: async (caseId, moment) => {
      const events = (await log.read(caseStream(caseId), 0)) as Recorded<CaseEvent>[];
      const past = fold(emptyCase(caseId), asOf(events, moment));
      return { past, present: fold(past, events.slice(past.revision + 1)) };
    },
    change: <R>(
      caseId: string,
      context: ChangeContext,
      decide: Decide<R>,
      { queueMs, again = once, beforehand = nothing }: Patience = {},
    ) => {
      const lost: Lost<R>[] = [];
      let tries = 0;
      const tryOnce = (): Promise<Changed<R> | null> => {
        tries += 1;
        return attempt(caseId, context, decide, beforehand, lost, tries === 1);
      };
      const work = async (): Promise<Changed<R>> => {
        for (;;) {
          const changed = await again(again === once ? tryOnce : () => driving(tryOnce));
          if (changed) return changed;
        }
      };
      return queueMs === undefined ? queue.run(caseId, work) : inTurn(caseId, work, queueMs);
    },
    standInLine: lines.join,
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

/** An append that had no answer, and what it was to result in. */
type Lost<R> = { readonly prepared: PreparedAppend; readonly result: R; readonly atMs: number };

/** What is decided, where it is to append something. */
function orNothing<R>(decide: () => ReturnType<Decide<R>>): ReturnType<Decide<R>> | null {
  try {
    const decided = decide();
    return decided.events.length === 0 ? null : decided;
  } catch {
    return null;
  }
}

const latest = (now: string, recordedAt: string | null): string =>
  recordedAt !== null && recordedAt > now ? recordedAt : now;
