import { arrive } from './arrivals.ts';
import { calibrate } from './calibrate.ts';
import { createCaller } from './caller.ts';
import { allEnded, type Endings, endingsOf } from './endings.ts';
import { createMix, type Done, TASKS_PER_THING } from './mix.ts';
import type { Outside } from './outside.ts';
import { createRoster } from './roster.ts';
import { type Sample, scrape, startSampler, total } from './samples.ts';
import type { LoadedService } from './service.ts';
import type { Counts } from './stubs.ts';

export type SoakPlan = {
  readonly milliseconds: number;
  /** New tasks a second, or half of what a calibration of so many milliseconds finds. */
  readonly perSecond: number | { readonly calibrateMs: number };
  readonly sampleEveryMs: number;
  readonly drainMs: number;
};

/** How one kind of request was answered: how often with which status, and how long it took. */
export type Answered = {
  readonly statuses: Record<string, number>;
  improper: number;
  readonly latencies: number[];
};

export type SoakReport = {
  readonly topRate: number | null;
  readonly perSecond: number;
  /** When load began and when it ended, by `performance.now()`. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly answered: ReadonlyMap<string, Answered>;
  readonly samples: readonly Sample[];
  readonly allEnded: boolean;
  readonly endings: Endings;
  readonly cases: number;
  readonly retriesTakenUp: number;
  /** What model and backend saw. */
  readonly counts: Counts;
};

const CASES_IN_USE = 200;

/** Steady load of everything for a long time, with a model and a backend that fail now and then. */
export async function runSoak(
  service: LoadedService,
  outside: Outside,
  plan: SoakPlan,
  tell: (line: string) => void,
): Promise<SoakReport> {
  const caller = createCaller(service.url);
  const sampler = startSampler(caller, plan.sampleEveryMs);
  try {
    const accepted = new Set<string>();
    const roster = await createRoster(caller, 'soak', CASES_IN_USE);
    const { perSecond: wanted } = plan;
    const topRate =
      typeof wanted === 'number' ? null : await calibrate(caller, roster, wanted.calibrateMs, accepted);
    const perSecond = typeof wanted === 'number' ? wanted : (topRate ?? 0) / 2;
    if (topRate !== null) tell(`sustained ${topRate.toFixed(1)} tasks/s`);
    tell(
      `load is ${perSecond.toFixed(1)} new tasks/s and what goes with them, for ${plan.milliseconds / 60_000} min`,
    );
    await outside.behave({ model: 'mixed', backend: 'mixed' });
    const mix = createMix(caller, roster, accepted);
    const answered = new Map<string, Answered>();
    const fromMs = performance.now();
    await arrive(perSecond / TASKS_PER_THING, plan.milliseconds, async (dueMs) => {
      const done = await mix.next();
      const ms = performance.now() - dueMs;
      for (const one of done) count(answered, one, ms);
    });
    const toMs = fromMs + plan.milliseconds;
    await roster.idle();
    tell('waiting for what is still open');
    const ended = await allEnded(caller, plan.drainMs);
    return {
      topRate,
      perSecond,
      fromMs,
      toMs,
      answered,
      samples: sampler.samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs),
      allEnded: ended,
      endings: await endingsOf(caller, accepted),
      cases: roster.opened(),
      retriesTakenUp: total(await scrape(caller), 'case_orchestrator_tasks_taken_over_total{why="due"}'),
      counts: await outside.counts(),
    };
  } finally {
    await sampler.stop();
    await caller.close();
  }
}

function count(answered: Map<string, Answered>, { what, status, proper }: Done, ms: number): void {
  const entry = answered.get(what) ?? { statuses: {}, improper: 0, latencies: [] };
  answered.set(what, entry);
  entry.statuses[status] = (entry.statuses[status] ?? 0) + 1;
  if (!proper && status !== 503) entry.improper += 1;
  entry.latencies.push(ms);
}
