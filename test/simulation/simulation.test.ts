import { describe, expect, it } from 'vitest';
import { addCounts, type Counts, requiredOf } from './coverage.ts';
import { simulate } from './simulate.ts';
import { type Report, runOrder } from './worker.ts';

/** From the first one on. `npm run simulate` runs as many as you like, and 2,000 unless told. */
const SEEDS = 300;
/** Of the next 1,700, those that reach what none of the first do, and those that are the first to catch a planted bug. */
const FURTHER = [375, 484, 494, 501, 528, 809, 1190, 1192];
/** So many reach everything by far. After a change other seeds than those above may be the ones: one after the other is tried. */
const MOST = 3_000;

/** What has to be reached, and has not been yet. */
const unreached = (counts: Counts): string[] => requiredOf(MOST).filter((what) => !counts.has(what));

describe('the deterministic simulation', () => {
  it('breaks no rule, and reaches every fault and every state', { timeout: 180_000 }, async () => {
    const counts: Counts = new Map();
    const run = async (from: number, count: number): Promise<void> => {
      const report: Report = await runOrder({ from, count });
      expect(report).toMatchObject({ failure: null, seeds: count });
      addCounts(counts, report.counts);
    };
    await run(1, SEEDS);
    for (const seed of FURTHER) await run(seed, 1);
    for (let seed = SEEDS + 1; seed <= MOST && unreached(counts).length > 0; seed += 1) await run(seed, 1);
    expect(unreached(counts)).toEqual([]);
  });

  it.each(['3', '17', '101', 'any text'])('runs seed %s the same way every time', async (seed) => {
    const stories: string[][] = [];
    for (let time = 0; time < 2; time += 1) {
      const story: string[] = [];
      const { log, counts } = await simulate(seed, (line) => story.push(line));
      const facts = [...log, ...counts].map((fact) =>
        JSON.stringify(fact, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
      );
      stories.push([...story, ...facts]);
    }
    const [first, second] = stories;
    expect(first?.length).toBeGreaterThan(50);
    expect(second).toEqual(first);
  });

  it('does different things with different seeds', async () => {
    const [one, another] = [await simulate('1'), await simulate('2')];
    expect(another.log.map(({ id }) => id)).not.toEqual(one.log.map(({ id }) => id));
  });
});
