import { describe, expect, it } from 'vitest';
import { consequences } from '../../src/domain/consequences.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import { nextStep } from '../../src/domain/nextStep.ts';
import { recordable } from '../../src/domain/recordable.ts';
import type { Outcome, TaskStatus } from '../../src/domain/vocabulary.ts';
import {
  AT,
  cancelled,
  caseAfter,
  context,
  executed,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  stateChanged,
  taskId,
} from '../support/builders.ts';
import { given } from './specification.ts';
import { blind } from './stages.ts';

const unknown = [
  opened({ retryCount: 0 }),
  received(),
  recommended(1, { retryStrategy: 'BACKOFF' }),
  permitted(),
  started(),
  executed('UNKNOWN'),
];
const second = [permitted(1, 2), started(1, 2)];
const third = [permitted(1, 3), started(1, 3)];
const inReview = [...unknown, routed(1, ['ACTION_OUTCOME_UNKNOWN'])];

type Standing = readonly [TaskStatus, Outcome | null];

/** Where the task stood, then where it stands after a late SUCCEEDED and after a late FAILED of its first attempt. */
const LATE: readonly (readonly [string, readonly CaseEvent[], Standing, Standing, Standing])[] = [
  [
    'while it is unknown',
    unknown,
    ['OUTCOME_UNKNOWN', null],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['DECIDED', null],
  ],
  [
    'after a lookup in vain',
    [...unknown, resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' })],
    ['OUTCOME_UNKNOWN', null],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['DECIDED', null],
  ],
  [
    'while a later attempt is unknown: that one alone decides on FAILED',
    [...unknown, ...second, executed('UNKNOWN', 1, 2)],
    ['OUTCOME_UNKNOWN', null],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['OUTCOME_UNKNOWN', null],
  ],
  [
    'after a later attempt has failed',
    [...unknown, ...second, executed('FAILED', 1, 2)],
    ['DECIDED', null],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['DECIDED', null],
  ],
  [
    'while a later attempt is open: its result is awaited first',
    [...unknown, ...second],
    ['EXECUTING', null],
    ['EXECUTING', null],
    ['EXECUTING', null],
  ],
  [
    'while a retry is scheduled',
    [...unknown, retryScheduled(1, 2, { reason: 'ATTEMPT_UNKNOWN' })],
    ['RETRY_SCHEDULED', null],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['RETRY_SCHEDULED', null],
  ],
  [
    'while a person has it: nothing is left to do, but its outcome is settled once',
    inReview,
    ['IN_REVIEW', 'AUTO_FAILED'],
    ['COMPLETED', 'AUTO_FAILED'],
    ['IN_REVIEW', 'AUTO_FAILED'],
  ],
  [
    'after a later attempt has succeeded',
    [...unknown, ...second, executed('SUCCEEDED', 1, 2)],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['COMPLETED', 'AUTO_SUCCESS'],
    ['COMPLETED', 'AUTO_SUCCESS'],
  ],
  [
    'after it was cancelled',
    [...unknown, cancelled()],
    ['CANCELLED', null],
    ['CANCELLED', null],
    ['CANCELLED', null],
  ],
  [
    'after it was cancelled while a person had it',
    [...inReview, cancelled()],
    ['CANCELLED', 'AUTO_FAILED'],
    ['CANCELLED', 'AUTO_FAILED'],
    ['CANCELLED', 'AUTO_FAILED'],
  ],
];

const standing = (events: readonly CaseEvent[]): Standing => {
  const task = caseAfter(events).tasks.get(taskId());
  if (!task) throw new Error('no task');
  return [task.status, task.outcome];
};

describe('a late answer to the first attempt of a task', () => {
  it.each(LATE)('%s', (_, events, before, afterSuccess, afterFailure) => {
    expect(standing(events)).toStrictEqual(before);
    expect(standing([...events, resolved('SUCCEEDED')])).toStrictEqual(afterSuccess);
    expect(standing([...events, resolved('FAILED')])).toStrictEqual(afterFailure);
  });

  it.each(LATE)('leads to no new attempt when it says SUCCEEDED, %s', (_, events) => {
    const late = recordable(caseAfter(events), executed('SUCCEEDED'));
    if (!late) throw new Error('it is not recorded');
    given(...events)
      .whenBrought([late], { now: retryScheduled().data.dueAt })
      .thenEvents(resolved('SUCCEEDED'));
    const after = caseAfter([...events, resolved('SUCCEEDED')]);
    expect(['nothing', 'await']).toContain(nextStep(after, taskId(), AT).kind);
  });

  it.each(['FAILED', 'UNKNOWN'] as const)(
    'makes the task done although the attempt that was open then %s',
    (result) => {
      const events = [...unknown, ...second, resolved('SUCCEEDED'), executed(result, 1, 2)];
      expect(standing(events)).toStrictEqual(['COMPLETED', 'AUTO_SUCCESS']);
      given(...events.slice(0, -1))
        .whenBrought([executed(result, 1, 2)])
        .thenEvents(executed(result, 1, 2));
    },
  );
  it('makes the task done although the case is closed meanwhile, with the attempt that was left open', () =>
    expect(
      standing([
        ...unknown,
        ...second,
        stateChanged('CLOSED'),
        resolved('SUCCEEDED'),
        executed('FAILED', 1, 2),
      ]),
    ).toStrictEqual(['COMPLETED', 'AUTO_SUCCESS']));

  it('FAILED lets the strategy decide: there is certainty now', () =>
    given(...unknown)
      .whenBrought([resolved('FAILED')])
      .thenEvents(resolved('FAILED'), retryScheduled(1, 2, { dueAt: expect.any(String) })));
  it('FAILED is certain also where the backend is not idempotent', () => {
    const events = consequences(caseAfter([opened(), ...blind]), taskId(), [resolved('FAILED')], context());
    expect(events).toStrictEqual([resolved('FAILED'), routed(1, ['ACTION_FAILED'], 'failures', 120)]);
  });
  it('of an attempt before the last leaves the last one as it is', () => {
    const events = [...unknown, ...second, executed('UNKNOWN', 1, 2), ...third, executed('UNKNOWN', 1, 3)];
    const after = caseAfter([...events, resolved('FAILED', 1, 2)]).tasks.get(taskId());
    expect(after?.attempts.map(({ resolved: known }) => known?.result ?? null)).toStrictEqual([
      null,
      'FAILED',
      null,
    ]);
    expect(after?.status).toBe('OUTCOME_UNKNOWN');
  });
  it('is the newest that is known of it: a lookup in vain, then the answer', () => {
    const asked = resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' });
    const attempts = caseAfter([...unknown, asked, resolved('SUCCEEDED')]).tasks.get(taskId())?.attempts;
    expect(attempts?.[0]?.resolved).toStrictEqual(resolved('SUCCEEDED').data);
  });
  it('that contradicts a lookup stops the retry that the lookup led to', () => {
    const denied = resolved('FAILED', 1, 1, { source: 'LOOKUP' });
    const events = [opened(), ...blind, denied, retryScheduled()];
    expect(standing(events)).toStrictEqual(['RETRY_SCHEDULED', null]);
    given(...events)
      .whenBrought([resolved('SUCCEEDED')], { now: retryScheduled().data.dueAt })
      .thenEvents(resolved('SUCCEEDED'));
    expect(standing([...events, resolved('SUCCEEDED')])).toStrictEqual(['COMPLETED', 'AUTO_SUCCESS']);
  });
});
