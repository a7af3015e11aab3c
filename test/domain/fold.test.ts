import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import type { Task } from '../../src/domain/task.ts';
import {
  AT,
  cancelled,
  caseAfter,
  decision,
  evaluated,
  executed,
  facts,
  opened,
  permitted,
  place,
  received,
  recommended,
  routed,
  started,
  stateChanged,
  taskId,
} from '../support/builders.ts';
import { given } from './specification.ts';

const task = (...events: readonly CaseEvent[]): Task | undefined =>
  caseAfter([opened(), ...events]).tasks.get(taskId());

const refused = evaluated(1, facts({ decision: { confidence: 0.1 } }));
const upTo = {
  received: [received()],
  decided: [received(), recommended()],
  executing: [received(), recommended(), evaluated(), started()],
  failed: [received(), recommended(), evaluated(), started(), executed('FAILED')],
  unknown: [received(), recommended(), evaluated(), started(), executed('UNKNOWN')],
  completed: [received(), recommended(), evaluated(), started(), executed('SUCCEEDED')],
  inReview: [received(), recommended(), refused, routed(1, ['CONFIDENCE_TOO_LOW'])],
  cancelled: [received(), cancelled()],
} satisfies Record<string, readonly CaseEvent[]>;

describe('the standing of a task', () => {
  it.each([
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
    ['cancelled before any outcome', upTo.cancelled, 'CANCELLED', null],
    ['cancelled in review', [...upTo.inReview, cancelled()], 'CANCELLED', 'MANUAL'],
  ] as const)('%s', (_, events, status, outcome) => {
    expect(task(...events)).toMatchObject({ status, outcome });
  });

  it('keeps everything that its events say', () => {
    const events = [...upTo.failed, refused, routed(1, ['ACTION_FAILED'])];
    expect(task(...events)).toStrictEqual({
      taskId: taskId(),
      status: 'IN_REVIEW',
      outcome: 'AUTO_FAILED',
      description: { sealed: 'text 1' },
      channel: 'SYSTEM',
      userRole: 'OPS',
      requestHash: 'request 1',
      receivedAt: AT,
      decision: decision(),
      decisionSource: 'model',
      fallbackCause: null,
      verdicts: [evaluated().data, refused.data],
      attempts: [{ started: started().data, executed: executed('FAILED').data }],
      manual: routed(1, ['ACTION_FAILED']).data,
      lastEventId: place(7).id,
      revision: 7,
      position: 7n,
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
  it('changes retryCount with nothing else', () =>
    given(opened())
      .whenFolding(...upTo.executing, received(2), recommended(2), routed(2, ['X']), stateChanged('CLOSED'))
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

describe('a stream that cannot be', () => {
  const open = [opened()];
  it.each<[string, readonly CaseEvent[], CaseEvent]>([
    ['CaseOpened twice', open, opened()],
    ['a change of state before CaseOpened', [], stateChanged('CLOSED')],
    ['a task before CaseOpened', [], received()],
    ['TaskReceived twice', [...open, ...upTo.decided], received()],
    ['a decision without its task', open, recommended()],
    ['a second decision', [...open, ...upTo.decided], recommended()],
    ['a decision for a task in review', [...open, ...upTo.inReview], recommended()],
    ['a decision for a cancelled task', [...open, ...upTo.cancelled], recommended()],
    ['a verdict before the decision', [...open, ...upTo.received], evaluated()],
    ['a verdict while an attempt is open', [...open, ...upTo.executing], evaluated()],
    ['an action before the decision', [...open, ...upTo.received], started()],
    ['an action without its task', open, started()],
    ['an action of a completed task', [...open, ...upTo.completed], started(1, 2)],
    ['an action after an unknown result', [...open, ...upTo.unknown], started(1, 2)],
    ['an action without a verdict', [...open, ...upTo.decided], started()],
    ['an action after a verdict that refused it', [...open, ...upTo.decided, refused], started()],
    [
      'an action after a verdict about another attempt',
      [...open, ...upTo.failed, evaluated()],
      started(1, 2),
    ],
    ['a second open action of one task', [...open, ...upTo.executing], started(1, 2)],
    [
      'a second open action of one case',
      [...open, ...upTo.executing, received(2), recommended(2), evaluated(2)],
      started(2),
    ],
    ['a result without an attempt', [...open, ...upTo.decided], executed('SUCCEEDED')],
    ['a result of another attempt', [...open, ...upTo.executing], executed('SUCCEEDED', 1, 2)],
    ['a second result', [...open, ...upTo.completed], executed('FAILED')],
    ['routing before the decision', [...open, ...upTo.received], routed(1, ['X'])],
    ['routing while an attempt is open', [...open, ...upTo.executing], routed(1, ['X'])],
    ['routing of a completed task', [...open, ...upTo.completed], routed(1, ['X'])],
    ['cancelling a completed task', [...open, ...upTo.completed], cancelled()],
    ['cancelling while an attempt is open', [...open, ...upTo.executing], cancelled()],
    ['cancelling twice', [...open, ...upTo.cancelled], cancelled()],
  ])('%s is refused', (_, before, event) => {
    const message =
      event.type === 'ActionStarted' ? /ActionStarted at|second open action/ : new RegExp(event.type);
    given(...before)
      .whenFolding(event)
      .thenFails(message);
  });
});
