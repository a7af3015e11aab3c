import type { BacktestReport } from './report.ts';

type Day = BacktestReport['days'][number];

/** Adds up verdicts and flips by day (UTC): one small row a day that had any. */
export type Days = {
  readonly add: (recordedAt: string, direction: 'toExecute' | 'toManual' | null) => void;
  readonly rows: () => Day[];
};

export function createDays(): Days {
  const days = new Map<string, Day>();
  return {
    add: (recordedAt, direction) => {
      const day = recordedAt.slice(0, 'yyyy-mm-dd'.length);
      const row = days.get(day) ?? { day, judged: 0, toExecute: 0, toManual: 0 };
      days.set(day, row);
      row.judged += 1;
      if (direction) row[direction] += 1;
    },
    rows: () => [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
  };
}
