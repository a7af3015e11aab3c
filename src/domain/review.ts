import type { ReviewDecided, ReviewedAction, TaskEvent } from './events.ts';

/** A person has a review to themselves, until the lease ends. */
export type Claim = { readonly reviewer: string; readonly leaseUntil: string };

/** A task's wait for a person, as its events say. */
export type Review = {
  /** The queue that it is in, and when it is to be decided; both change when it is escalated. */
  readonly queue: string;
  readonly dueBy: string;
  /** Whether a deadline has passed without a decision. */
  readonly overdue: boolean;
  /** The deadline that has still to pass; null where none is left. */
  readonly deadline: string | null;
  /** The newest claim; it holds until its lease ends. */
  readonly claim: Claim | null;
  /** The decision of one person that waits for that of another. */
  readonly firstApproval: ReviewDecided['data'] | null;
  /** What stood as the first approval when that one was given, and may have been shown with the rest. */
  readonly replacedApproval: ReviewDecided['data'] | null;
  readonly waitsForInfo: boolean;
  /** The newest decision; null before the first. */
  readonly decided: ReviewDecided['data'] | null;
  /** What may be executed because of it: used up by the attempt that it permits. */
  readonly approved: ReviewedAction | null;
};

/** Whether a claim holds at a time. */
export const holds = (claim: Claim | null, now: string): claim is Claim =>
  claim !== null && now < claim.leaseUntil;

/**
 * A review after one more event about its task; null before it was routed to a person.
 *
 * @throws Error when the event cannot follow what is there (a corrupt stream)
 */
export function evolveReview(review: Review | null, event: TaskEvent): Review | null {
  if (event.type === 'RoutedToManual') {
    const { queue, dueBy } = event.data;
    const decided = review?.decided ?? null;
    return { ...FRESH, queue, dueBy, deadline: dueBy, decided };
  }
  if (!review) return null;
  switch (event.type) {
    case 'ReviewClaimed': {
      const { reviewer, leaseUntil } = event.data;
      return { ...review, claim: { reviewer, leaseUntil }, waitsForInfo: false };
    }
    case 'ReviewReleased':
      mustBeClaimed(review, event);
      return { ...review, claim: null };
    case 'ReviewDecided':
      mustBeClaimed(review, event);
      return decided(review, event.data);
    case 'ReviewOverdue':
      if (event.data.dueBy !== review.deadline) throw new Error('ReviewOverdue of another deadline');
      return overdue(review, event.data.escalatedTo);
    case 'ActionStarted':
      return { ...review, approved: null };
    default:
      return review;
  }
}

const FRESH = {
  overdue: false,
  claim: null,
  firstApproval: null,
  replacedApproval: null,
  waitsForInfo: false,
  approved: null,
} satisfies Partial<Review>;

function mustBeClaimed(
  { claim }: Review,
  { type, data }: { readonly type: string; readonly data: { readonly reviewer: string } },
): void {
  if (claim?.reviewer !== data.reviewer)
    throw new Error(`${type} by ${data.reviewer}, who has not claimed it`);
}

function decided(review: Review, data: ReviewDecided['data']): Review {
  const asksForMore = data.resolution === 'INFO_REQUESTED';
  const { firstApproval, replacedApproval } = review;
  const approvals = data.awaitsSecond
    ? { firstApproval: data, replacedApproval: firstApproval }
    : asksForMore
      ? { firstApproval, replacedApproval }
      : { firstApproval: null, replacedApproval: null };
  return {
    ...review,
    claim: null,
    decided: data,
    waitsForInfo: asksForMore,
    ...approvals,
    approved: data.awaitsSecond ? null : data.action,
  };
}

const overdue = (
  review: Review,
  next: { readonly queue: string; readonly dueBy: string } | null,
): Review => ({
  ...review,
  ...(next ?? {}),
  overdue: true,
  deadline: next?.dueBy ?? null,
});
