import type { Case } from './case.ts';
import { type Decided, isRepeat, mustNotBeErased, NOTHING_NEW } from './decide.ts';
import type { Actor, CommandKey } from './events.ts';
import type { Policy } from './policy.ts';
import { RefusedError } from './refusal.ts';
import { type Claim, holds, type Review } from './review.ts';
import type { Task } from './task.ts';
import { later } from './verdicts.ts';

/** Who asks, and when: ISO 8601 time of the append. */
export type ByReviewer = {
  readonly reviewer: Pick<Actor, 'id' | 'roles'>;
  readonly now: string;
  readonly command: CommandKey | null;
};

/** A task that waits for a person. */
export type InReview = { readonly task: Task; readonly review: Review };

/**
 * Claims a review, or renews the reviewer's own claim: a lease that begins now.
 *
 * @param takeover whether another one's running claim is to end
 * @throws RefusedError REVIEW_NOT_FOUND, REVIEW_NOT_OPEN, IDEMPOTENCY_KEY_REUSED, ROLE_NOT_HELD, or REVIEW_CLAIMED with who has it
 */
export function claimReview(
  current: Case,
  taskId: string,
  takeover: boolean,
  { reviewer, now, command }: ByReviewer,
  { reviews }: Pick<Policy, 'reviews'>,
): Decided {
  const found = findReview(current, taskId);
  if (isRepeat(current, command)) return NOTHING_NEW;
  const { review } = mustBeInReview(found);
  const other = holds(review.claim, now) && review.claim.reviewer !== reviewer.id ? review.claim : null;
  if (other && !takeover) throw claimedBy(other);
  if (other) mustSupervise(reviewer, reviews.supervisors);
  return {
    events: [
      {
        type: 'ReviewClaimed',
        data: {
          taskId,
          reviewer: reviewer.id,
          leaseUntil: later(now, reviews.leaseMinutes * 60_000),
          takenFrom: other?.reviewer ?? null,
          command,
        },
      },
    ],
    replayed: false,
  };
}

/**
 * Ends a claim: the reviewer's own, or as a supervisor another one's. Where none holds nothing happens, unless the command has an
 * idempotency key: only what is recorded can be recognised as a repeat, and a late repeat must not end a claim made since. So the end of
 * a lease that was over is recorded, and where there is nothing to record the command is refused.
 *
 * @throws RefusedError REVIEW_NOT_FOUND, REVIEW_NOT_OPEN, IDEMPOTENCY_KEY_REUSED, REVIEW_NOT_CLAIMED, or REVIEW_CLAIMED by another one
 */
export function releaseReview(
  current: Case,
  taskId: string,
  { reviewer, now, command }: ByReviewer,
  { reviews }: Pick<Policy, 'reviews'>,
): Decided {
  const found = findReview(current, taskId);
  if (isRepeat(current, command)) return NOTHING_NEW;
  const { claim } = mustBeInReview(found).review;
  const mayEnd = claim?.reviewer === reviewer.id || supervises(reviewer, reviews.supervisors);
  if (holds(claim, now) && !mayEnd) throw claimedBy(claim);
  if (!holds(claim, now) && command === null) return { events: [], replayed: false };
  if (!claim || !mayEnd)
    throw new RefusedError('REVIEW_NOT_CLAIMED', 'there is no claim here that you could end');
  return {
    events: [{ type: 'ReviewReleased', data: { taskId, reviewer: claim.reviewer, command } }],
    replayed: false,
  };
}

/** A task that was ever routed to a person. Throws RefusedError REVIEW_NOT_FOUND, or CASE_KEY_DESTROYED of an erased case. */
export function findReview(current: Case, taskId: string): InReview {
  mustNotBeErased(current);
  const task = current.tasks.get(taskId);
  if (!task?.review)
    throw new RefusedError('REVIEW_NOT_FOUND', 'names a task that was not routed to a person', 'taskId');
  return { task, review: task.review };
}

/** A review that can still be worked on. Throws RefusedError REVIEW_NOT_OPEN. */
export function mustBeInReview(found: InReview): InReview {
  const { status, review } = found.task;
  if (status === 'IN_REVIEW') return found;
  const by = review?.decided ? `; ${review.decided.reviewer} has decided ${review.decided.resolution}` : '';
  throw new RefusedError('REVIEW_NOT_OPEN', `the task does not wait for a person: it is ${status}${by}`);
}

/** A review that is the reviewer's own now. Throws RefusedError REVIEW_CLAIMED or REVIEW_NOT_CLAIMED. */
export function mustHaveClaim({ claim }: Review, { reviewer, now }: ByReviewer): void {
  if (!holds(claim, now))
    throw new RefusedError('REVIEW_NOT_CLAIMED', 'claim the review before you decide: nobody has it now');
  if (claim.reviewer !== reviewer.id) throw claimedBy(claim);
}

const claimedBy = ({ reviewer, leaseUntil }: Claim): RefusedError =>
  new RefusedError('REVIEW_CLAIMED', `${reviewer} has claimed the review until ${leaseUntil}`, null, {
    claim: { reviewer, leaseUntil },
  });

const supervises = ({ roles }: ByReviewer['reviewer'], supervisors: readonly string[]): boolean =>
  supervisors.some((role) => roles.includes(role));

function mustSupervise(reviewer: ByReviewer['reviewer'], supervisors: readonly string[]): void {
  if (supervises(reviewer, supervisors)) return;
  const who = supervisors.length === 0 ? 'nobody' : `one of ${supervisors.join(', ')} only`;
  throw new RefusedError('ROLE_NOT_HELD', `under this policy ${who} may take over a claim`, 'takeover');
}
