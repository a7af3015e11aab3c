import { type Case, emptyCase, fold } from '../domain/case.ts';
import type { CaseEvent, Recorded } from '../domain/events.ts';
import { EMPTY_HEAD, type Head, headOf } from '../eventstore/log.ts';

/** A case as far as its stream was folded. */
export type FoldedCase = { readonly current: Case; readonly head: Head };

/** Folded cases that were used lately, so that a busy case is not folded from its first event for every look at it. */
export type RecentCases = {
  /** The case as far as it was folded; empty where it is not known. */
  readonly get: (caseId: string) => FoldedCase;
  /** Folds the events that follow, and keeps the result. */
  readonly extend: (folded: FoldedCase, events: readonly Recorded<CaseEvent>[]) => FoldedCase;
  readonly forget: (caseId: string) => void;
};

/** @param most how many cases are kept; the one that has not changed for longest goes first */
export function createRecentCases(most: number): RecentCases {
  const known = new Map<string, FoldedCase>();
  return {
    get: (caseId) => known.get(caseId) ?? { current: emptyCase(caseId), head: EMPTY_HEAD },
    extend: (folded, events) => {
      const last = events.at(-1);
      if (!last) return folded;
      const extended = { current: fold(folded.current, events), head: headOf(last) };
      const { caseId, revision } = extended.current;
      const kept = known.get(caseId);
      known.delete(caseId);
      known.set(caseId, kept && kept.head.revision > revision ? kept : extended);
      const [oldest] = known.keys();
      if (known.size > most && oldest !== undefined) known.delete(oldest);
      return extended;
    },
    forget: (caseId) => {
      known.delete(caseId);
    },
  };
}
