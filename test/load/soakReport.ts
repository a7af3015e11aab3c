import { memoryOf } from './memory.ts';
import { plot } from './plot.ts';
import { listed, mostFrequent, sawLine, table } from './report.ts';
import type { Sample } from './samples.ts';
import type { SoakReport } from './soakRun.ts';
import { median, quantile } from './statistics.ts';

const PARTS = 10;

/** A part of a short run may hold no sample. */
const whole = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(0));

/** Everything that a soak measured. */
export function soakTables(report: SoakReport, complaints: readonly string[]): string {
  const { endings } = report;
  return [
    requests(report),
    '',
    courseOf(report),
    '',
    plot('MiB over time', [line('r', 'rss', report, 'rssMb'), line('h', 'heap used', report, 'heapMb')]),
    plot('over time', [
      line('l', 'read-model lag, positions', report, 'lag'),
      line('f', 'tasks in flight', report, 'inFlight'),
    ]),
    ...listed(`${endings.accepted} tasks of ${report.cases} cases`, endings.byStatus),
    `${endings.fellBack} fell back; ${report.retriesTakenUp} retries were taken up`,
    sawLine(report.counts),
    ...listed('with a person', endings.withPersonFor),
    ...mostFrequent(complaints),
  ].join('\n');
}

function requests({ answered }: SoakReport): string {
  const lines = [...answered].map(([what, { statuses, latencies }]) => [
    what,
    String(latencies.length),
    Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(' '),
    quantile(latencies, 0.5).toFixed(1),
    quantile(latencies, 0.99).toFixed(1),
    quantile(latencies, 1).toFixed(1),
  ]);
  return table([['what', 'requests', 'answers', 'p50 ms', 'p99 ms', 'max ms'], ...lines]);
}

/** The run in ten equal parts. */
function courseOf({ samples, fromMs, toMs }: SoakReport): string {
  const length = (toMs - fromMs) / PARTS;
  const lines = Array.from({ length: PARTS }, (_, part) => {
    const from = fromMs + part * length;
    const these = samples.filter(({ atMs }) => atMs >= from && atMs < from + length);
    const mid = (pick: (sample: Sample) => number): string => whole(median(these.map(pick)));
    return [
      `${((part * length) / 60_000).toFixed(1)} min`,
      mid(({ rssMb }) => rssMb),
      whole(memoryOf(these).heap),
      mid(({ loopMs }) => loopMs),
      mid(({ lag }) => lag),
      mid(({ inFlight }) => inFlight),
    ];
  });
  return table([['from', 'rss MiB', 'heap MiB', 'loop delay ms', 'lag', 'in flight'], ...lines]);
}

const line = (
  mark: string,
  name: string,
  { samples }: SoakReport,
  of: 'rssMb' | 'heapMb' | 'lag' | 'inFlight',
): { mark: string; name: string; values: number[] } => ({
  mark,
  name,
  values: samples.map((sample) => sample[of]),
});
