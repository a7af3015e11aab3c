import { memoryOf, within } from './memory.ts';
import type { Phase } from './phase.ts';
import type { Criterion } from './stallJudgement.ts';
import type { StallReport } from './stallRun.ts';
import { quantile } from './statistics.ts';
import type { Counts } from './stubs.ts';

/** Lines of cells as a text with aligned columns; the first line is the heading. */
export function table(lines: readonly (readonly string[])[]): string {
  const widths = lines.reduce<number[]>(
    (widest, line) => line.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  const align = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return lines.map(align).join('\n');
}

const whole = (value: number): string => value.toFixed(0);
const tenth = (value: number): string => value.toFixed(1);

const HEADING = [
  'phase',
  'offered',
  '202',
  '503',
  'other',
  'p50 ms',
  'p99 ms',
  'max ms',
  'rss MiB',
  'heap MiB',
  'in flight',
  'lag',
];

/** Everything that a stall run measured. */
export function stallTables(report: StallReport, complaints: readonly string[]): string {
  const line = (phase: Phase): string[] => {
    const samples = within(report.samples, phase.fromMs, phase.toMs);
    const memory = memoryOf(samples);
    const worst = (pick: (sample: (typeof samples)[number]) => number): number =>
      quantile(samples.map(pick), 1);
    const { p50, p99, max } = phase.latency;
    return [
      phase.name,
      ...[phase.offered, phase.accepted, phase.turnedAway, phase.others].map(String),
      ...[p50, p99, max].map(tenth),
      ...[memory.rss, memory.heap, worst(({ inFlight }) => inFlight), worst(({ lag }) => lag)].map(whole),
    ];
  };
  const { endings, stalls } = report;
  const phases = stalls.flatMap(({ normal, stalled, recovered }) => [normal, stalled, recovered]);
  const statuses = Object.entries(endings.byStatus).map(([status, count]) => `${count} ${status}`);
  const scheduled = stalls.map(
    ({ dependency, scheduled: count }) => `${count} after the ${dependency}'s stall`,
  );
  return [
    table([HEADING, ...phases.map(line)]),
    '(rss: median; heap: what it comes down to; in flight, lag in positions: highest)',
    `${endings.accepted} tasks of ${report.cases} cases: ${statuses.join(', ')}; ${endings.fellBack} fell back`,
    ...listed('with a person', endings.withPersonFor),
    `waiting for another attempt: ${scheduled.join(', ')}; ${report.retriesTakenUp} retries were taken up`,
    sawLine(report.counts),
    ...report.openCircuits.map((circuit) => `still open at the end: the circuit of ${circuit}`),
    ...mostFrequent(complaints),
  ].join('\n');
}

/** What model and backend saw, in one line. */
export const sawLine = ({ model, backend, keys }: Counts): string =>
  `the model was asked ${model} times, the backend called ${backend} times for ${keys} actions`;

/** Counts in one line, the largest first; no line where there is none. */
export function listed(what: string, counts: Readonly<Record<string, number>>): string[] {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.length === 0
    ? []
    : [`${what}: ${sorted.map(([name, count]) => `${count} ${name}`).join(', ')}`];
}

/** What the service complained of most, with how often. */
export function mostFrequent(complaints: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of complaints) {
    const { msg, code } = JSON.parse(line) as { readonly msg: string; readonly code?: string };
    const what = code === undefined ? msg : `${msg} (${code})`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5)
    .map(([what, count]) => `logged ${count} times: ${what}`);
}

/** Each criterion with what was measured. */
export const criteriaTable = (criteria: readonly Criterion[]): string =>
  criteria.map(({ name, met, measured }) => `${met ? 'ok    ' : 'FAILED'}  ${name}: ${measured}`).join('\n');
