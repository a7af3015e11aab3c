import type { CaseEvent, ReviewDecided } from '../../../src/domain/events.ts';

/** A wait for a person as the simulation understands it, apart from what the service makes of it. */
export type LedgerReview = {
  readonly queue: string;
  /** The deadline that has still to pass; null where none is left. */
  readonly deadline: string | null;
  /** Until when it is, or was, to be decided. */
  readonly dueBy: string;
  /** The newest claim that nobody has ended; its lease may be over. */
  readonly claim: { readonly reviewer: string; readonly leaseUntil: string } | null;
  /** An approval that waits for that of a second person. */
  readonly first: ReviewDecided['data'] | null;
};

/** The wait after one more event about its task. */
export function reviewAfter(before: LedgerReview | null, event: CaseEvent): LedgerReview | null {
  if (event.type === 'RoutedToManual') {
    const { queue, dueBy } = event.data;
    return { queue, dueBy, deadline: dueBy, claim: null, first: null };
  }
  if (!before) return null;
  switch (event.type) {
    case 'ReviewClaimed':
      return { ...before, claim: event.data };
    case 'ReviewReleased':
      return { ...before, claim: null };
    case 'ReviewDecided': {
      const { awaitsSecond, resolution } = event.data;
      const kept = resolution === 'INFO_REQUESTED' ? before.first : null;
      return { ...before, claim: null, first: awaitsSecond ? event.data : kept };
    }
    case 'ReviewOverdue': {
      const next = event.data.escalatedTo;
      return { ...before, queue: next?.queue ?? before.queue, ...deadlineOf(before, next) };
    }
    default:
      return before;
  }
}

const deadlineOf = (
  { dueBy }: LedgerReview,
  next: { readonly dueBy: string } | null,
): Pick<LedgerReview, 'dueBy' | 'deadline'> => ({
  dueBy: next?.dueBy ?? dueBy,
  deadline: next?.dueBy ?? null,
});

/** Whether a claim holds at a time, as ISO 8601. */
export const claimHolds = ({ claim }: LedgerReview, at: string): boolean =>
  claim !== null && at < claim.leaseUntil;
