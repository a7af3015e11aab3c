import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import type { Task } from '../../src/domain/task.ts';
import type { Outcome, TaskStatus } from '../../src/domain/vocabulary.ts';
import {
  AT,
  cancelled,
  caseAfter,
  decision,
  evaluated,
  executed,
  later,
  opened,
  permitted,
  place,
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
import { refused, upTo } from './stages.ts';

const task = (...events: readonly CaseEvent[]): Task | undefined =>
  caseAfter([opened(), ...events]).tasks.get(taskId());

describe('the standing of a task', () => {
  it.each<[string, readonly CaseEvent[], TaskStatus, Outcome | null]>([
    ['received', upTo.received, 'RECEIVED', null],
    ['decided', upTo.decided, 'DECIDED', null],
    ['judged, not yet routed', [...upTo.decided, refused], 'DECIDED', null],
    ['routed to manual', upTo.inReview, 'IN_REVIEW', 'MANUAL'],
    ['executing', upTo.executing, 'EXECUTING', null],
    ['executed', upTo.completed, 'COMPLETED', 'AUTO_SUCCESS'],
    ['failed', upTo.failed, 'DECIDED', null],
    [
      'failed, then with a person',
      [...upTo.failed, routed(1, ['ACTION_FAILED'])],
      'IN_REVIEW',
      'AUTO_FAILED',
    ],
    ['unknown', upTo.unknown, 'OUTCOME_UNKNOWN', null],
    [
      'unknown, then with a person',
      [...upTo.unknown, routed(1, ['ACTION_OUTCOME_UNKNOWN'])],
      'IN_REVIEW',
      'AUTO_FAILED',
    ],
    ['tried again', [...upTo.failed, permitted(1, 2), started(1, 2)], 'EXECUTING', null],
    [
      'succeeded at the second attempt',
      [...upTo.failed, permitted(1, 2), started(1, 2), executed('SUCCEEDED', 1, 2)],
      'COMPLETED',
      'AUTO_SUCCESS',
    ],
    ['to be tried again', upTo.scheduled, 'RETRY_SCHEDULED', null],
    [
      'judged when it was due, not yet started',
      [...upTo.scheduled, permitted(1, 2)],
      'RETRY_SCHEDULED',
      null,
    ],
    ['tried again after a pause', [...upTo.scheduled, permitted(1, 2), started(1, 2)], 'EXECUTING', null],
    [
      'given up after a pause',
      [...upTo.scheduled, routed(1, ['RETRY_BUDGET_EXHAUSTED'])],
      'IN_REVIEW',
      'AUTO_FAILED',
    ],
    ['waiting for its backend', upTo.waiting, 'RETRY_SCHEDULED', null],
    ['waiting on', [...upTo.waiting, retryScheduled(1, 1)], 'RETRY_SCHEDULED', null],
    [
      'given up before its backend was ever asked',
      [...upTo.waiting, routed(1, ['BACKEND_UNAVAILABLE'])],
      'IN_REVIEW',
      'MANUAL',
    ],
    ['tried again although unknown', [...upTo.unknown, permitted(1, 2), started(1, 2)], 'EXECUTING', null],
    ['cancelled before any outcome', upTo.cancelled, 'CANCELLED', null],
    ['cancelled while unknown', [...upTo.unknown, cancelled()], 'CANCELLED', null],
    ['cancelled while a retry is scheduled', [...upTo.scheduled, cancelled()], 'CANCELLED', null],
    ['cancelled in review', [...upTo.inReview, cancelled()], 'CANCELLED', 'MANUAL'],
  ])('%s', (_, events, status, outcome) => {
    expect(task(...events)).toMatchObject({ status, outcome });
  });

  it('keeps everything that its events say', () => {
    const waiting = retryScheduled(1, 2, { dueAt: later(9_000), reason: 'BACKEND_UNAVAILABLE' });
    const events = [
      ...upTo.unknown,
      retryScheduled(1, 2, { reason: 'ATTEMPT_UNKNOWN' }),
      resolved('FAILED'),
      waiting,
      refused,
      routed(1, ['ACTION_FAILED']),
    ];
    expect(task(...events)).toStrictEqual({
      taskId: taskId(),
      status: 'IN_REVIEW',
      outcome: 'AUTO_FAILED',
      description: { sealed: 'text 1' },
      channel: 'SYSTEM',
      userRole: 'OPS',
      requestHash: 'request 1',
      receivedAt: AT,
      submittedBy: 'test',
      decision: decision(),
      decisionSource: 'model',
      fallbackCause: null,
      verdicts: [evaluated().data, refused.data],
      attempts: [
        {
          started: started().data,
          startedAt: AT,
          executed: executed('UNKNOWN').data,
          resolved: resolved('FAILED').data,
        },
      ],
      retry: waiting.data,
      pauses: 2,
      manual: routed(1, ['ACTION_FAILED']).data,
      review: {
        queue: 'operations',
        dueBy: later(480 * 60_000),
        overdue: false,
        deadline: later(480 * 60_000),
        claim: null,
        firstApproval: null,
        replacedApproval: null,
        waitsForInfo: false,
        decided: null,
        approved: null,
      },
      lastEventId: place(10).id,
      revision: 10,
      position: 10n,
    });
  });

  it('keeps tasks of one case apart', () => {
    const current = caseAfter([opened(), ...upTo.inReview, received(2)]);
    expect(current.tasks.get(taskId(1))).toMatchObject({ status: 'IN_REVIEW', revision: 4 });
    expect(current.tasks.get(taskId(2))).toMatchObject({ status: 'RECEIVED', revision: 5 });
  });
});

describe('the case', () => {
  it('starts as it was opened', () =>
    given()
      .whenFolding(opened({ priority: 'HIGH', retryCount: 2, attributes: { policy: '4711' } }))
      .thenCase({
        state: 'OPEN',
        retryCount: 2,
        lastErrorType: 'TIMEOUT',
        revision: 0,
        updatedAt: AT,
        openTaskId: null,
        opened: {
          at: AT,
          contentHash: 'content',
          priority: 'HIGH',
          attributes: { policy: '4711' },
          personalAttributes: {},
        },
      }));
  it('takes the state that it changed to', () =>
    given(opened()).whenFolding(stateChanged('CLOSED')).thenCase({ state: 'CLOSED', revision: 1 }));
  it.each([
    ['FAILED', 2, 'HTTP_503'],
    ['UNKNOWN', 2, 'HTTP_503'],
    ['SUCCEEDED', 0, null],
  ] as const)('%s makes retryCount %i and lastErrorType %s', (result, retryCount, lastErrorType) =>
    given(opened(), ...upTo.executing)
      .whenFolding(executed(result))
      .thenCase({ retryCount, lastErrorType, openTaskId: null }),
  );
  it.each([
    ['FAILED', 2, 'HTTP_422'],
    ['UNKNOWN', 2, 'HTTP_503'],
    ['SUCCEEDED', 0, null],
  ] as const)(
    'UNKNOWN that turns out as %s makes retryCount %i and lastErrorType %s: it is counted once',
    (result, retryCount, lastErrorType) =>
      given(opened(), ...upTo.unknown)
        .whenFolding(resolved(result))
        .thenCase({ retryCount, lastErrorType, openTaskId: null }),
  );
  it('counts every attempt', () =>
    given(
      opened({ retryCount: 0 }),
      ...upTo.failed,
      permitted(1, 2),
      started(1, 2),
      executed('UNKNOWN', 1, 2),
    )
      .whenFolding(permitted(1, 3), started(1, 3), executed('FAILED', 1, 3))
      .thenCase({ retryCount: 3 }));
  it('changes retryCount with nothing else', () =>
    given(opened())
      .whenFolding(
        ...upTo.executing,
        received(2),
        recommended(2),
        routed(2, ['X']),
        received(3),
        recommended(3),
        retryScheduled(3, 1, { reason: 'BACKEND_UNAVAILABLE' }),
        stateChanged('CLOSED'),
        cancelled(3),
      )
      .thenCase({ retryCount: 1, lastErrorType: 'TIMEOUT' }));
  it('knows the task whose attempt is open, whatever happens to others', () =>
    given(opened(), ...upTo.executing)
      .whenFolding(received(2), recommended(2), received(3))
      .thenCase({ openTaskId: taskId(1) }));
  it('keeps where a command was recorded', () => {
    const command = { keyHash: 'k', requestHash: 'r' };
    const current = caseAfter([opened(), received(), stateChanged('SUSPENDED', { command }), received(2)]);
    expect(current.commands).toStrictEqual(new Map([['k', { ...command, ...place(2) }]]));
  });
});
