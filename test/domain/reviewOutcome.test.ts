import { describe, expect, it } from 'vitest';
import type { ActionOutcomeResolved, CaseEvent, CommandKey } from '../../src/domain/events.ts';
import { recordable } from '../../src/domain/recordable.ts';
import {
  caseAfter,
  executed,
  opened,
  permitted,
  policy,
  received,
  recommended,
  resolved,
  routed,
  started,
  taskId,
} from '../support/builders.ts';
import { approvedBy, claimed } from '../support/reviewBuilders.ts';
import {
  ann,
  bob,
  claimedByAnn,
  claiming,
  deciding,
  eventsOf,
  hashAfter,
  recording,
  story,
} from './reviewing.ts';
import { given, thrownBy } from './specification.ts';

const key = (request = 'request'): CommandKey => ({ keyHash: 'key', requestHash: request });
const routedAsUnknown = routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120);
/** Attempt 1 of task 1 is unknown, of a backend that does things twice, and ann has it. */
const unknown = [
  opened(),
  received(),
  recommended(),
  permitted(),
  started(1, 1, { idempotent: false }),
  executed('UNKNOWN'),
  routedAsUnknown,
  claimed(1, 'ann'),
];
/** What ann says of attempt 1, having seen these events. */
const word = (
  events: readonly CaseEvent[],
  result: 'SUCCEEDED' | 'FAILED',
  command: CommandKey | null = null,
): ActionOutcomeResolved =>
  resolved(result, 1, 1, {
    errorType: result === 'FAILED' ? 'REPORTED_BY_REVIEWER' : null,
    source: 'REVIEWER',
    review: {
      reviewer: 'ann',
      reasonCode: 'CHECKED_WITH_BACKEND',
      note: null,
      reviewedHash: hashAfter(events),
      command,
    },
  });
const taskAfter = (...events: readonly CaseEvent[]) => caseAfter(events).tasks.get(taskId());

describe('what a reviewer says of an attempt', () => {
  it.each(['SUCCEEDED', 'FAILED'] as const)('%s is recorded in the reviewer’s name', (result) =>
    given(...unknown)
      .when(recording(result))
      .thenEvents(word(unknown, result)),
  );
  it('SUCCEEDED completes the task, whose outcome stays', () => {
    const current = caseAfter(eventsOf(unknown, recording('SUCCEEDED')));
    expect(current).toMatchObject({ retryCount: 0, lastErrorType: null });
    expect(current.tasks.get(taskId())).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_FAILED' });
  });
  it('FAILED leaves it with the reviewer, who may have it done again, under the same id', () => {
    const failed = eventsOf(unknown, recording('FAILED'));
    expect(taskAfter(...failed)).toMatchObject({
      status: 'IN_REVIEW',
      review: { claim: { reviewer: 'ann' } },
    });
    given(...unknown)
      .when(deciding('APPROVED'))
      .thenRefused('OUTCOME_UNKNOWN', null);
    const again = eventsOf(failed, deciding('APPROVED'));
    expect(again.at(-1)).toMatchObject({ data: { attempt: 2, actionId: started().data.actionId } });
    expect(taskAfter(...again)).toMatchObject({ status: 'EXECUTING' });
  });
  it('is believed after a lookup that could not tell', () =>
    expect(
      story([...unknown, resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' })], recording('FAILED')).at(-1),
    ).toMatchObject({ data: { result: 'FAILED', source: 'REVIEWER' } }));
  it('SUCCEEDED is believed after FAILED, also one’s own; FAILED after nothing that is certain', () => {
    const failed = eventsOf(unknown, recording('FAILED'));
    expect(taskAfter(...eventsOf(failed, recording('SUCCEEDED')))?.status).toBe('COMPLETED');
    given(...failed)
      .when(recording('FAILED'))
      .thenRefused('INVALID_INPUT', 'attempt');
    given(...unknown, resolved('FAILED'))
      .when(recording('SUCCEEDED'))
      .thenRefused('INVALID_INPUT', 'attempt');
  });
  it('is of the attempt that it names', () => {
    const second = [
      ...unknown.slice(0, 4),
      started(),
      executed('UNKNOWN'),
      permitted(1, 2),
      started(1, 2),
      executed('UNKNOWN', 1, 2),
      routedAsUnknown,
      claimed(1, 'ann'),
    ];
    const { attempts } = taskAfter(...eventsOf(second, recording('FAILED', { attempt: 1 }))) ?? {};
    expect(attempts?.map((attempt) => attempt.resolved?.result ?? null)).toStrictEqual(['FAILED', null]);
  });
  it.each([0, -1, 1.5, 2])('is refused of an attempt %d that was not made', (attempt) =>
    given(...unknown)
      .when(recording('FAILED', { attempt }))
      .thenRefused('INVALID_INPUT', 'attempt'),
  );
  it('is refused of an attempt that nobody called unknown', () =>
    given(
      ...unknown.slice(0, 5),
      executed('FAILED'),
      routed(1, ['ACTION_FAILED'], 'failures', 120),
      claimed(1, 'ann'),
    )
      .when(recording('SUCCEEDED'))
      .thenRefused('INVALID_INPUT', 'attempt'));
  it('takes a claim of one’s own, that runs', () => {
    given(...unknown.slice(0, -1))
      .when(recording('FAILED'))
      .thenRefused('REVIEW_NOT_CLAIMED', null);
    given(...unknown)
      .when(recording('FAILED', {}, { by: bob }))
      .thenRefused('REVIEW_CLAIMED', null);
    given(...unknown)
      .when(recording('FAILED', {}, { using: { now: '2026-01-01T00:30:00.000Z' } }))
      .thenRefused('REVIEW_NOT_CLAIMED', null);
  });
  it('takes a reason of its own kind', () => {
    const error = thrownBy(() => recording('FAILED', { reasonCode: 'CONFIRMED' })(caseAfter(unknown)));
    expect(error).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'reasonCode',
      message: `must be one of ${policy.reviews.reasonCodes.OUTCOME_RECORDED.join(', ')}`,
    });
  });
  it('is said on what is there', () =>
    given(...unknown)
      .when(recording('FAILED', { reviewedHash: hashAfter(claimedByAnn) }))
      .thenRefused('REVIEW_STALE', null));
  it('is for tasks that wait for a person', () => {
    given(opened(), received(), recommended())
      .when(recording('FAILED'))
      .thenRefused('REVIEW_NOT_FOUND', 'taskId');
    given(...unknown, resolved('SUCCEEDED'))
      .when(recording('FAILED'))
      .thenRefused('REVIEW_NOT_OPEN', null);
  });
  it('is known again by its key, and refuses it with another request', () => {
    const events = eventsOf(unknown, recording('SUCCEEDED', {}, { command: key() }));
    expect(events.at(-1)).toStrictEqual(word(unknown, 'SUCCEEDED', key()));
    given(...events)
      .when(recording('SUCCEEDED', {}, { command: key() }))
      .thenRepeat();
    given(...events)
      .when(recording('FAILED', {}, { command: key('another') }))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key');
    given(...events)
      .when(claiming({ command: key('another') }))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key');
  });
});

describe('a late answer after a reviewer’s FAILED', () => {
  const late = (...events: readonly CaseEvent[]) => recordable(caseAfter(events), executed('SUCCEEDED'));
  const believed = resolved('SUCCEEDED', 1, 1, { errorType: null });
  const failed = eventsOf(unknown, recording('FAILED'));

  it('is believed where it says that it was done', () => {
    expect(late(...failed)).toStrictEqual(believed);
    expect(taskAfter(...failed, believed)).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_FAILED' });
  });
  it('says nothing new where it says FAILED, too', () =>
    expect(recordable(caseAfter(failed), executed('FAILED'))).toBeNull());
  it('is believed while the next attempt runs, whatever that one brings', () => {
    const again = eventsOf(failed, deciding('APPROVED'));
    expect(late(...again)).toStrictEqual(believed);
    for (const result of ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const)
      expect(taskAfter(...again, believed, executed(result, 1, 2))?.status).toBe('COMPLETED');
  });
  it('is recorded of a task that was rejected meanwhile, which stays so', () => {
    const rejected = eventsOf(failed, deciding('REJECTED', {}, { by: ann }));
    expect(late(...rejected)).toStrictEqual(believed);
    expect(taskAfter(...rejected, believed)?.status).toBe('REJECTED');
  });
  it('of an attempt in a reviewer’s name is believed as any', () => {
    const approved = [
      ...claimedByAnn.slice(0, -1),
      ...approvedBy('ann'),
      executed('UNKNOWN'),
      routedAsUnknown,
      claimed(1, 'ann'),
    ];
    const known = eventsOf(approved, recording('FAILED'));
    expect(late(...known)).toStrictEqual(believed);
    expect(taskAfter(...known, believed)).toMatchObject({ status: 'COMPLETED', outcome: 'MANUAL' });
  });
});
