import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.ts';
import { type Options, readOptions } from './options.ts';
import { startPostgres } from './postgres.ts';
import { endAll } from './processes.ts';
import { writePrompt } from './prompt.ts';
import { markdownOf } from './report/markdown.ts';
import { pageOf } from './report/page.ts';
import type { Run } from './report/run.ts';
import { terminalLineOf, terminalTableOf } from './report/terminal.ts';
import { CONTESTANTS } from './roster/all.ts';
import type { Contestant } from './roster/contestant.ts';
import { failedVisit, type Visit, visit } from './visit.ts';
import type { Bench } from './visiting.ts';

const OUT = fileURLToPath(new URL('out/', import.meta.url));
const MINUTE_MS = 60_000;

/** The whole comparison: rounds of visits to every contestant in turn, then the report. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) return;
  const contestants = chosen(options);
  const folder = await mkdtemp(join(tmpdir(), 'case-orchestrator-bench-'));
  const logs = join(OUT, 'logs');
  await rm(logs, { recursive: true, force: true });
  await mkdir(logs, { recursive: true });
  const machine = await describeMachine(folder);
  const server = await startPostgres(join(folder, 'postgres'));
  try {
    const promptFile = join(folder, 'prompt.json');
    await writePrompt(promptFile);
    const profiles = options.profile ? join(OUT, 'profiles') : null;
    const bench: Bench = { options, server, promptFile, folder, logs, profiles };
    const startedAt = new Date();
    const { visits, rounds } = await visitAll(bench, contestants);
    const { version, settings } = server;
    const postgres = { version, settings };
    const minutes = (Date.now() - startedAt.getTime()) / MINUTE_MS;
    await report({ options, machine, postgres, contestants, visits, rounds, startedAt, minutes });
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws TypeError where a name is nobody's */
function chosen({ only }: Options): readonly Contestant[] {
  const unknown = only.find((name) => !CONTESTANTS.some((contestant) => contestant.name === name));
  if (unknown !== undefined) throw new TypeError(`--only: nobody is called ${unknown}`);
  return only.length === 0 ? CONTESTANTS : CONTESTANTS.filter(({ name }) => only.includes(name));
}

async function visitAll(
  bench: Bench,
  contestants: readonly Contestant[],
): Promise<{ readonly visits: readonly Visit[]; readonly rounds: number }> {
  const { options } = bench;
  const endMs = performance.now() + options.minutes * MINUTE_MS;
  const visits: Visit[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const roundBegan = performance.now();
    for (const [index, contestant] of contestants.entries()) {
      const before = visits.filter(({ contestant: name }) => name === contestant.name);
      const number = round * contestants.length + index;
      const plan = { number, contestant, ...fromEarlier(options, before) };
      const visited = await visit(bench, plan).catch((error: unknown) => failedVisit(plan, error));
      if (stopped) throw new Error('stopped');
      visits.push(visited);
      process.stdout.write(`${terminalLineOf(round + 1, contestant.label, visited)}\n`);
    }
    // Whole rounds only: otherwise some would be compared at another time than others.
    const now = performance.now();
    if (round + 1 < options.rounds && now + (now - roundBegan) > endMs) {
      process.stdout.write(`no time for another round within ${options.minutes} minutes\n`);
      return { visits, rounds: round + 1 };
    }
  }
  return { visits, rounds: options.rounds };
}

/** With how many connections a contestant did best in the first round, and how well it did so far. */
function fromEarlier(options: Options, before: readonly Visit[]) {
  const runs = before.flatMap(({ saturation }) => saturation);
  const best = runs.toSorted((one, other) => other.perSecond - one.perSecond)[0];
  if (best === undefined) return { connections: options.connections, saturations: [] };
  const saturations = before.map(({ saturation }) =>
    Math.max(...saturation.map(({ perSecond }) => perSecond)),
  );
  return { connections: [best.connections], saturations };
}

async function report(run: Run): Promise<void> {
  await writeFile(join(OUT, 'report.json'), `${JSON.stringify(run, null, 2)}\n`);
  await writeFile(join(OUT, 'report.md'), markdownOf(run));
  await writeFile(join(OUT, 'report.html'), pageOf(run));
  process.stdout.write(`\n${terminalTableOf(run)}\nreport: bench/out/report.md, bench/out/report.html\n`);
}

let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second one does not wait for the cleaning up.
    if (stopped) process.exit(1);
    stopped = true;
    endAll();
  });
}
process.on('exit', endAll);
main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
