import { type Memory, memoryOf, within } from './memory.ts';
import type { Phase } from './phase.ts';
import type { Stall, StallReport } from './stallRun.ts';
import { quantile } from './statistics.ts';

export type Criterion = { readonly name: string; readonly met: boolean; readonly measured: string };

type StallLimits = {
  /** How many times its normal value the p99 of acceptance may be while something is stalled. */
  readonly times: number;
  /**
   * A normal p99 counts as at least so many milliseconds: below it one flush of a busy disk, one pause of the garbage collector or
   * the timer of the load decides, and a ratio of two such numbers says nothing about intake.
   */
  readonly floorMs: number;
  /** By this share and by at least so much may rss and heap grow from before the stall to its second half. */
  readonly growthShare: number;
  readonly growthMb: number;
  /** What one task in flight may hold besides, in KiB: its request, its folded case, a call under way with its timers and buffers. */
  readonly taskKb: number;
  /** At least this share of the requests is accepted. */
  readonly acceptedShare: number;
};

const LIMITS: StallLimits = {
  times: 5,
  floorMs: 10,
  growthShare: 0.15,
  growthMb: 64,
  taskKb: 96,
  acceptedShare: 0.99,
};

/** Holds a run against the limits. */
export function judge(report: StallReport): readonly Criterion[] {
  return [
    ...report.stalls.flatMap((stall) => judgeStall(report, stall, LIMITS)),
    {
      name: 'every accepted task is there and has ended or is with a person',
      met: report.allEnded && report.endings.lost.length === 0 && report.endings.unfinished.length === 0,
      measured: `${report.endings.accepted} accepted, ${report.endings.lost.length} lost, ${report.endings.unfinished.length} unfinished`,
    },
  ];
}

function judgeStall(report: StallReport, stall: Stall, limits: StallLimits): readonly Criterion[] {
  const { dependency, normal, stalled, recovered } = stall;
  const highest = Math.max(normal.latency.p99, limits.floorMs) * limits.times;
  const phases = [normal, stalled, recovered];
  const offered = sum(phases, ({ offered: count }) => count);
  const accepted = sum(phases, ({ accepted: count }) => count);
  const others = sum(phases, (phase) => phase.others);
  return [
    {
      name: `${dependency} stalled: p99 of acceptance below ${highest.toFixed(0)} ms`,
      met: stalled.latency.p99 < highest,
      measured: `${stalled.latency.p99.toFixed(1)} ms, normally ${normal.latency.p99.toFixed(1)} ms`,
    },
    {
      name: `${dependency} stalled: at least ${limits.acceptedShare * 100} % accepted, every other one a 503`,
      met: accepted >= offered * limits.acceptedShare && others === 0,
      measured: `${accepted} of ${offered}, ${others} neither`,
    },
    memoryCriterion(report, stall, limits),
  ];
}

function memoryCriterion(
  { samples }: StallReport,
  { dependency, normal, stalled }: Stall,
  limits: StallLimits,
): Criterion {
  const before = within(samples, normal.fromMs, normal.toMs);
  const after = within(samples, (stalled.fromMs + stalled.toMs) / 2, stalled.toMs);
  const inFlight = quantile(
    after.map((sample) => sample.inFlight),
    1,
  );
  const from = memoryOf(before);
  const to = memoryOf(after);
  const allowed = (memory: number): number =>
    memory +
    Math.max(memory * limits.growthShare, limits.growthMb) +
    (Number.isNaN(inFlight) ? 0 : inFlight * limits.taskKb) / 1024;
  const show = (kind: keyof Memory): string =>
    `${kind} ${from[kind].toFixed(0)} to ${to[kind].toFixed(0)} MiB (limit ${allowed(from[kind]).toFixed(0)})`;
  return {
    name: `${dependency} stalled: memory in the second half as before`,
    met: to.rss <= allowed(from.rss) && to.heap <= allowed(from.heap),
    measured: `${show('rss')}, ${show('heap')}, ${inFlight} in flight`,
  };
}

const sum = (phases: readonly Phase[], count: (phase: Phase) => number): number =>
  phases.reduce((total, phase) => total + count(phase), 0);
