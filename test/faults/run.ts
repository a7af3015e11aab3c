import { once } from 'node:events';
import { createPostgresEventStore } from '../../src/eventstore/postgres/postgresEventStore.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import { readBook } from './book.ts';
import { checkAnswers } from './checks/answers.ts';
import { checkEffects, type EffectCounts } from './checks/effects.ts';
import { checkReadModels } from './checks/readModels.ts';
import type { FaultRecord, Violation } from './journal.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { startLoad } from './load.ts';
import { complaintsIn } from './serviceLogs.ts';
import { settle } from './settle.ts';
import type { Pace } from './sources.ts';
import { openStage, type Stage } from './stage.ts';
import { allIsWell } from './storm.ts';
import { measureTakeovers, type Takeovers } from './takeovers.ts';
import { countTasks, type TaskCounts } from './taskCounts.ts';

export type RunOptions = {
  readonly seed: string;
  readonly pace: Pace;
  readonly tasksPerSecond: number;
  /** What is done to the services while the load is on. */
  readonly storm: (stage: Stage, random: Random) => Promise<void>;
  /** Longest wait for the last task, after everything is mended, in milliseconds. */
  readonly settleMs: number;
  /** Takes a line about each fault and violation. */
  readonly say: (line: string) => void;
  /** Keeps the folder with the services' logs and the database. */
  readonly keep: boolean;
};

/** What came of a run. */
export type RunResult = {
  readonly violations: readonly Violation[];
  readonly faults: readonly FaultRecord[];
  readonly takeovers: Takeovers;
  readonly effects: EffectCounts;
  readonly tasks: TaskCounts;
  readonly requests: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly heldBack: number;
  readonly modelCalls: number;
  readonly events: number;
  readonly streams: number;
  readonly rows: number;
  readonly failedStarts: number;
  /** What the services complained of in their logs, by message. */
  readonly complaints: Readonly<Record<string, number>>;
  readonly settledAfterMs: number;
  readonly logs: string;
};

/**
 * Load and storm; then everything is mended, must come to rest, and is checked over HTTP and in the log.
 *
 * @param signal breaks the run off; nothing is left behind then either
 * @throws Error when the run was broken off, or something did not come about in time; with the violations by then
 */
export async function runFaults(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
  const random = createRandom(options.seed);
  const stage = await openStage(random.fork('stage'), options.pace, options.say);
  const brokenOff = once(signal, 'abort').then(() => {
    throw new Error('the run was broken off');
  });
  // Nobody waits for it any more when the run is over.
  brokenOff.catch(() => {});
  try {
    return await Promise.race([play(options, stage, random), brokenOff]);
  } catch (error) {
    throw new Error(`${String(error)}\n${JSON.stringify(stage.journal.violations, null, 2)}`, {
      cause: error,
    });
  } finally {
    await stage.close(options.keep);
  }
}

async function play(options: RunOptions, stage: Stage, random: Random): Promise<RunResult> {
  const { storm, say, settleMs, tasksPerSecond } = options;
  const { slots, journal } = stage;
  const ledger = createLedger();
  await allIsWell(stage);
  const load = startLoad({ slots, journal, ledger, random: random.fork('load'), tasksPerSecond });
  try {
    await storm(stage, random.fork('storm'));
    say('all is mended');
    const mendedAt = performance.now();
    await settle(stage, load, settleMs);
    const settledAfterMs = performance.now() - mendedAt;
    say('all is settled, and is checked');
    return {
      ...(await check(stage, ledger)),
      heldBack: load.heldBack(),
      answers: load.answers(),
      settledAfterMs,
    };
  } finally {
    load.abandon();
  }
}

async function check(
  stage: Stage,
  ledger: Ledger,
): Promise<Omit<RunResult, 'heldBack' | 'answers' | 'settledAfterMs'>> {
  const { journal, postgres, slots, logs } = stage;
  const pool = createPool({ url: postgres.url(), max: 2, applicationName: 'faults', onError: () => {} });
  const store = createPostgresEventStore({ pool });
  try {
    const book = await readBook(store, journal);
    await checkAnswers(stage, ledger, book);
    const effects = checkEffects(stage, book);
    const rows = await checkReadModels(store, pool, journal);
    return {
      violations: journal.violations,
      faults: journal.faults,
      takeovers: measureTakeovers(stage, ledger, book),
      effects,
      tasks: countTasks(ledger, book),
      requests: ledger.requests(),
      modelCalls: [...stage.model.asked.values()].reduce((sum, times) => sum + times.length, 0),
      events: book.events,
      streams: book.streams,
      rows,
      failedStarts: slots.reduce((sum, slot) => sum + slot.failedStarts(), 0),
      complaints: await complaintsIn(logs),
      logs,
    };
  } finally {
    await store.close();
    await pool.end();
  }
}
