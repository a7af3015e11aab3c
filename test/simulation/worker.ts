import { addCounts, type Counts } from './coverage.ts';
import { type Run, simulate } from './simulate.ts';
import type { Violation } from './world.ts';

/** Seeds to run: so many, from the first one on. */
export type Order = { readonly from: number; readonly count: number };

/** What came of an order; it ends with the first seed that broke a rule. */
export type Report = {
  readonly seeds: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly milliseconds: number;
  readonly steps: number;
  readonly events: number;
  readonly failure: Failure | null;
};
export type Failure = { readonly seed: string; readonly violations: readonly Violation[] };

/** Every so many seeds one is run twice, and must come out the same to the byte. */
const TWICE_EVERY = 100;

/** @param onSeed told before each seed */
export async function runOrder(
  { from, count }: Order,
  onSeed: (seed: string) => void = () => {},
): Promise<Report> {
  const counts: Counts = new Map();
  let [seeds, milliseconds, steps, events] = [0, 0, 0, 0];
  let failure: Failure | null = null;
  for (let number = from; number < from + count && !failure; number += 1) {
    const seed = String(number);
    onSeed(seed);
    const run = await simulate(seed);
    const violations = [...run.violations, ...(number % TWICE_EVERY === 0 ? await again(seed, run) : [])];
    if (violations.length > 0) failure = { seed, violations };
    addCounts(counts, run.counts);
    seeds += 1;
    milliseconds += run.milliseconds;
    steps += run.steps;
    events += run.log.length;
  }
  return { seeds, counts: [...counts], milliseconds, steps, events, failure };
}

async function again(seed: string, first: Run): Promise<Violation[]> {
  const second = await simulate(seed);
  const isSame = JSON.stringify(second.log, bigints) === JSON.stringify(first.log, bigints);
  if (isSame && second.steps === first.steps) return [];
  return [{ rule: 'same seed, same run', what: 'run twice, it was not the same', at: 0 }];
}

const bigints = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

// Started by the command as a process of its own, it takes orders.
if (process.send && process.argv.includes('--worker')) {
  process.on('message', (order: Order) => {
    void runOrder(order, (seed) => process.send?.({ seed })).then((report) => process.send?.({ report }));
  });
}
