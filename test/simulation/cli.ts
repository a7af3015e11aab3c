import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { requiredOf, tableOf } from './coverage.ts';
import { simulate } from './simulate.ts';
import { spread } from './spread.ts';

/**
 * `npm run simulate -- --seeds N [--from S] [--workers W]` runs seeds and fails with the first that breaks a rule, or when so
 * many seeds did not reach what they must; `npm run simulate -- --seed S [--trace]` runs one again, and tells its story.
 */
const USAGE = 'simulate: --seeds N [--from S] [--workers W], or --seed S [--trace]\n';
const DEFAULT_SEEDS = 2_000;
const PROGRESS_MS = 5_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: String(DEFAULT_SEEDS) },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    /** Says nothing but what came of it, for planted bugs: JSON, and 0 as the exit code. */
    json: { type: 'boolean', default: false },
  },
});

if (values.seed !== undefined) process.exitCode = await runOne(values.seed, values.trace);
else if (values.json) await runForOthers(Number(values.seeds), Number(values.workers));
else process.exitCode = await runMany(Number(values.from), Number(values.seeds), Number(values.workers));

async function runOne(seed: string, trace: boolean): Promise<number> {
  const { violations, milliseconds, steps, log } = await simulate(seed, trace ? say : undefined);
  for (const { rule, what, at } of violations) say(`at ${at} ms, "${rule}" is broken: ${what}`);
  say(
    `seed ${seed}: ${milliseconds} simulated ms, ${steps} steps, ${log.length} events, ${violations.length} rules broken`,
  );
  return violations.length === 0 ? 0 : 1;
}

async function runForOthers(seeds: number, workers: number): Promise<void> {
  const { failure, seeds: done } = await spread(1, seeds, workers, () => {});
  say(JSON.stringify({ seeds: done, failure }));
}

async function runMany(from: number, seeds: number, workers: number): Promise<number> {
  if (![from, seeds, workers].every((number) => Number.isSafeInteger(number) && number > 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const began = performance.now();
  let told = began;
  const total = await spread(from, seeds, workers, (done) => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    say(`${done} of ${seeds} seeds`);
  });
  const seconds = (performance.now() - began) / 1_000;
  say(tableOf(total.counts));
  say(
    `${total.seeds} seeds in ${seconds.toFixed(1)} s (${(total.seeds / seconds).toFixed(0)} a second, ${workers} workers): ` +
      `${Math.round(total.milliseconds / 3_600_000)} simulated hours, ${total.events} events`,
  );
  return verdict(total, seeds);
}

function verdict(
  { failure, counts, seeds: done }: Awaited<ReturnType<typeof spread>>,
  seeds: number,
): number {
  if (failure) {
    for (const { rule, what } of failure.violations) say(`seed ${failure.seed} breaks "${rule}": ${what}`);
    say(`npm run simulate -- --seed ${failure.seed} --trace`);
    return 1;
  }
  const required = requiredOf(seeds);
  const unreached = required.filter((what) => !counts.has(what));
  for (const what of unreached) say(`never reached: ${what}`);
  if (unreached.length === 0) say(`clean: ${done} seeds, ${required.length} faults and states to reach`);
  return unreached.length === 0 ? 0 : 1;
}
