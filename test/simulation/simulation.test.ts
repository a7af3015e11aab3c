import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';
import { runOrder } from './worker.ts';

/** Half of those in the suite; the other half is in moreSeeds.test.ts, on another core. `npm run simulate` runs as many as you like. */
const SEEDS = 1_000;

describe('the deterministic simulation', () => {
  it('breaks no rule', { timeout: 180_000 }, async () => {
    const { failure, seeds } = await runOrder({ from: 1, count: SEEDS });
    expect(failure).toBe(null);
    expect(seeds).toBe(SEEDS);
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
