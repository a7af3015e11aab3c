import { type ChildProcess, fork } from 'node:child_process';
import { addCounts, type Counts } from './coverage.ts';
import type { Failure, Report } from './worker.ts';

export type Total = {
  readonly seeds: number;
  readonly counts: Counts;
  readonly milliseconds: number;
  readonly events: number;
  readonly failure: Failure | null;
};

type FromWorker = { readonly seed: string } | { readonly report: Report };

const SEEDS_AT_A_TIME = 50;
/**
 * After so many orders a worker makes room for a new one: signals that dead processes of the simulation still listen to are never
 * collected, and grow to gigabytes.
 */
const ORDERS_A_WORKER = 20;
/** A seed takes milliseconds. After so long it hangs in a loop that never comes back. */
const HANGS_AFTER_MS = 60_000;

/**
 * Spreads seeds over processes, and ends with the first one that breaks a rule.
 *
 * @param onProgress told now and then how many are done
 */
export async function spread(
  from: number,
  count: number,
  workers: number,
  onProgress: (seeds: number) => void,
): Promise<Total> {
  const counts: Counts = new Map();
  let [next, seeds, milliseconds, events] = [from, 0, 0, 0];
  let failure: Failure | null = null;

  const order = (): { from: number; count: number } | null => {
    const left = from + count - next;
    if (left <= 0 || failure) return null;
    const taken = { from: next, count: Math.min(left, SEEDS_AT_A_TIME) };
    next += taken.count;
    return taken;
  };
  const take = (report: Report): void => {
    addCounts(counts, report.counts);
    seeds += report.seeds;
    milliseconds += report.milliseconds;
    events += report.events;
    failure ??= report.failure;
    onProgress(seeds);
  };
  const work = async (): Promise<void> => {
    while (next < from + count && !failure) await workFor(ORDERS_A_WORKER);
  };
  const workFor = (orders: number): Promise<void> =>
    new Promise((resolve) => {
      let left = orders;
      const child = fork(new URL('./worker.ts', import.meta.url), ['--worker']);
      let seed = '';
      let hangs = setTimeout(() => {}, 0);
      const lost = (what: string): void => {
        failure ??= { seed, violations: [{ rule: 'every run comes to an end', what, at: 0 }] };
        child.kill('SIGKILL');
      };
      const watch = (): void => {
        clearTimeout(hangs);
        hangs = setTimeout(() => lost(`no end after ${HANGS_AFTER_MS} ms`), HANGS_AFTER_MS);
      };
      const give = (): void => {
        const taken = left > 0 ? order() : null;
        left -= 1;
        if (taken) child.send(taken);
        else end(child);
      };
      child.on('message', (message: FromWorker) => {
        watch();
        if ('seed' in message) seed = message.seed;
        else {
          take(message.report);
          give();
        }
      });
      child.on('exit', (code) => {
        clearTimeout(hangs);
        if (code !== 0 && code !== null) lost(`its process ended with ${code}`);
        resolve();
      });
      watch();
      give();
    });

  await Promise.all(Array.from({ length: workers }, work));
  return { seeds, counts, milliseconds, events, failure };
}

function end(child: ChildProcess): void {
  child.disconnect();
}
