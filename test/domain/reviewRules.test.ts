import { describe, expect, it } from 'vitest';
import { needsFourEyes, type ReviewRules } from '../../src/domain/reviewRules.ts';
import { beforeReviews, parse } from './policySource.ts';

describe('needsFourEyes', () => {
  const rules = (fourEyes: Partial<ReviewRules['fourEyes']>): ReviewRules => ({
    ...parse(beforeReviews()).reviews,
    fourEyes: { intents: [], riskAbove: 1, ...fourEyes },
  });
  it.each<[string, Partial<ReviewRules['fourEyes']>, string, number, number, boolean]>([
    ['no rule asks for it', {}, 'REFUND', 1, 99, false],
    ['the intent is named', { intents: ['CLOSE', 'REFUND'] }, 'REFUND', 0, 0, true],
    ['another intent is named', { intents: ['CLOSE'] }, 'REFUND', 1, 99, false],
    ['the risk is above the bound', { riskAbove: 0.6 }, 'REFUND', 0.61, 0, true],
    ['the risk is at the bound', { riskAbove: 0.6 }, 'REFUND', 0.6, 0, false],
    ['any risk is too much, and there is none', { riskAbove: 0 }, 'REFUND', 0, 0, false],
    ['as many are overridden as are named', { overridesFrom: 3 }, 'REFUND', 0, 3, true],
    ['fewer are overridden', { overridesFrom: 3 }, 'REFUND', 0, 2, false],
    [
      'one rule of several asks for it',
      { intents: ['CLOSE'], riskAbove: 0.9, overridesFrom: 2 },
      'REFUND',
      0.1,
      2,
      true,
    ],
  ])('%s', (_, fourEyes, intent, riskScore, overrides, needed) => {
    expect(needsFourEyes(rules(fourEyes), { intent, riskScore, overrides })).toBe(needed);
  });
});
