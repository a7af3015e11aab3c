import type { Book } from './book.ts';
import type { Ledger } from './ledger.ts';

/** How many tasks there were, and what became of them. */
export type TaskCounts = {
  readonly sent: number;
  /** Told a 2xx at least once. */
  readonly told: number;
  /** First told with 202. */
  readonly toldLater: number;
  readonly recorded: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  readonly results: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, number>>;
};

export function countTasks({ tasks }: Ledger, { stories }: Book): TaskCounts {
  const recorded = [...stories.values()].map(({ task }) => task);
  const attempts = recorded.flatMap((task) => task.attempts);
  return {
    sent: tasks.length,
    told: tasks.filter(({ told }) => told.length > 0).length,
    toldLater: tasks.filter(({ told }) => told[0]?.status === 202).length,
    recorded: recorded.length,
    outcomes: tally(recorded.map(({ outcome }) => outcome ?? 'none')),
    statuses: tally(recorded.map(({ status }) => status)),
    results: tally(
      attempts.map(({ executed, resolved }) =>
        [executed?.result ?? 'open', ...(resolved ? [resolved.source, resolved.result] : [])].join(' '),
      ),
    ),
    codes: tally(recorded.flatMap(({ manual }) => manual?.codes ?? [])),
  };
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
