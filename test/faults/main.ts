import { parseArgs } from 'node:util';
import { report, takeoverProblem } from './report.ts';
import { type RunOptions, runFaults } from './run.ts';
import type { Pace } from './sources.ts';
import { killsIn, stormRound } from './storm.ts';

const HELP = `Two service processes on one Postgres under load, and everything that can go wrong. Options:
  --seed TEXT      what is drawn from it: which faults, when, for how long (default: the time)
  --minutes N      how long the storm lasts at least (default 12)
  --kills N        how many kill -9 there are at least, whatever the time (default 100)
  --rate N         tasks a second (default 10)
  --quiet          no line for each fault
  --keep           keep the services' logs and the database, and say where`;

const PACE: Pace = {
  backendTimeout: 1_500,
  modelTimeout: 1_500,
  firstPauseSeconds: 0.5,
  longestPauseSeconds: 4,
  budgetMinutes: 0.5,
};
const SETTLE_MS = 120_000;
/** No storm is longer than so many times the minutes asked for. */
const AT_MOST = 1.5;

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now()) },
      minutes: { type: 'string', default: '12' },
      kills: { type: 'string', default: '100' },
      rate: { type: 'string', default: '10' },
      quiet: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    write(HELP);
    return 0;
  }
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  const say = (line: string): void => {
    if (!values.quiet) write(`${seconds().toFixed(1).padStart(7)} s  ${line}`);
  };
  const leastSeconds = Number(values.minutes) * 60;
  write(
    `seed ${values.seed}, at least ${values.minutes} minutes and ${values.kills} kills, ${values.rate} tasks a second`,
  );
  const options: RunOptions = {
    seed: values.seed,
    pace: PACE,
    tasksPerSecond: Number(values.rate),
    settleMs: SETTLE_MS,
    say,
    keep: values.keep,
    storm: async (stage, random) => {
      while (
        seconds() < leastSeconds ||
        (killsIn(stage) < Number(values.kills) && seconds() < leastSeconds * AT_MOST)
      ) {
        await stormRound(stage, random);
      }
      if (killsIn(stage) < Number(values.kills)) {
        stage.journal.violate('there are enough kills', 'this run', `only ${killsIn(stage)}`);
      }
    },
  };
  const result = await runFaults(options, interrupted());
  const slow = takeoverProblem(result);
  write(`\n${report(result)}`);
  if (slow !== null) write(`VIOLATED: tasks of a dead process move on within 5 s: ${slow}`);
  if (values.keep) write(`logs: ${result.logs}`);
  const failed = slow !== null || result.violations.length > 0;
  write(`${failed ? 'FAILED' : 'OK'}: seed ${values.seed}, ${Math.round(seconds())} s`);
  return failed ? 1 : 0;
}

/** Aborts when the user has had enough. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      write(`${name}: the run is broken off`);
      controller.abort();
    });
  }
  return controller.signal;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
