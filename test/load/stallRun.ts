import { calibrate } from './calibrate.ts';
import { createCaller } from './caller.ts';
import { allEnded, countTasks, type Endings, endingsOf } from './endings.ts';
import type { Outside } from './outside.ts';
import { type LoadOptions, type Phase, runPhase } from './phase.ts';
import { createRoster } from './roster.ts';
import { type Sample, scrape, startSampler, total } from './samples.ts';
import type { LoadedService } from './service.ts';
import type { Counts } from './stubs.ts';

export type Dependency = 'model' | 'backend';

export type StallPlan = {
  /** Tasks a second, or half of what a calibration of so many milliseconds finds. */
  readonly perSecond: number | { readonly calibrateMs: number };
  readonly casesInUse: number;
  readonly normalMs: number;
  readonly stallMs: number;
  readonly recoveredMs: number;
  /** Longest time that is left for what is still open at the end. */
  readonly drainMs: number;
  readonly sampleEveryMs: number;
  /** What stalls, one after the other. */
  readonly stalls: readonly Dependency[];
};

/** One dependency that stalls: before, meanwhile, after. */
export type Stall = {
  readonly dependency: Dependency;
  readonly normal: Phase;
  readonly stalled: Phase;
  readonly recovered: Phase;
  /** Tasks that waited for another attempt when the stall was over. */
  readonly scheduled: number;
};

export type StallReport = {
  /** What was found in the calibration; null without one. */
  readonly topRate: number | null;
  readonly perSecond: number;
  readonly cases: number;
  readonly stalls: readonly Stall[];
  readonly samples: readonly Sample[];
  readonly allEnded: boolean;
  readonly endings: Endings;
  /** Tasks taken up again because their retry fell due. */
  readonly retriesTakenUp: number;
  /** What model and backend saw. */
  readonly counts: Counts;
  /** Dependencies whose circuit was not closed at the very end. */
  readonly openCircuits: readonly string[];
};

/** Puts a service under steady load and lets what it depends on fall silent, one after the other. */
export async function runStalls(
  service: LoadedService,
  outside: Outside,
  plan: StallPlan,
  tell: (line: string) => void = () => {},
): Promise<StallReport> {
  const caller = createCaller(service.url);
  const sampler = startSampler(caller, plan.sampleEveryMs);
  try {
    const accepted = new Set<string>();
    const roster = await createRoster(caller, 'load', plan.casesInUse);
    const { perSecond: wanted } = plan;
    const topRate =
      typeof wanted === 'number' ? null : await calibrate(caller, roster, wanted.calibrateMs, accepted);
    const perSecond = typeof wanted === 'number' ? wanted : (topRate ?? 0) / 2;
    if (topRate !== null) tell(`sustained ${topRate.toFixed(1)} tasks/s; load is ${perSecond.toFixed(1)}/s`);
    const load: LoadOptions = { caller, roster, perSecond, accepted };
    const stalls: Stall[] = [];
    for (const dependency of plan.stalls) {
      stalls.push(await stall(dependency, load, outside, plan, tell));
    }
    await roster.idle();
    tell('waiting for what is still open');
    const ended = await allEnded(caller, plan.drainMs);
    const metrics = await scrape(caller);
    return {
      topRate,
      perSecond,
      cases: roster.opened(),
      stalls,
      samples: sampler.samples,
      allEnded: ended,
      endings: await endingsOf(caller, accepted),
      retriesTakenUp: total(metrics, 'case_orchestrator_tasks_taken_over_total{why="due"}'),
      counts: await outside.counts(),
      openCircuits: openCircuits(metrics),
    };
  } finally {
    await sampler.stop();
    await caller.close();
  }
}

async function stall(
  dependency: Dependency,
  load: LoadOptions,
  outside: Outside,
  plan: StallPlan,
  tell: (line: string) => void,
): Promise<Stall> {
  const run = async (name: string, milliseconds: number): Promise<Phase> => {
    tell(`${dependency}: ${name} for ${milliseconds / 1_000} s`);
    return runPhase(load, `${dependency} ${name}`, milliseconds);
  };
  const normal = await run('normal', plan.normalMs);
  await outside.behave({ [dependency]: 'stall' });
  const stalled = await run('stalled', plan.stallMs);
  const scheduled = await countTasks(load.caller, 'RETRY_SCHEDULED');
  await outside.behave({ [dependency]: 'answer' });
  const recovered = await run('recovered', plan.recoveredMs);
  return { dependency, normal, stalled, recovered, scheduled };
}

const CIRCUIT = 'case_orchestrator_circuit_open';

const openCircuits = (metrics: Awaited<ReturnType<typeof scrape>>): string[] =>
  [...(metrics ?? [])].flatMap(([series, value]) =>
    series.startsWith(CIRCUIT) && value !== 0 ? [series.slice(CIRCUIT.length)] : [],
  );
