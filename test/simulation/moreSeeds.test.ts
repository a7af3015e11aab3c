import { expect, it } from 'vitest';
import { runOrder } from './worker.ts';

const FROM = 1_001;
const SEEDS = 1_000;

it('the deterministic simulation breaks no rule with further seeds', { timeout: 180_000 }, async () => {
  const { failure, seeds } = await runOrder({ from: FROM, count: SEEDS });
  expect(failure).toBe(null);
  expect(seeds).toBe(SEEDS);
});
