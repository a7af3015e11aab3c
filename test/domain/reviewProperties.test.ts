import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/runs.ts';
import { checkLog, checkOther, checkTry } from './reviewChecks.ts';
import { PARTS } from './reviewContent.ts';
import { reviewHappenings } from './reviewHappenings.ts';
import { createReviewWalk } from './reviewWalk.ts';

/** What the walks must go through; without it the property could hold because nothing ever happens. */
const REACHED = [
  'APPROVED and ran',
  'EDITED and ran',
  'APPROVED again',
  'EDITED again',
  'REJECTED',
  'INFO_REQUESTED',
  'with overrides',
  'first of two',
  'another first',
  'four eyes',
  'lapsed',
  'repeated',
  ...PARTS.filter((part) => part !== 'opened').map((part) => `stale: ${part}`),
  ...[
    'ACTION_OPEN',
    'BACKEND_UNAVAILABLE',
    'GUARDRAILS_REFUSE',
    'INVALID_INPUT',
    'OUTCOME_UNKNOWN',
    'REVIEWER_NOT_ALLOWED',
    'REVIEW_CLAIMED',
    'REVIEW_NOT_CLAIMED',
    'REVIEW_NOT_OPEN',
    'ROLE_NOT_HELD',
  ].map((code) => `refused: ${code}`),
  'ReviewClaimed',
  'ReviewReleased',
  'ReviewOverdue',
  'ActionOutcomeResolved',
  'TaskCancelled',
];

describe('whatever happens between what a reviewer is shown and what a reviewer decides', () => {
  it('what runs is what was shown and approved, or nothing does', () => {
    const seen = new Set<string>();
    const happening = fc.array(reviewHappenings, { minLength: 60, maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(happening, (happenings) => {
        const walk = createReviewWalk();
        for (const each of happenings) walk.happen(each);
        checkLog(walk.log, walk.tries);
        const words = [...walk.tries.flatMap(checkTry), ...walk.others.flatMap(checkOther)];
        for (const word of words) seen.add(word);
      }),
      { numRuns: runs(120, 400), seed: 4801 },
    );
    expect(REACHED.filter((word) => !seen.has(word))).toStrictEqual([]);
  }, 60_000);
});
