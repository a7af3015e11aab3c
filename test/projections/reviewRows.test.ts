import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { type ReviewRow, reviewStatus, reviewsProjection } from '../../src/projections/reviews.ts';
import {
  CASE,
  cancelled,
  executed,
  later,
  permitted,
  received,
  recommended,
  resolved,
  routed,
  started,
  taskId,
} from '../support/builders.ts';
import {
  approvedBy,
  claimed,
  outcomeReview,
  overdue,
  released,
  reviewed,
} from '../support/reviewBuilders.ts';
import { rowAfter } from './foldRows.ts';

const MINUTE = 60_000;
const unknown = [received(), recommended(), permitted(), started(), executed('UNKNOWN')];
const inReview = [...unknown, routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120)];
const failed = [
  received(),
  recommended(),
  permitted(),
  started(),
  executed('FAILED'),
  routed(1, ['ACTION_FAILED'], 'failures', 120),
];
const DUE = later(120 * MINUTE);
const LEASE = later(30 * MINUTE);
const firstApproval = reviewed('APPROVED', 1, { awaitsSecond: true });
const approvedAgain = [...failed, ...approvedBy('raj', 1, 2)];
const failedAgain = [...approvedAgain, executed('FAILED', 1, 2), routed(1, ['ACTION_FAILED'], 'last', 240)];

const row = (...events: readonly CaseEvent[]): ReviewRow => {
  const found = rowAfter(reviewsProjection, ...events);
  if (!found) throw new Error('there is no row');
  return found;
};

describe('the row of a review', () => {
  it.each<[string, readonly CaseEvent[], ReviewRow['state']]>([
    ['is none before the task is routed', unknown, 'NONE'],
    ['is none where a late success came before', [...unknown, resolved('SUCCEEDED')], 'NONE'],
    ['is none where the task was cancelled before', [...unknown, cancelled()], 'NONE'],
    ['is open from then on', inReview, 'OPEN'],
    ['stays open after a late failure', [...inReview, resolved('FAILED')], 'OPEN'],
    ['stays open after a lookup in vain', [...inReview, resolved('UNKNOWN')], 'OPEN'],
    ['is closed by a late success', [...inReview, resolved('SUCCEEDED')], 'CLOSED'],
    ['is closed with the case', [...inReview, cancelled()], 'CLOSED'],
    ['stays open while somebody has it', [...inReview, claimed()], 'OPEN'],
    ['stays open when more must be known', [...inReview, claimed(), reviewed('INFO_REQUESTED')], 'OPEN'],
    ['stays open while a second person is needed', [...inReview, claimed(), firstApproval], 'OPEN'],
    ['stays open when it is overdue', [...inReview, overdue(1, DUE)], 'OPEN'],
    ['is closed when it is rejected', [...inReview, claimed(), reviewed('REJECTED')], 'CLOSED'],
    [
      'is closed when it is approved, before anything is begun',
      [...failed, claimed(), reviewed('APPROVED')],
      'CLOSED',
    ],
    ['is closed when another action is approved', [...failed, claimed(), reviewed('EDITED')], 'CLOSED'],
    ['is closed while what was approved is attempted', approvedAgain, 'CLOSED'],
    ['is open again when that has failed', failedAgain, 'OPEN'],
    ['is closed when that has worked', [...approvedAgain, executed('SUCCEEDED', 1, 2)], 'CLOSED'],
  ])('%s', (_, events, expected) => {
    expect(row(...events).state).toBe(expected);
  });

  it('holds what a list shows when it is opened', () => {
    expect(row(...inReview)).toStrictEqual({
      task_id: taskId(),
      case_id: CASE,
      state: 'OPEN',
      intent: 'RETRY_EXTERNAL_CALL',
      risk_score: 0.1,
      confidence: 0.95,
      queue: 'failures',
      queues: ['failures'],
      codes: ['ACTION_OUTCOME_UNKNOWN'],
      due_by: DUE,
      overdue: false,
      routed_at: later(6),
      routed_position: 6,
      assignee: null,
      lease_until: null,
      waiting_for_info: false,
      first_approver: null,
      resolution: null,
      reviewer: null,
      reason_code: null,
      submitted_by: 'test',
      channel: 'SYSTEM',
      user_role: 'OPS',
      updated_at: later(6),
      position: 6,
    });
  });

  it.each<[string, readonly CaseEvent[], Partial<ReviewRow>]>([
    ['a claim', [claimed()], { assignee: 'rita', lease_until: LEASE }],
    [
      'a renewal',
      [claimed(), claimed(1, 'rita', later(60 * MINUTE))],
      { assignee: 'rita', lease_until: later(60 * MINUTE) },
    ],
    ['a takeover', [claimed(), claimed(1, 'boss', LEASE, 'rita')], { assignee: 'boss', lease_until: LEASE }],
    ['a release', [claimed(), released()], { assignee: null, lease_until: null }],
    [
      'a question',
      [claimed(), reviewed('INFO_REQUESTED', 1, { reasonCode: 'MORE' })],
      {
        assignee: null,
        lease_until: null,
        waiting_for_info: true,
        resolution: 'INFO_REQUESTED',
        reviewer: 'rita',
        reason_code: 'MORE',
      },
    ],
    [
      'whoever claims it after a question',
      [claimed(), reviewed('INFO_REQUESTED'), claimed(1, 'raj')],
      { assignee: 'raj', waiting_for_info: false, resolution: 'INFO_REQUESTED', reviewer: 'rita' },
    ],
    [
      'the first of two approvals',
      [claimed(), firstApproval],
      { assignee: null, first_approver: 'rita', resolution: 'APPROVED', waiting_for_info: false },
    ],
    [
      'a question after the first of two approvals',
      [claimed(), firstApproval, claimed(1, 'raj'), reviewed('INFO_REQUESTED', 1, { reviewer: 'raj' })],
      { first_approver: 'rita', waiting_for_info: true, reviewer: 'raj' },
    ],
    [
      'a new first approval where the one before has lapsed',
      [
        claimed(),
        firstApproval,
        claimed(1, 'raj'),
        reviewed('EDITED', 1, { reviewer: 'raj', awaitsSecond: true }),
      ],
      { first_approver: 'raj', resolution: 'EDITED' },
    ],
    [
      'the second approval',
      [claimed(), firstApproval, claimed(1, 'raj'), reviewed('APPROVED', 1, { reviewer: 'raj' })],
      { state: 'CLOSED', assignee: null, first_approver: null, resolution: 'APPROVED', reviewer: 'raj' },
    ],
    ['a deadline that passes', [overdue(1, DUE)], { overdue: true, queue: 'failures', due_by: DUE }],
    [
      'an escalation, which keeps the claim',
      [claimed(), overdue(1, DUE, { queue: 'bosses', dueBy: later(180 * MINUTE) })],
      {
        overdue: true,
        queue: 'bosses',
        queues: ['failures', 'bosses'],
        due_by: later(180 * MINUTE),
        assignee: 'rita',
        routed_position: 6,
      },
    ],
    [
      'a rejection',
      [claimed(), reviewed('REJECTED', 1, { reasonCode: 'NOT_JUSTIFIED' })],
      { assignee: null, resolution: 'REJECTED', reviewer: 'rita', reason_code: 'NOT_JUSTIFIED' },
    ],
    [
      'a reviewer’s word that it was done',
      [claimed(), resolved('SUCCEEDED', 1, 1, { source: 'REVIEWER', review: outcomeReview('rita') })],
      {
        state: 'CLOSED',
        assignee: null,
        resolution: 'OUTCOME_RECORDED',
        reviewer: 'rita',
        reason_code: 'CHECKED_WITH_BACKEND',
      },
    ],
    [
      'a reviewer’s word that it was not done, who keeps it',
      [claimed(), resolved('FAILED', 1, 1, { source: 'REVIEWER', review: outcomeReview('rita') })],
      { state: 'OPEN', assignee: 'rita', resolution: 'OUTCOME_RECORDED' },
    ],
    [
      'the end of the case',
      [claimed(), cancelled()],
      { assignee: null, lease_until: null, resolution: null },
    ],
  ])('changes with %s', (_, events, expected) => {
    const last = inReview.length + events.length;
    expect(row(...inReview, ...events)).toMatchObject({
      ...expected,
      updated_at: later(last),
      position: last,
    });
  });

  it('begins anew when the task is routed again, and remembers what was decided and where it was', () => {
    const before = [...failed, overdue(1, DUE, { queue: 'bosses', dueBy: later(180 * MINUTE) })];
    const again = row(
      ...before,
      ...approvedBy('raj', 1, 2),
      executed('FAILED', 1, 2),
      routed(1, ['ACTION_FAILED'], 'failures', 240),
    );
    expect(again).toMatchObject({
      state: 'OPEN',
      queue: 'failures',
      queues: ['failures', 'bosses'],
      due_by: later(240 * MINUTE),
      overdue: false,
      assignee: null,
      first_approver: null,
      waiting_for_info: false,
      resolution: 'APPROVED',
      reviewer: 'raj',
      routed_position: 13,
      position: 13,
    });
  });

  it.each<[string, readonly CaseEvent[]]>([
    ['an attempt', [permitted(1, 2), started(1, 2), executed('SUCCEEDED', 1, 2)]],
    ['a lookup in vain', [resolved('UNKNOWN')]],
    ['a late failure', [resolved('FAILED')]],
  ])('stays as it is, position and all, with what says nothing of it: %s', (_, events) => {
    expect(row(...inReview, ...events)).toStrictEqual(row(...inReview));
  });
});

describe('the status of a review', () => {
  const before = later(30 * MINUTE - 1);
  const asked = [...inReview, claimed(), reviewed('INFO_REQUESTED')];
  it.each<[string, readonly CaseEvent[], string, string]>([
    ['free', inReview, before, 'OPEN'],
    ['claimed', [...inReview, claimed()], before, 'CLAIMED'],
    ['claimed, at the end of the lease', [...inReview, claimed()], LEASE, 'OPEN'],
    ['asked about', asked, before, 'WAITING_FOR_INFO'],
    ['asked about, then claimed', [...asked, claimed()], before, 'CLAIMED'],
    ['asked about, then claimed for too long', [...asked, claimed()], LEASE, 'OPEN'],
    ['approved by one', [...inReview, claimed(), firstApproval], before, 'AWAITING_SECOND'],
    [
      'approved by one, claimed by another',
      [...inReview, claimed(), firstApproval, claimed(1, 'raj')],
      before,
      'CLAIMED',
    ],
    [
      'approved by one, asked about by another',
      [
        ...inReview,
        claimed(),
        firstApproval,
        claimed(1, 'raj'),
        reviewed('INFO_REQUESTED', 1, { reviewer: 'raj' }),
      ],
      before,
      'WAITING_FOR_INFO',
    ],
    ['closed', [...inReview, claimed(), reviewed('REJECTED')], before, 'CLOSED'],
  ])('%s', (_, events, now, expected) => {
    expect(reviewStatus(row(...events), now)).toBe(expected);
  });
});
