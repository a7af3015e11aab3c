import { describe, expect, it } from 'vitest';
import { isCaught, listBugs, plant, whyNotApplicable } from './planted.ts';
import { simulate } from './simulate.ts';
import { runOrder } from './worker.ts';

/** About 25 s on one quiet core; `npm run simulate` runs as many as there is time for. */
const SEEDS = 2_000;
const QUICKLY_CAUGHT = ['call-before-start', 'checkpoint-apart', 'blind-retry', 'execute-anothers'];
const QUICKLY = 200;

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

describe('planted bugs', () => {
  const bugs = listBugs();

  it.each(bugs)('$name fits the sources', async (bug) => {
    expect(await whyNotApplicable(bug)).toBe(null);
  });

  it.each(bugs.filter(({ name }) => QUICKLY_CAUGHT.some((quick) => name.endsWith(quick))))(
    '$name is caught',
    { timeout: 60_000 },
    async (bug) => {
      const caught = await plant(bug, QUICKLY, false);
      expect(isCaught(bug, caught)).toBe(true);
    },
  );

  it('are at least fourteen, each with the rule that it breaks', () => {
    expect(bugs.length).toBeGreaterThanOrEqual(14);
    for (const { sentence, rules } of bugs) {
      expect(sentence).toMatch(/^[A-Z].*\.$/);
      expect(rules.join('')).not.toBe('');
    }
  });
});
