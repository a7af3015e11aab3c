import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { readConfig } from '../config.ts';
import { parsePlaybook } from '../domain/playbook.ts';
import { parsePolicy } from '../domain/policy.ts';
import { codec } from '../eventstore/codec.ts';
import { readLogId } from '../eventstore/identity.ts';
import { createEventLog } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import { type Backtest, type BacktestProgress, backtestLog } from '../replay/backtest/backtestLog.ts';
import { pageOf } from '../replay/backtest/page.ts';
import type { BacktestReport } from '../replay/backtest/report.ts';
import { linesOf } from '../replay/backtest/told.ts';
import { systemClock } from '../runtime/clock.ts';
import { explain } from '../startErrors.ts';
import { readOptions, usageError } from './arguments.ts';
import { everySecond, say, sayLines } from './run.ts';
import { withServiceLog } from './serviceLog.ts';
import { readSource } from './sourceFile.ts';
import { writeWholeFile } from './wholeFile.ts';

const USAGE =
  'usage: npm run backtest -- --policy candidate.yaml [--playbook file] [--since time] [--until time] [--json] [--html file] ' +
  '[--fail-on-new-executions]';
const OPTIONS = {
  policy: { type: 'string' },
  playbook: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  json: { type: 'boolean', default: false },
  html: { type: 'string' },
  'fail-on-new-executions': { type: 'boolean', default: false },
} as const;
type Options = ReturnType<typeof readOptions<typeof OPTIONS>>;
const NEWLY_EXECUTED = 1;
const COULD_NOT_RUN = 2;

/**
 * `npm run backtest`: every verdict in the log, judged again under a candidate policy. It reads the log alone, whether or not services
 * run, and is built without a model and without a backend (rule 7). Exit code 0: told; 1: asked to fail, it would newly execute
 * something; 2: it could not run, or was asked to fail and could judge nothing.
 */
async function main(): Promise<void> {
  const values = readOptions(OPTIONS, USAGE);
  const asked = await readAsked(values);
  const report = await withServiceLog((store) => run(store, asked), COULD_NOT_RUN);
  if (values.html !== undefined) await writeWholeFile(values.html, [pageOf(report)], 0o666);
  if (values.json) say(JSON.stringify(report));
  else sayLines(linesOf(report));
  process.exitCode = values['fail-on-new-executions'] ? gateOf(report) : 0;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error, 'The candidate could not be tested')}\n`);
  process.exitCode = COULD_NOT_RUN;
});

/** Nothing judged is nothing shown: a gate must not open on it. */
function gateOf({ policy, reviewers, verdicts }: BacktestReport): number {
  if (policy.toExecute + reviewers.toExecute > 0) return NEWLY_EXECUTED;
  return verdicts > 0 && policy.judged + reviewers.judged === 0 ? COULD_NOT_RUN : 0;
}

/** The candidate is held against the playbook given, else that of the service, so that one that cannot be used is told at once. */
async function readAsked({ policy: file, playbook: playbookFile, since, until }: Options): Promise<Backtest> {
  if (file === undefined) throw usageError('--policy is missing: the file of the candidate', USAGE);
  const reference = playbookFile ?? readConfig(process.env).PLAYBOOK;
  const playbook = parsePlaybook(await readSource(reference), reference);
  return {
    candidate: parsePolicy(await readSource(file), file, playbook),
    playbook: playbookFile === undefined ? null : playbook,
    since: timeOf('--since', since),
    until: timeOf('--until', until),
  };
}

const isoTime = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** As recorded times are written: UTC, with milliseconds. */
function timeOf(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (!isoTime.safeParse(value).success) {
    throw usageError(`${name} must be an ISO 8601 time, such as 2026-01-31T00:00:00Z, not ${value}`, USAGE);
  }
  return new Date(value).toISOString();
}

const run = async (store: EventStore, asked: Backtest): Promise<BacktestReport> =>
  backtestLog(
    { store, codec, logId: await readLogId(createEventLog(store, uuidv7)), clock: systemClock },
    asked,
    progressTeller(),
  );

/** On standard error, so that the report alone is on standard output. */
const progressTeller = (): ((progress: BacktestProgress) => void) =>
  everySecond(({ verdicts, position, end }) => {
    process.stderr.write(`${verdicts} verdicts, at position ${position} of ${end}\n`);
  });
