import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../../src/domain/attempts.ts';
import type { Case } from '../../src/domain/case.ts';
import { type CaseEvent, isTaskEvent } from '../../src/domain/events.ts';
import type { Task } from '../../src/domain/task.ts';
import { auditProjection } from '../../src/projections/audit.ts';
import { casesProjection } from '../../src/projections/cases.ts';
import type { Projection, Row } from '../../src/projections/projection.ts';
import { READ_MODELS } from '../../src/projections/readModels.ts';
import { reviewsProjection } from '../../src/projections/reviews.ts';
import { tasksProjection } from '../../src/projections/tasks.ts';
import { streams } from '../support/arbitraries.ts';
import {
  AT,
  CASE,
  cancelled,
  caseAfter,
  executed,
  later,
  permitted,
  place,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  taskId,
} from '../support/builders.ts';
import { approvedBy, claimed, overdue, reviewed } from '../support/reviewBuilders.ts';
import { rowAfter, rowsAfter } from './foldRows.ts';

const executing = [received(), recommended(1, { retryStrategy: 'BACKOFF' }), permitted(), started()];
const unknown = [...executing, executed('UNKNOWN')];
const scheduled = [...unknown, retryScheduled(1, 2, { dueAt: later(9_000) })];
const inReview = [...unknown, routed(1, ['ACTION_OUTCOME_UNKNOWN'])];
const failedReview = [...executing, executed('FAILED'), routed(1, ['ACTION_FAILED'])];
const firstApproval = reviewed('APPROVED', 1, { awaitsSecond: true });
/** The deadline of `routed`, and one of an escalation. */
const DUE = later(480 * 60_000);
const ESCALATED = { queue: 'supervisors', dueBy: later(600 * 60_000) };

describe('the row of a task', () => {
  const row = (...events: readonly CaseEvent[]) => rowAfter(tasksProjection, ...events);

  it('holds everything that a list of tasks shows', () => {
    expect(row(...scheduled, resolved('FAILED'))).toStrictEqual({
      task_id: taskId(),
      case_id: CASE,
      status: 'RETRY_SCHEDULED',
      outcome: null,
      attempts: 1,
      succeeded: false,
      due_at: later(9_000),
      channel: 'SYSTEM',
      user_role: 'OPS',
      intent: 'RETRY_EXTERNAL_CALL',
      route_target: 'PARTNER_API',
      confidence: 0.95,
      reason_code: 'TRANSIENT_TIMEOUT_PATTERN',
      decision_source: 'model',
      shadow_policy: null,
      shadow_difference: null,
      received_at: later(1),
      updated_at: later(7),
      revision: 7,
      position: 7,
      received_position: 1,
    });
  });
  it.each<[string, readonly CaseEvent[], string | null]>([
    ['before any pause', unknown, null],
    ['while a retry is scheduled', scheduled, later(9_000)],
    ['after a second pause', [...scheduled, retryScheduled(1, 2, { dueAt: later(20_000) })], later(20_000)],
    ['while what is due is judged', [...scheduled, permitted(1, 2)], later(9_000)],
    ['when it was started', [...scheduled, permitted(1, 2), started(1, 2)], null],
    ['until when a person is to decide', [...scheduled, routed(1, ['X'])], DUE],
    ['while somebody has claimed it', [...inReview, claimed()], DUE],
    ['while a second person is waited for', [...inReview, claimed(), firstApproval], DUE],
    ['when a deadline has passed that nothing follows', [...inReview, overdue()], null],
    ['when it was escalated', [...inReview, overdue(1, DUE, ESCALATED)], ESCALATED.dueBy],
    [
      'when that has passed as well',
      [...inReview, overdue(1, DUE, ESCALATED), overdue(1, ESCALATED.dueBy, null, ESCALATED.queue)],
      null,
    ],
    ['when it is rejected', [...inReview, claimed(), reviewed('REJECTED')], null],
    ['when it is begun in a reviewer’s name', [...failedReview, ...approvedBy('rita', 1, 2)], null],
    [
      'when a person has it again',
      [...failedReview, ...approvedBy('rita', 1, 2), executed('FAILED', 1, 2), routed(1, ['Y'], 'q', 7)],
      later(7 * 60_000),
    ],
    ['when it is cancelled', [...scheduled, cancelled()], null],
    ['when a late answer has ended it', [...scheduled, resolved('SUCCEEDED')], null],
    ['while its first attempt waits', [received(), recommended(), retryScheduled(1, 1)], later(2_000)],
  ])('says when something is due: %s', (_, events, due) => {
    expect(row(...events)?.due_at).toBe(due);
  });
  it.each<[string, readonly CaseEvent[], boolean]>([
    ['while it is open', executing, false],
    ['when it is unknown', unknown, false],
    ['when it has succeeded', [...executing, executed('SUCCEEDED')], true],
    ['when that is known later', [...unknown, resolved('SUCCEEDED')], true],
    ['when that is known while a person has it', [...inReview, resolved('SUCCEEDED')], true],
    ['when that is known after it was cancelled', [...inReview, cancelled(), resolved('SUCCEEDED')], true],
    [
      'when another attempt is open',
      [...unknown, permitted(1, 2), started(1, 2), resolved('SUCCEEDED')],
      true,
    ],
    ['when a lookup could not tell', [...unknown, resolved('UNKNOWN')], false],
    ['when a late answer says no', [...unknown, resolved('FAILED')], false],
  ])('says whether an attempt has done it: %s', (_, events, succeeded) => {
    expect(row(...events)?.succeeded).toBe(succeeded);
  });
  it('counts attempts, not pauses', () => {
    expect(row(...scheduled, permitted(1, 2), started(1, 2), executed('FAILED', 1, 2))?.attempts).toBe(2);
  });
});

describe('the entry of the audit log', () => {
  const row = (...events: readonly CaseEvent[]) => rowAfter(auditProjection, ...events);
  it('is settled by the late answer that ends the task', () => {
    expect(row(...unknown, resolved('SUCCEEDED'))).toStrictEqual({
      task_id: taskId(),
      case_id: CASE,
      actor_id: 'test',
      status: 'COMPLETED',
      attempts: 1,
      succeeded: true,
      intent: 'RETRY_EXTERNAL_CALL',
      route_target: 'PARTNER_API',
      confidence: 0.95,
      outcome: 'AUTO_SUCCESS',
      event_id: place(6).id,
      settled_at: later(6),
      settled_position: 6,
    });
  });
  it('is settled once: a late success after that changes neither outcome nor event nor time', () => {
    const settled = {
      outcome: 'AUTO_FAILED',
      event_id: place(6).id,
      settled_at: later(6),
      settled_position: 6,
    };
    expect(row(...inReview)).toMatchObject({ ...settled, status: 'IN_REVIEW', succeeded: false });
    expect(row(...inReview, resolved('SUCCEEDED'))).toMatchObject({
      ...settled,
      status: 'COMPLETED',
      succeeded: true,
    });
  });
  it('is none while a retry is scheduled', () => {
    expect(row(...scheduled)).toMatchObject({ outcome: null, event_id: null, settled_at: null });
  });
});

const reviewState = ({ manual, status }: Task): string =>
  manual === null ? 'NONE' : status === 'IN_REVIEW' ? 'OPEN' : 'CLOSED';

function checkTask(task: Task, events: readonly CaseEvent[]): void {
  const { status, outcome, attempts, retry, revision, receivedAt } = task;
  const [row, audit, review] = [tasksProjection, auditProjection, reviewsProjection].map((model) =>
    rowsAfter(model as unknown as Projection, events).get(task.taskId),
  );
  const succeeded = attempts.some((attempt) => resultOf(attempt) === 'SUCCEEDED');
  const standing = { status, outcome, attempts: attempts.length, succeeded };
  expect(row).toMatchObject({
    ...standing,
    due_at:
      status === 'RETRY_SCHEDULED' ? retry?.dueAt : status === 'IN_REVIEW' ? task.review?.deadline : null,
    decision_source: task.decisionSource,
    reason_code: task.decision?.reasonCode ?? null,
    revision,
  });
  expect(receivedAt).toBe(AT);
  expect(audit).toMatchObject(standing);
  expect(audit?.event_id === null).toBe(outcome === null);
  checkReview(task, review, events);
}

function checkReview(task: Task, row: Row | undefined, events: readonly CaseEvent[]): void {
  const { review, decision, manual } = task;
  const open = task.status === 'IN_REVIEW' ? review : null;
  expect(row).toMatchObject({
    state: reviewState(task),
    intent: decision?.intent ?? null,
    risk_score: decision?.riskScore ?? null,
    confidence: decision?.confidence ?? null,
    queue: review?.queue ?? null,
    codes: manual?.codes ?? [],
    due_by: review?.dueBy ?? null,
    overdue: review?.overdue ?? false,
    assignee: open?.claim?.reviewer ?? null,
    lease_until: open?.claim?.leaseUntil ?? null,
    waiting_for_info: open?.waitsForInfo ?? false,
    first_approver: open?.firstApproval?.reviewer ?? null,
    ...lastWord(task.taskId, events),
  });
}

/** What a reviewer said last of a task. */
function lastWord(taskId: string, events: readonly CaseEvent[]): Row {
  const words = events.flatMap((event) => {
    if (!isTaskEvent(event) || event.data.taskId !== taskId) return [];
    if (event.type === 'ReviewDecided') return [event.data];
    const review = event.type === 'ActionOutcomeResolved' ? event.data.review : null;
    return review ? [{ ...review, resolution: 'OUTCOME_RECORDED' }] : [];
  });
  const last = words.at(-1);
  return {
    resolution: last?.resolution ?? null,
    reviewer: last?.reviewer ?? null,
    reason_code: last?.reasonCode ?? null,
  };
}

/** What this test is about must come up in it. */
const facetsOf = ({ status, review }: Task): string[] => {
  if (!review) return [];
  const { claim, firstApproval, waitsForInfo, overdue: isOverdue, deadline, decided } = review;
  const isOpen = status === 'IN_REVIEW';
  return [
    ...(isOpen && claim ? ['claimed'] : []),
    ...(isOpen && firstApproval ? ['approved by one'] : []),
    ...(isOpen && waitsForInfo ? ['asked about'] : []),
    ...(isOpen && isOverdue ? [deadline ? 'escalated' : 'overdue'] : []),
    ...(decided ? [`${decided.resolution} ${status}`] : []),
  ];
};

const FACETS = [
  'claimed',
  'approved by one',
  'asked about',
  'escalated',
  'overdue',
  'REJECTED REJECTED',
  'APPROVED EXECUTING',
  'EDITED EXECUTING',
  'APPROVED IN_REVIEW',
];

describe('read models', () => {
  it('tell what the fold of the stream tells, for every stream that can be', () => {
    const facets = new Map<string, number>();
    fc.assert(
      fc.property(streams, (events) => {
        const current: Case = caseAfter(events);
        expect(rowsAfter(casesProjection, events).get(CASE)).toMatchObject({
          state: current.state,
          retry_count: current.retryCount,
          last_error_type: current.lastErrorType,
          revision: current.revision,
        });
        for (const task of current.tasks.values()) {
          checkTask(task, events);
          for (const facet of facetsOf(task)) facets.set(facet, (facets.get(facet) ?? 0) + 1);
        }
        const tasks = new Set(events.flatMap((event) => (isTaskEvent(event) ? [event.data.taskId] : [])));
        for (const model of [tasksProjection, auditProjection, reviewsProjection])
          expect(new Set(rowsAfter(model as unknown as Projection, events).keys())).toStrictEqual(tasks);
      }),
      { numRuns: 200, seed: 4740 },
    );
    expect([...facets.keys()]).toEqual(expect.arrayContaining(FACETS));
  });
  it('hold in every row exactly the columns that they declare', () => {
    fc.assert(
      fc.property(streams, (events) => {
        for (const model of READ_MODELS)
          for (const row of rowsAfter(model, events).values())
            expect(Object.keys(row).toSorted()).toStrictEqual(Object.keys(model.columns).toSorted());
      }),
      { numRuns: 50, seed: 4741 },
    );
  });
});
