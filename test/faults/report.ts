import { countKinds, type Violation } from './journal.ts';
import type { RunResult } from './run.ts';
import { TAKEOVER_MS } from './storm.ts';
import type { Wait } from './takeovers.ts';

const MOST_SHOWN = 20;
const SLOWEST_SHOWN = 5;

/** What a run came to, for people. */
export function report(result: RunResult): string {
  const { takeovers, effects, tasks } = result;
  const kills = result.faults.filter(({ kind }) => kind.startsWith('kill')).length;
  return [
    `kills                ${kills}`,
    ...lines('faults', countKinds(result.faults)),
    '',
    `tasks                ${tasks.sent} sent in ${result.requests} requests, ${tasks.told} told a 2xx (${tasks.toldLater} first a 202), ${tasks.recorded} in the log; ${result.heldBack} held back`,
    ...lines('answers', result.answers),
    ...lines('outcomes', tasks.outcomes),
    ...lines('statuses', tasks.statuses),
    ...lines('attempts', tasks.results),
    ...lines('reasons to a person', tasks.codes),
    `model                asked ${result.modelCalls} times`,
    `effects              partner ${effects.effects.partner} in ${effects.calls.partner} calls (${effects.calledAgain.partner} keys called again, ${effects.lookups} lookups), core ${effects.effects.core} in ${effects.calls.core} calls (${effects.calledAgain.core} keys called again after a definite failure)`,
    `latest request       ${effects.latestMs} ms after its attempt's deadline`,
    `log                  ${result.events} events in ${result.streams} streams, ${result.rows} rows in read models`,
    `settled              ${Math.round(result.settledAfterMs)} ms after everything was mended`,
    `failed starts        ${result.failedStarts}`,
    ...lines('complaints', result.complaints),
    '',
    'takeover of tasks without an open attempt, ms from the kill to the next event, by what else was going on:',
    ...Object.entries(takeovers.free).map(
      ([how, times]) =>
        `  ${how.padEnd(18)} ${takeovers.kills[how as keyof typeof takeovers.kills]} kills, ${spread(times)}`,
    ),
    'tasks with an open attempt, ms from its deadline (or the kill) to the next event:',
    ...Object.entries(takeovers.executing).map(([how, times]) => `  ${how.padEnd(18)} ${spread(times)}`),
    `  ${takeovers.behind} tasks waited for the open attempt of another task of their case`,
    ...slowest(takeovers.free['nothing else']),
    '',
    ...violationLines(result.violations),
  ].join('\n');
}

/** The violations of a run; also that tasks without an open attempt were taken over too slowly while nothing else was wrong. */
export function takeoverProblem({ takeovers }: RunResult): string | null {
  const times = takeovers.free['nothing else'].map(({ ms }) => ms);
  if (times.length === 0) return 'no takeover could be measured';
  const p99 = percentile(times, 0.99);
  return p99 < TAKEOVER_MS ? null : `p99 of takeovers is ${p99} ms`;
}

function spread(waits: readonly Wait[]): string {
  if (waits.length === 0) return '0 tasks';
  const times = waits.map(({ ms }) => ms);
  const at = (share: number): number => percentile(times, share);
  return `${times.length} tasks: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, max ${at(1)}`;
}

/** The takeovers that took longest, where nothing else was wrong: where to look when they take too long. */
const slowest = (waits: readonly Wait[]): string[] =>
  waits
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST_SHOWN)
    .map(
      ({ ms, taskId, status, killedAt }) =>
        `  slow: ${ms} ms, ${taskId}, ${status} at the kill at ${new Date(killedAt).toISOString()}`,
    );

/** By nearest rank. */
function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const lines = (title: string, counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).map(
    ([name, count], index) =>
      `${(index === 0 ? title : '').padEnd(20)} ${String(count).padStart(6)}  ${name}`,
  );

function violationLines(violations: readonly Violation[]): string[] {
  const byRule = Map.groupBy(violations, ({ rule }) => rule);
  return [...byRule].flatMap(([rule, found]) => [
    `VIOLATED ${found.length} times: ${rule}`,
    ...found.slice(0, MOST_SHOWN).map(({ where, what }) => `  ${where}: ${what}`),
  ]);
}
