import type { Machine } from '../machine.ts';
import type { Options } from '../options.ts';
import type { Contestant } from '../roster/contestant.ts';
import { median } from '../statistics.ts';
import type { Visit } from '../visit.ts';
import type { Measured } from '../visiting.ts';

/** Everything that a report is made from. */
export type Run = {
  readonly options: Options;
  readonly machine: Machine;
  readonly postgres: { readonly version: string; readonly settings: Readonly<Record<string, string>> };
  readonly contestants: readonly Contestant[];
  readonly visits: readonly Visit[];
  readonly rounds: number;
  readonly startedAt: Date;
  readonly minutes: number;
};

/** A number for each round: the middle one and the outermost. Null where nothing was measured. */
export type Spread = { readonly median: number; readonly least: number; readonly most: number } | null;

/** One contestant's row of the report. */
export type Row = {
  readonly contestant: Contestant;
  readonly saturation: Spread;
  readonly connections: number;
  /** Milliseconds over the stubs' own delays. */
  readonly half: { readonly rate: Spread; readonly p50: Spread; readonly p95: Spread; readonly p99: Spread };
  readonly inflight: Spread;
  readonly inflightRefused: number;
  readonly inflightRss: Spread;
  readonly hot: Spread;
  /** Processor milliseconds a task, at saturation. */
  readonly cpu: Spread;
  readonly postgresCpu: Spread;
  readonly commits: Spread;
  readonly walBytes: Spread;
  readonly walSyncs: Spread;
  readonly writtenBytes: Spread;
  readonly rssStart: Spread;
  readonly rssEnd: Spread;
  readonly coldStart: Spread;
  readonly problems: readonly string[];
  readonly tasks: number;
  readonly repeat: string;
};

/** @param choose the number of one visit; null where it has none */
const spreadOf = (visits: readonly Visit[], choose: (visit: Visit) => number | null): Spread => {
  const numbers = visits.map(choose).filter((number) => number !== null);
  if (numbers.length === 0) return null;
  return { median: median(numbers), least: Math.min(...numbers), most: Math.max(...numbers) };
};

/** The run with the most tasks per second. */
export const bestOf = (runs: readonly Measured[]): Measured | null =>
  runs.toSorted((one, other) => other.perSecond - one.perSecond)[0] ?? null;

/** One row a contestant, in their order. */
export const rowsOf = (run: Run): readonly Row[] =>
  run.contestants.map((contestant) => rowOf(run, contestant));

function rowOf({ visits: all, options }: Run, contestant: Contestant): Row {
  const visits = all.filter(({ contestant: name }) => name === contestant.name);
  const spread = (choose: (visit: Visit) => number | null): Spread => spreadOf(visits, choose);
  const saturated = (choose: (run: Measured) => number): Spread =>
    spread(({ saturation }) => {
      const best = bestOf(saturation);
      return best === null ? null : choose(best);
    });
  const overhead = (choose: (latency: Measured['latency']) => number): Spread =>
    spread(({ half }) => (half === null ? null : choose(half.latency) - options.modelMs - options.backendMs));
  return {
    contestant,
    saturation: saturated(({ perSecond }) => perSecond),
    connections: bestOf(visits.flatMap(({ saturation }) => saturation))?.connections ?? 0,
    half: {
      rate: spread(({ half }) => half?.ratePerSecond ?? null),
      p50: overhead(({ p50 }) => p50),
      p95: overhead(({ p95 }) => p95),
      p99: overhead(({ p99 }) => p99),
    },
    inflight: spread(({ inflight }) => inflight?.perSecond ?? null),
    inflightRefused: visits.reduce((sum, { inflight }) => sum + (inflight?.refused ?? 0), 0),
    inflightRss: spread(({ inflight }) => inflight?.peakRssBytes ?? null),
    hot: spread(({ hot }) => hot?.perSecond ?? null),
    cpu: saturated((measured) => measured.cpuMs.contestant / measured.answered),
    postgresCpu: saturated((measured) => measured.cpuMs.postgres / measured.answered),
    commits: saturated((measured) => measured.commits / measured.answered),
    walBytes: saturated((measured) => measured.walBytes / measured.answered),
    walSyncs: saturated((measured) => measured.walSyncs / measured.answered),
    writtenBytes: saturated((measured) => measured.writtenBytes / measured.answered),
    rssStart: spread(({ rssStartBytes }) => rssStartBytes),
    rssEnd: spread(({ rssEndBytes }) => rssEndBytes),
    coldStart: spread(({ coldStartMs }) => coldStartMs),
    problems: [...new Set(visits.flatMap(({ correctness }) => correctness.problems))],
    tasks: visits.reduce((sum, { correctness }) => sum + correctness.tasks, 0),
    repeat: [...new Set(visits.flatMap(({ correctness }) => correctness.repeat ?? []))].join(', '),
  };
}

/** The share of the machine's processor time that somebody else took while it was measured, from 0 to 1. */
export function strangersOf({ visits, machine }: Run): number {
  const runs = visits.flatMap(({ saturation, half, inflight, hot }) =>
    [...saturation, half, inflight, hot].filter((each) => each !== null),
  );
  const taken = runs.reduce((sum, { cpuMs }) => sum + cpuMs.strangers, 0);
  const had = runs.reduce((sum, { wallMs }) => sum + wallMs * machine.cores, 0);
  return had === 0 ? 0 : taken / had;
}
