import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copySources, isCaught, listBugs, plant, type Sources } from './planted.ts';

/** `npm run simulate:bugs` plants all of them. */
const QUICKLY_CAUGHT = ['call-before-start', 'checkpoint-apart', 'blind-retry', 'execute-anothers'];
const QUICKLY = 200;

describe('planted bugs', () => {
  const bugs = listBugs();
  let sources: Sources;
  beforeAll(() => {
    sources = copySources();
  });
  afterAll(() => sources.remove());

  it.each(bugs)('$name fits the sources', async (bug) => {
    expect(await sources.whyNotApplicable(bug)).toBe(null);
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
