import { caseIdOfStream } from '../domain/identifiers.ts';
import type { Mismatch, MismatchKind, NotReplayed, NotReplayedReason, VerificationReport } from './report.ts';

/** Where something was found: a stream, and the event's revision; null where it is not about one event. */
export type Spot = { readonly stream: string; readonly revision: number | null };

/** Takes down what is found. What it keeps is bounded; what it counts is not. */
export type Findings = {
  readonly mismatch: (kind: MismatchKind, spot: Spot, detail: string, row?: Mismatch['row']) => void;
  readonly notReplayed: (reason: NotReplayedReason, spot: Spot, count?: number) => void;
  readonly summary: () => Pick<
    VerificationReport,
    'result' | 'notReplayed' | 'mismatchCount' | 'mismatchesByKind' | 'mismatches'
  >;
};

const MOST_LISTED = 1_000;
const MOST_EXAMPLES = 20;

export function createFindings(): Findings {
  const listed: Mismatch[] = [];
  const byKind = new Map<MismatchKind, number>();
  const byReason = new Map<NotReplayedReason, NotReplayed>();
  const placed = ({ stream, revision }: Spot) => ({ stream, caseId: caseIdOfStream(stream), revision });
  return {
    mismatch: (kind, spot, detail, row = null) => {
      byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
      if (listed.length < MOST_LISTED) listed.push({ kind, ...placed(spot), detail, row });
    },
    notReplayed: (reason, spot, count = 1) => {
      const known = byReason.get(reason) ?? { reason, count: 0, examples: [] };
      const examples =
        known.examples.length < MOST_EXAMPLES ? [...known.examples, placed(spot)] : known.examples;
      byReason.set(reason, { reason, count: known.count + count, examples });
    },
    summary: () => {
      const mismatchCount = [...byKind.values()].reduce((sum, count) => sum + count, 0);
      const isComplete = byReason.size === 0;
      return {
        result: mismatchCount > 0 ? 'MISMATCH' : isComplete ? 'CLEAN' : 'INCOMPLETE',
        notReplayed: [...byReason.values()],
        mismatchCount,
        mismatchesByKind: Object.fromEntries(byKind),
        mismatches: [...listed],
      };
    },
  };
}
