import type { DecisionAsked, Seen } from '../../src/commands/reviews.ts';
import type { ShownReview } from '../../src/commands/shownReview.ts';
import type { ReviewedAction } from '../../src/domain/events.ts';
import { limitsFor } from '../../src/domain/guardrails.ts';
import type { ReviewResolution } from '../../src/domain/vocabulary.ts';
import type { Random } from './random.ts';
import { ROUTE_NAMES } from './sources.ts';

/** What a reviewer wants: some things that make sense, and some that do not. */
export type Choice = {
  readonly resolution: ReviewResolution;
  readonly action: ReviewedAction | null;
  readonly overrides: readonly string[];
};

const REASONS: Readonly<Record<ReviewResolution, string>> = {
  APPROVED: 'CONFIRMED',
  EDITED: 'CORRECTED',
  REJECTED: 'NOT_JUSTIFIED',
  INFO_REQUESTED: 'MORE_INFORMATION_NEEDED',
};
/** Guardrails that stand against everything, whatever way it takes. */
const AGAINST_ALL = ['CASE_NOT_OPEN', 'ATTEMPT_LIMIT_REACHED'];
const INTENT = 'RETRY_EXTERNAL_CALL';

export const seenIn = ({ reviewedHash, reviewedRevision }: ShownReview): Seen => ({
  reviewedHash,
  reviewedRevision,
});

export function choose(shown: ShownReview, random: Random): Choice {
  const resolution = random.weighted(weightsFor(shown));
  return {
    resolution,
    action: resolution === 'EDITED' ? otherAction(shown, random) : null,
    overrides: overridesFor(shown, random),
  };
}

/** What is sent for a choice on what was shown. */
export function decisionOf(
  shown: ShownReview,
  { resolution, action, overrides }: Choice,
  random: Random,
): DecisionAsked {
  const isApproval = resolution === 'APPROVED' || resolution === 'EDITED';
  const seen = seenIn(shown);
  return {
    ...seen,
    // Now and then somebody names what nobody was shown.
    reviewedHash: random.chance(0.03) ? 'f'.repeat(64) : seen.reviewedHash,
    resolution,
    reasonCode: random.chance(0.02) ? 'BECAUSE' : REASONS[resolution],
    note: random.chance(0.3) ? 'looked at it' : null,
    overrides: isApproval ? overrides : [],
    action,
  };
}

/** Mostly what can be: what somebody else has approved, else what is recommended, else another way. */
function weightsFor({ task, review }: ShownReview): Readonly<Record<ReviewResolution, number>> {
  const approved = review.firstApproval?.action;
  if (approved) {
    const isRecommended = approved.routeTarget === task.decision?.routeTarget;
    return { APPROVED: isRecommended ? 12 : 1, EDITED: 6, REJECTED: 1, INFO_REQUESTED: 1 };
  }
  const against = failedIn(task).filter(({ overridable }) => !overridable);
  if (against.some(({ code }) => AGAINST_ALL.includes(code)))
    return { APPROVED: 1, EDITED: 1, REJECTED: 3, INFO_REQUESTED: 1 };
  if (against.length > 0) return { APPROVED: 1, EDITED: 12, REJECTED: 1, INFO_REQUESTED: 1 };
  return { APPROVED: 9, EDITED: 3, REJECTED: 1, INFO_REQUESTED: 1 };
}

function otherAction({ review, context }: ShownReview, random: Random): ReviewedAction {
  const approved = review.firstApproval?.action;
  if (approved && random.chance(0.8)) return approved;
  const intent = random.chance(0.95) ? INTENT : random.pick(['ESCALATE', 'NONSENSE']);
  const { routes } = limitsFor(context.policy, context.playbook, INTENT);
  return { intent, routeTarget: random.pick(random.chance(0.9) ? routes : ROUTE_NAMES) };
}

/** Mostly what has failed, and may be overridden. */
function overridesFor({ task }: ShownReview, random: Random): string[] {
  if (random.chance(0.1)) return random.pick([['role'], ['risk', 'confidence'], ['nonsense']]);
  const failed = failedIn(task).filter(({ overridable }) => overridable);
  return random.chance(0.7) ? failed.map(({ name }) => name) : [];
}

const failedIn = ({ verdicts }: ShownReview['task']) =>
  verdicts.at(-1)?.guardrails.filter(({ passed }) => !passed) ?? [];
