import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bug, type Caught, isCaught, listBugs, plant } from './planted.ts';

/**
 * `npm run simulate:bugs -- [--seeds N] [--only NAME]` plants every bug of bugs/, one at a time, and tells which seed broke which
 * rule. Fails when a bug is not caught in so many seeds, or does not apply any more.
 */
const DEFAULT_SEEDS = 10_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: String(DEFAULT_SEEDS) },
    only: { type: 'string', default: '' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const bugs = listBugs().filter(({ name }) => name.includes(values.only));
const queue = bugs.values();
let missed = 0;

async function work(): Promise<void> {
  for (const bug of queue) {
    const caught = await plant(bug, Number(values.seeds), true).catch(whyNot);
    if (typeof caught === 'string' || !isCaught(bug, caught)) missed += 1;
    say(lineOf(bug, caught));
  }
}

/** What a command said, where it said something. */
function whyNot(error: unknown): string {
  const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  return said || String(error);
}

function lineOf(bug: Bug, caught: Caught | string): string {
  const { name, sentence } = bug;
  if (typeof caught === 'string') return `${name.padEnd(36)} NOT PLANTED: ${caught}`;
  const { failure, seeds } = caught;
  if (!failure) return `${name.padEnd(36)} NOT CAUGHT in ${seeds} seeds: ${sentence}`;
  const rule = failure.violations[0]?.rule ?? '';
  const by = isCaught(bug, caught) ? rule : `BY CHANCE: ${rule}, not ${bug.rules.join(' or ')}`;
  return `${name.padEnd(36)} seed ${failure.seed.padStart(5)}  ${by}`;
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
say(`${bugs.length - missed} of ${bugs.length} planted bugs caught`);
process.exitCode = missed > 0 || bugs.length === 0 ? 1 : 0;
