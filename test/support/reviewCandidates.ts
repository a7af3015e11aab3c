import type { Case } from '../../src/domain/case.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import type { ReviewResolution } from '../../src/domain/vocabulary.ts';
import { later, taskId } from './builders.ts';
import { claimed, overdue, released, reviewed, startedFor } from './reviewBuilders.ts';

/** Kinds of what can happen to a review; decisions are what leads on. */
export const REVIEW_TOKENS = ['claim', 'decide', 'decide', 'decide', 'release', 'overdue'] as const;
export const REVIEWERS = ['rita', 'raj'] as const;

type ReviewToken = {
  readonly kind: (typeof REVIEW_TOKENS)[number];
  readonly task: number;
  readonly pick: number;
  readonly reviewer: (typeof REVIEWERS)[number];
  readonly milliseconds: number;
  readonly resolution: ReviewResolution;
  /** Of two approvals; and whether an escalation follows on what is overdue. */
  readonly isFirst: boolean;
};

/**
 * What an event of a reviewer, or of one that is missing, could be, whether or not it is possible just then.
 *
 * @param next number of the attempt that an approval would begin
 */
export function reviewCandidates(current: Case, token: ReviewToken, next: number): readonly CaseEvent[] {
  const { kind, task, reviewer, milliseconds, resolution, isFirst } = token;
  const review = current.tasks.get(taskId(task))?.review;
  const holder = review?.claim?.reviewer ?? reviewer;
  const leaseUntil = later(milliseconds);
  switch (kind) {
    case 'claim':
      return [claimed(task, reviewer, leaseUntil, review?.claim?.reviewer ?? null)];
    case 'release':
      return [released(task, holder)];
    case 'overdue': {
      const dueBy = later(milliseconds + 1);
      const escalatedTo = isFirst ? { queue: `queue-${token.pick % 3}`, dueBy } : null;
      return [overdue(task, review?.deadline ?? undefined, escalatedTo, review?.queue)];
    }
    default: {
      const approves = resolution === 'APPROVED' || resolution === 'EDITED';
      const changes = { reviewer: holder, awaitsSecond: approves && isFirst };
      const decided = [claimed(task, holder, leaseUntil), reviewed(resolution, task, changes)];
      return approves && !isFirst ? [...decided, ...startedFor(holder, task, next)] : decided;
    }
  }
}
