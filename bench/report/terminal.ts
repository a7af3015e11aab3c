import type { Visit } from '../visit.ts';
import { mebibytes, middle, rounded, withSpread } from './numbers.ts';
import { bestOf, type Run, rowsOf, strangersOf } from './run.ts';

/** What one visit found, in one line. */
export function terminalLineOf(round: number, label: string, visit: Visit): string {
  const { saturation, half, inflight, hot, coldStartMs, correctness } = visit;
  const best = bestOf(saturation);
  return [
    `round ${round}  ${label.padEnd(34)}`,
    ...(coldStartMs === null ? [] : [`cold ${rounded(coldStartMs)} ms`]),
    ...(best ? [`saturation ${rounded(best.perSecond)}/s at ${best.connections}`] : []),
    ...(half ? [`half load p50 ${rounded(half.latency.p50)} p99 ${rounded(half.latency.p99)} ms`] : []),
    ...(inflight ? [`in flight ${rounded(inflight.perSecond)}/s`] : []),
    ...(hot ? [`hot ${rounded(hot.perSecond)}/s`] : []),
    correctness.problems.length === 0 ? 'correct' : `WRONG: ${correctness.problems.join('; ')}`,
  ].join('  ');
}

/** The whole run as a table for a terminal. */
export function terminalTableOf(run: Run): string {
  const head = [
    '',
    'tasks/s',
    'p50',
    'p95',
    'p99',
    'in flight/s',
    'hot/s',
    'CPU ms',
    'PG ms',
    'commits',
    'WAL B',
    'peak MiB',
    'cold ms',
    '',
  ];
  const rows = rowsOf(run).map((row) => [
    row.contestant.label,
    withSpread(row.saturation),
    middle(row.half.p50),
    middle(row.half.p95),
    middle(row.half.p99),
    middle(row.inflight),
    middle(row.hot),
    middle(row.cpu),
    middle(row.postgresCpu),
    middle(row.commits),
    middle(row.walBytes),
    middle(mebibytes(row.inflightRss)),
    middle(row.coldStart),
    row.problems.length === 0 ? 'correct' : 'WRONG',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  return `${lines.join('\n')}\nothers took ${(strangersOf(run) * 100).toFixed(0)} % of the machine meanwhile\n`;
}
