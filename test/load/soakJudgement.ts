import type { Sample } from './samples.ts';
import type { Answered, SoakReport } from './soakRun.ts';
import type { Criterion } from './stallJudgement.ts';
import { median, type Point, quantile, slope } from './statistics.ts';

/** The beginning of a run is warm-up: code is compiled, caches of bounded size fill. */
const JUDGED_SHARE = 0.7;
/** With less than this to look at, the collector's own rhythm decides. */
const SHORTEST_JUDGED_MINUTES = 3;
/**
 * Memory that may be kept for every task, in bytes. Whatever held on to tasks would hold far more: a folded task takes a few
 * kilobytes, a stored event one or two.
 */
const KEPT_BYTES_PER_TASK = 1_024;
const MB = 1024 * 1024;
/** The lag of the read models at the end against the beginning: so many times, and so many positions more. */
const LAG = { times: 2, more: 20 };
/** At half the top rate nothing is to be turned away, save for a hiccup of the machine. */
const MOST_TURNED_AWAY = 0.001;

type Trend = { readonly minutes: number; readonly rss: number; readonly heap: number };

/**
 * How fast memory grows in the judged part of a run, in MiB a minute: least squares over rss, and over what the heap comes down to
 * (the lowest of every ten samples, so that garbage does not count).
 */
function trendOf({ samples, fromMs, toMs }: SoakReport): Trend {
  const start = toMs - (toMs - fromMs) * JUDGED_SHARE;
  const judged = samples.filter(({ atMs }) => atMs >= start);
  const line = (pick: (sample: Sample) => number, of: readonly Sample[]): number =>
    slope(of.map((sample): Point => ({ x: sample.atMs / 60_000, y: pick(sample) })));
  const lowest: Sample[] = [];
  for (let from = 0; from + 10 <= judged.length; from += 10) {
    const [least] = judged.slice(from, from + 10).sort((a, b) => a.heapMb - b.heapMb);
    if (least) lowest.push(least);
  }
  return {
    minutes: (toMs - start) / 60_000,
    rss: line(({ rssMb }) => rssMb, judged),
    heap: line(({ heapMb }) => heapMb, lowest),
  };
}

/** Median lag of the read models at the beginning and at the end of a run, in positions: a fifth of it each. */
function lagsOf({ samples, fromMs, toMs }: SoakReport): {
  readonly begin: number;
  readonly end: number;
} {
  const fifth = (toMs - fromMs) / 5;
  const lags = (from: number, to: number): number[] =>
    samples.filter(({ atMs, lag }) => atMs >= from && atMs <= to && !Number.isNaN(lag)).map(({ lag }) => lag);
  return { begin: median(lags(fromMs, fromMs + fifth)), end: median(lags(toMs - fifth, toMs)) };
}

/** Holds a soak against its limits. */
export function judgeSoak(report: SoakReport): readonly Criterion[] {
  const { endings } = report;
  return [
    memoryCriterion(report, 'rss'),
    memoryCriterion(report, 'heap'),
    lagCriterion(report),
    answersCriterion([...report.answered.values()]),
    {
      name: 'every accepted task is there and has ended or is with a person',
      met: report.allEnded && endings.lost.length === 0 && endings.unfinished.length === 0,
      measured: `${endings.accepted} accepted, ${endings.lost.length} lost, ${endings.unfinished.length} unfinished`,
    },
  ];
}

function memoryCriterion(report: SoakReport, kind: 'rss' | 'heap'): Criterion {
  const trend = trendOf(report);
  const limit = Math.max(1, (report.perSecond * 60 * KEPT_BYTES_PER_TASK) / MB);
  const judged = trend.minutes >= SHORTEST_JUDGED_MINUTES;
  const over = `over the last ${trend.minutes.toFixed(1)} min`;
  return {
    name: `${kind} is flat: at most ${limit.toFixed(1)} MiB a minute`,
    met: !judged || trend[kind] <= limit,
    measured: `${trend[kind].toFixed(2)} MiB a minute ${over}${judged ? '' : ' (too short to be judged)'}`,
  };
}

function lagCriterion(report: SoakReport): Criterion {
  const { begin, end } = lagsOf(report);
  const limit = begin * LAG.times + LAG.more;
  const worst = quantile(
    report.samples.map(({ lag }) => lag),
    1,
  );
  return {
    name: `read models trail no further at the end: at most ${limit.toFixed(0)} positions`,
    met: end <= limit,
    measured: `median ${begin.toFixed(0)} at the beginning, ${end.toFixed(0)} at the end, worst ${worst.toFixed(0)}`,
  };
}

function answersCriterion(answered: readonly Answered[]): Criterion {
  const all = answered.reduce((sum, { latencies }) => sum + latencies.length, 0);
  const improper = answered.reduce((sum, one) => sum + one.improper, 0);
  const turnedAway = answered.reduce((sum, { statuses }) => sum + (statuses[503] ?? 0), 0);
  return {
    name: 'every request is answered as promised, hardly any with 503',
    met: improper === 0 && turnedAway <= all * MOST_TURNED_AWAY,
    measured: `${all} requests, ${improper} improper, ${turnedAway} times 503`,
  };
}
