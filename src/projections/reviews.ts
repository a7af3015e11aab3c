import {
  type CaseEvent,
  isTaskEvent,
  type Recorded,
  type ReviewDecided,
  type RoutedToManual,
} from '../domain/events.ts';
import { caseIdOfStream } from '../domain/identifiers.ts';
import type { ReasonedBy } from '../domain/reviewRules.ts';
import { existing, type Projection } from './projection.ts';

export type ReviewRow = {
  readonly task_id: string;
  readonly case_id: string;
  /** NONE until the task is routed to manual, then OPEN until somebody or something ends it; OPEN again when it is routed anew. */
  readonly state: 'NONE' | 'OPEN' | 'CLOSED';
  readonly intent: string | null;
  readonly risk_score: number | null;
  readonly confidence: number | null;
  readonly queue: string | null;
  /** Every queue that it has waited in, in that order: whoever watches one of them is told when it leaves. */
  readonly queues: readonly string[];
  readonly codes: readonly string[];
  /** Until when it is to be decided; when that has passed and nothing follows, the time that has passed. */
  readonly due_by: string | null;
  /** Whether a deadline has passed without a decision since it was routed. */
  readonly overdue: boolean;
  readonly routed_at: string | null;
  readonly routed_position: number | null;
  /** Who has claimed it, for as long as the lease runs. */
  readonly assignee: string | null;
  readonly lease_until: string | null;
  readonly waiting_for_info: boolean;
  /** Who has approved it and waits for a second person to do the same. */
  readonly first_approver: string | null;
  /** What a reviewer decided last, who that was, and the reason given. */
  readonly resolution: ReasonedBy | null;
  readonly reviewer: string | null;
  readonly reason_code: string | null;
  /** Who submitted the task. */
  readonly submitted_by: string;
  readonly channel: string;
  readonly user_role: string;
  /** Time and position of the newest event that changed this row. */
  readonly updated_at: string;
  readonly position: number;
};

/** The manual queue, one row a task. */
export const reviewsProjection: Projection<ReviewRow> = {
  table: 'reviews',
  key: 'task_id',
  columns: {
    task_id: 'text',
    case_id: 'text',
    state: 'text',
    intent: 'text',
    risk_score: 'double precision',
    confidence: 'double precision',
    queue: 'text',
    queues: 'jsonb',
    codes: 'jsonb',
    due_by: 'text',
    overdue: 'boolean',
    routed_at: 'text',
    routed_position: 'bigint',
    assignee: 'text',
    lease_until: 'text',
    waiting_for_info: 'boolean',
    first_approver: 'text',
    resolution: 'text',
    reviewer: 'text',
    reason_code: 'text',
    submitted_by: 'text',
    channel: 'text',
    user_role: 'text',
    updated_at: 'text',
    position: 'bigint',
  },
  indexes: [
    'state, due_by, routed_position',
    'state, queue, due_by, routed_position',
    'state, routed_position',
    'state, queue, routed_position',
    'state, intent, routed_position',
  ],
  keyOf: (event) => (isTaskEvent(event) ? event.data.taskId : null),
  evolve: (row, event) => {
    if (event.type === 'TaskReceived') return received(event);
    const before = existing(row, event);
    const after = changed(before, event);
    if (after === before) return before;
    return { ...after, updated_at: event.metadata.recordedAt, position: Number(event.position) };
  },
};

/** Nobody has claimed it. */
const UNCLAIMED = { assignee: null, lease_until: null } as const;
/** Nobody waits for anything, nobody has begun. */
const FRESH = { ...UNCLAIMED, waiting_for_info: false, first_approver: null } as const;

function received(event: Recorded<Extract<CaseEvent, { type: 'TaskReceived' }>>): ReviewRow {
  const { taskId, channel, userRole } = event.data;
  return {
    task_id: taskId,
    case_id: caseIdOfStream(event.stream) ?? '',
    state: 'NONE',
    intent: null,
    risk_score: null,
    confidence: null,
    queue: null,
    queues: [],
    codes: [],
    due_by: null,
    overdue: false,
    routed_at: null,
    routed_position: null,
    ...FRESH,
    resolution: null,
    reviewer: null,
    reason_code: null,
    submitted_by: event.metadata.actor.id,
    channel,
    user_role: userRole,
    updated_at: event.metadata.recordedAt,
    position: Number(event.position),
  };
}

/** The same row, and not a copy of it, where the event says nothing of the review. */
function changed(row: ReviewRow, event: Recorded<CaseEvent>): ReviewRow {
  switch (event.type) {
    case 'DecisionRecommended': {
      const { intent, riskScore, confidence } = event.data.decision;
      return { ...row, intent, risk_score: riskScore, confidence };
    }
    case 'RoutedToManual':
      return routed(row, event);
    case 'ReviewClaimed': {
      const { reviewer, leaseUntil } = event.data;
      return { ...row, assignee: reviewer, lease_until: leaseUntil, waiting_for_info: false };
    }
    case 'ReviewReleased':
      return { ...row, ...UNCLAIMED };
    case 'ReviewDecided':
      return decided(row, event.data);
    case 'ReviewOverdue': {
      const { escalatedTo } = event.data;
      const overdue = { ...row, overdue: true };
      return escalatedTo ? { ...waitingIn(overdue, escalatedTo.queue), due_by: escalatedTo.dueBy } : overdue;
    }
    case 'ActionOutcomeResolved': {
      const { review, result } = event.data;
      const said = review ? { ...row, ...wordOf('OUTCOME_RECORDED', review) } : row;
      return result === 'SUCCEEDED' ? ended(said) : said;
    }
    case 'TaskCancelled':
      return ended(row);
    default:
      return row;
  }
}

function routed(row: ReviewRow, event: Recorded<RoutedToManual>): ReviewRow {
  const { queue, codes, dueBy } = event.data;
  return {
    ...waitingIn(row, queue),
    ...FRESH,
    state: 'OPEN',
    codes,
    due_by: dueBy,
    overdue: false,
    routed_at: event.metadata.recordedAt,
    routed_position: Number(event.position),
  };
}

const waitingIn = (row: ReviewRow, queue: string): ReviewRow => ({
  ...row,
  queue,
  queues: row.queues.includes(queue) ? row.queues : [...row.queues, queue],
});

function decided(row: ReviewRow, decision: ReviewDecided['data']): ReviewRow {
  const { resolution, reviewer, awaitsSecond } = decision;
  const after = { ...row, ...UNCLAIMED, ...wordOf(resolution, decision), waiting_for_info: false };
  if (resolution === 'INFO_REQUESTED') return { ...after, waiting_for_info: true };
  return awaitsSecond ? { ...after, first_approver: reviewer } : ended(after);
}

const wordOf = (
  resolution: ReasonedBy,
  { reviewer, reasonCode }: { readonly reviewer: string; readonly reasonCode: string },
): Pick<ReviewRow, 'resolution' | 'reviewer' | 'reason_code'> => ({
  resolution,
  reviewer,
  reason_code: reasonCode,
});

/** Nobody needs to look at it any more. */
const ended = (row: ReviewRow): ReviewRow =>
  row.state === 'OPEN' ? { ...row, ...FRESH, state: 'CLOSED' } : row;

/** Where an open review stands, or that it is closed. */
export const REVIEW_STATUSES = ['OPEN', 'CLAIMED', 'WAITING_FOR_INFO', 'AWAITING_SECOND', 'CLOSED'] as const;
export type ReviewStatus = (typeof REVIEW_STATUSES)[number];

/** Whether the lease of whoever has claimed it runs at a time (ISO 8601). */
export const isClaimed = ({ lease_until }: ReviewRow, now: string): boolean =>
  lease_until !== null && now < lease_until;

/**
 * Where a review that was routed stands at a time: a claim comes first, then that information is waited for, then that one of
 * two persons has approved it; OPEN when it is free for anybody. A lease that runs out changes it without an event.
 *
 * @param now ISO 8601
 */
export function reviewStatus(row: ReviewRow, now: string): ReviewStatus {
  if (row.state === 'CLOSED') return 'CLOSED';
  if (isClaimed(row, now)) return 'CLAIMED';
  if (row.waiting_for_info) return 'WAITING_FOR_INFO';
  return row.first_approver === null ? 'OPEN' : 'AWAITING_SECOND';
}
