import type { BacktestReport, NotJudgedReason } from './report.ts';

type Row = BacktestReport['notJudged'][number];
type Spot = { readonly caseId: string; readonly revision: number };

/** Takes down what could not be judged, by reason and detail. */
export type NotJudgedCounts = {
  readonly add: (reason: NotJudgedReason, detail: string, spot: Spot) => void;
  readonly rows: () => Row[];
};

const MOST_EXAMPLES = 20;
/** Beyond it details are counted together: a broken log must not fill the memory. */
const MOST_ROWS = 500;
const OTHERS = 'others';

export function createNotJudged(): NotJudgedCounts {
  const rows = new Map<string, Row>();
  const rowOf = (reason: NotJudgedReason, detail: string): Row => {
    const key = `${reason} ${detail}`;
    const known = rows.get(key);
    if (known) return known;
    if (rows.size >= MOST_ROWS && detail !== OTHERS) return rowOf(reason, OTHERS);
    const fresh: Row = { reason, detail, count: 0, examples: [] };
    rows.set(key, fresh);
    return fresh;
  };
  return {
    add: (reason, detail, { caseId, revision }) => {
      const row = rowOf(reason, detail);
      row.count += 1;
      if (row.examples.length < MOST_EXAMPLES) row.examples.push({ caseId, revision });
    },
    rows: () => [...rows.values()].sort((a, b) => b.count - a.count),
  };
}
