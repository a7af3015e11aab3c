import { arrive } from './arrivals.ts';
import { type Caller, taskIdOf } from './caller.ts';
import type { Roster } from './roster.ts';
import { quantile } from './statistics.ts';

/** What a stretch of steady load came to. */
export type Phase = {
  readonly name: string;
  /** When it began and when its last request was due, by `performance.now()`. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly offered: number;
  readonly accepted: number;
  /** 503s. */
  readonly turnedAway: number;
  /** Anything else than 202 and 503. */
  readonly others: number;
  /** From when a request was due to its 202, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
};

export type LoadOptions = {
  readonly caller: Caller;
  readonly roster: Roster;
  readonly perSecond: number;
  /** Takes the ids of all tasks that were accepted. */
  readonly accepted: Set<string>;
};

/** Posts tasks at a steady rate with `Prefer: respond-async`. */
export async function runPhase(options: LoadOptions, name: string, milliseconds: number): Promise<Phase> {
  const { caller, roster, perSecond, accepted } = options;
  const latencies: number[] = [];
  let offered = 0;
  let turnedAway = 0;
  let others = 0;
  const fromMs = performance.now();
  await arrive(perSecond, milliseconds, async (dueMs) => {
    offered += 1;
    const answer = await caller.task({ ...roster.nextTask(), prefer: 'respond-async' });
    const taskId = taskIdOf(answer);
    if (answer.status === 202 && taskId !== null) {
      latencies.push(performance.now() - dueMs);
      accepted.add(taskId);
    } else if (answer.status === 503) turnedAway += 1;
    else others += 1;
  });
  return {
    name,
    fromMs,
    toMs: fromMs + milliseconds,
    offered,
    accepted: latencies.length,
    turnedAway,
    others,
    latency: {
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      max: quantile(latencies, 1),
    },
  };
}
