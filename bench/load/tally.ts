import type { LoadResult } from './orders.ts';
import type { Sent } from './sender.ts';

/** Counts answers, and keeps the latencies of those that came while it counted. */
export type Tally = {
  readonly note: (sent: Sent, startedAt: number, endedAt: number) => void;
  readonly result: () => LoadResult;
};

/** @param from, until in the clock of `performance.now()`: what ended between them is measured */
export function createTally(from: number, until: number): Tally {
  const latencies: number[] = [];
  let answered = 0;
  let refused = 0;
  let failed = 0;
  let firstFailure: string | null = null;
  return {
    note: (sent, startedAt, endedAt) => {
      refused += sent.refused;
      if (sent.failure !== null) {
        failed += 1;
        firstFailure ??= sent.failure;
        return;
      }
      answered += 1;
      if (endedAt >= from && endedAt < until) latencies.push(endedAt - startedAt);
    },
    result: () => {
      const sorted = Float64Array.from(latencies).sort();
      const latency = {
        p50: quantile(sorted, 0.5),
        p95: quantile(sorted, 0.95),
        p99: quantile(sorted, 0.99),
        max: sorted.at(-1) ?? 0,
      };
      return { answered, measured: sorted.length, refused, failed, firstFailure, latency };
    },
  };
}

/** The nearest-rank quantile of sorted numbers; 0 of none. */
const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
