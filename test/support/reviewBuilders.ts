import type {
  ActionStarted,
  CaseEvent,
  GuardrailEvaluated,
  OutcomeReview,
  ReviewClaimed,
  ReviewDecided,
  ReviewOverdue,
  ReviewReleased,
} from '../../src/domain/events.ts';
import { later, permitted, started, taskId } from './builders.ts';

const MINUTE = 60_000;

export const claimed = (
  n = 1,
  reviewer = 'rita',
  leaseUntil = later(30 * MINUTE),
  takenFrom: string | null = null,
): ReviewClaimed => ({
  type: 'ReviewClaimed',
  data: { taskId: taskId(n), reviewer, leaseUntil, takenFrom, command: null },
});

export const released = (n = 1, reviewer = 'rita'): ReviewReleased => ({
  type: 'ReviewReleased',
  data: { taskId: taskId(n), reviewer, command: null },
});

const ACTION = { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'PARTNER_API' };

/** A decision of rita's; APPROVED and EDITED take effect at once unless changes say otherwise. */
export const reviewed = (
  resolution: ReviewDecided['data']['resolution'],
  n = 1,
  changes: Partial<ReviewDecided['data']> = {},
): ReviewDecided => ({
  type: 'ReviewDecided',
  data: {
    taskId: taskId(n),
    reviewer: 'rita',
    resolution,
    reasonCode: 'CONFIRMED',
    note: null,
    reviewedHash: 'seen',
    reviewedRevision: 1,
    action: resolution === 'APPROVED' || resolution === 'EDITED' ? ACTION : null,
    overrides: [],
    awaitsSecond: false,
    command: null,
    ...changes,
  },
});

/** The deadline that `routed` names without more, or the one of an escalation, has passed. */
export const overdue = (
  n = 1,
  dueBy = later(480 * MINUTE),
  escalatedTo: ReviewOverdue['data']['escalatedTo'] = null,
  queue = 'operations',
): ReviewOverdue => ({
  type: 'ReviewOverdue',
  data: { taskId: taskId(n), queue, dueBy, escalatedTo },
});

/** What follows on a final approval, in the same append. */
export function startedFor(
  reviewer: string,
  n = 1,
  attempt = 1,
  changes: Partial<ActionStarted['data']> = {},
): [GuardrailEvaluated, ActionStarted] {
  const verdict = permitted(n, attempt);
  const authority = { kind: 'reviewer', reviewer, overrides: [] } as const;
  return [
    { ...verdict, data: { ...verdict.data, authority } },
    started(n, attempt, { authority: { kind: 'reviewer', reviewer }, ...changes }),
  ];
}

/** Claimed and approved by one person, and begun. */
export const approvedBy = (reviewer: string, n = 1, attempt = 1): CaseEvent[] => [
  claimed(n, reviewer),
  reviewed('APPROVED', n, { reviewer }),
  ...startedFor(reviewer, n, attempt),
];

/** A reviewer's word on what a backend did. */
export const outcomeReview = (reviewer: string): OutcomeReview => ({
  reviewer,
  reasonCode: 'CHECKED_WITH_BACKEND',
  note: null,
  reviewedHash: 'seen',
  command: null,
});
