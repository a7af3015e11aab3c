import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Correctness, checkCorrectness } from './correctness.ts';
import { caseIdOf } from './load/orders.ts';
import { meter } from './metering.ts';
import type { Options } from './options.ts';
import { startOutside } from './outside.ts';
import type { Database } from './postgres.ts';
import { endLeftOvers, startProgram } from './processes.ts';
import type { Contestant, Serving } from './roster/contestant.ts';
import { median } from './statistics.ts';
import { type Bench, type Measured, run, sendTask, type Visiting } from './visiting.ts';

/** What one visit to a contestant measured; null: not asked for, or not come to. */
export type Visit = {
  readonly contestant: string;
  readonly coldStartMs: number | null;
  readonly saturation: readonly Measured[];
  readonly half: (Measured & { readonly ratePerSecond: number }) | null;
  readonly inflight: Measured | null;
  readonly hot: Measured | null;
  /** Resident memory of the contestant's processes: freshly started, and at the end, after everything. */
  readonly rssStartBytes: number | null;
  readonly rssEndBytes: number | null;
  readonly correctness: Correctness;
};

export type Plan = {
  /** Its number, from 0. */
  readonly number: number;
  readonly contestant: Contestant;
  /** With how many connections saturation is measured. */
  readonly connections: readonly number[];
  /** The saturation that earlier rounds measured, tasks per second. */
  readonly saturations: readonly number[];
};

/** Starts one contestant on a fresh database with fresh stubs, takes it through the scenarios, checks what it did, and ends it all. */
export async function visit(bench: Bench, plan: Plan): Promise<Visit> {
  const name = `bench_${plan.contestant.name}_${plan.number}`;
  const folder = join(bench.folder, name);
  await mkdir(folder, { recursive: true });
  const database = await bench.server.freshDatabase(name);
  try {
    return await visitOn(bench, plan, { database, folder, name });
  } finally {
    // Everything has been stopped in order by now, unless something failed half-way.
    endLeftOvers();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function visitOn(
  bench: Bench,
  plan: Plan,
  { database, folder, name }: { readonly database: Database; readonly folder: string; readonly name: string },
): Promise<Visit> {
  const logFile = join(bench.logs, `${name}.log`);
  const outside = await startOutside(logFile);
  const { modelUrl, backendUrl } = outside;
  const { promptFile, profiles } = bench;
  const nodeOptions = profiles === null ? '' : `--cpu-prof --cpu-prof-dir=${join(profiles, name)}`;
  const begin = performance.now();
  const surroundings = { database, modelUrl, backendUrl, promptFile, folder, logFile, nodeOptions };
  const serving = await plan.contestant.start(surroundings);
  await firstTask(serving);
  const coldStartMs = performance.now() - begin;
  const load = await startProgram('load/main.ts', { logFile });
  const visited = await scenarios({ bench, outside, database, serving, load }, plan);
  await load.stop();
  await serving.stop();
  await outside.stop();
  return { contestant: plan.contestant.name, coldStartMs, ...visited };
}

/** A visit that came to nothing: it marks the contestant, and the run goes on. */
export function failedVisit({ contestant }: Plan, error: unknown): Visit {
  const problem = `a visit failed: ${error instanceof Error ? error.message : String(error)}`;
  return {
    contestant: contestant.name,
    coldStartMs: null,
    saturation: [],
    half: null,
    inflight: null,
    hot: null,
    rssStartBytes: null,
    rssEndBytes: null,
    correctness: { problems: [problem], tasks: 0, repeat: null },
  };
}

/** @throws Error where the answer is not the one that is due */
async function firstTask(serving: Serving): Promise<void> {
  await serving.openCases(1);
  const { statusCode, text } = await sendTask(serving, 'first', caseIdOf(0));
  if (statusCode !== 200 || !text.includes('AUTO_SUCCESS'))
    throw new Error(`the first task: ${statusCode} ${text}`);
}

async function scenarios(visiting: Visiting, plan: Plan): Promise<Omit<Visit, 'contestant' | 'coldStartMs'>> {
  const { bench, outside, serving } = visiting;
  const { options } = bench;
  const wants = (scenario: Options['scenarios'][number]): boolean => options.scenarios.includes(scenario);
  await serving.openCases(options.cases);
  const rssStartBytes = meter.rssOf(serving.pids);
  const warmed = await run(visiting, { prefix: 'warm', connections: 64, warmSeconds: 0, seconds: 3 });

  const saturation: Measured[] = [];
  for (const connections of wants('saturation') ? plan.connections : []) {
    saturation.push(await run(visiting, { prefix: `s${connections}`, connections }));
  }
  const ratePerSecond = Math.max(1, Math.round(median([...plan.saturations, ...best(saturation)]) / 2));
  let half: Visit['half'] = null;
  if (wants('half') && saturation.length > 0) {
    await outside.setDelays(options.modelMs, options.backendMs);
    half = { ...(await run(visiting, { prefix: 'h', connections: 512, ratePerSecond })), ratePerSecond };
  }
  let inflight: Measured | null = null;
  if (wants('inflight')) {
    await outside.setDelays(options.slowModelMs, 0);
    inflight = await run(visiting, { prefix: 'f', connections: options.inFlight, warmSeconds: 4 });
  }
  await outside.setDelays(0, 0);
  const hot = wants('hot')
    ? await run(visiting, { prefix: 'o', connections: 64, cases: 1, serial: true })
    : null;
  const rssEndBytes = meter.rssOf(serving.pids);
  const runs = [warmed, ...saturation, half, inflight, hot].filter((each) => each !== null);
  const correctness = await checkCorrectness(visiting, runs);
  return { saturation, half, inflight, hot, rssStartBytes, rssEndBytes, correctness };
}

const best = (runs: readonly Measured[]): number[] =>
  runs.length === 0 ? [] : [Math.max(...runs.map(({ perSecond }) => perSecond))];
