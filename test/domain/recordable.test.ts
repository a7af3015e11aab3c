import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { type Effect, expired, recordable } from '../../src/domain/recordable.ts';
import {
  AT,
  cancelled,
  caseAfter,
  executed,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  uuid,
} from '../support/builders.ts';

const given = (...events: readonly CaseEvent[]) => {
  const current = caseAfter([opened(), ...events]);
  return {
    /** What was brought is recorded as this, and the stream takes it. */
    brings: (effect: Effect, expected: CaseEvent) => {
      expect(recordable(current, effect)).toStrictEqual(expected);
      expect(() => caseAfter([expected], current)).not.toThrow();
    },
    bringsNothing: (effect: Effect) => expect(recordable(current, effect)).toBeNull(),
  };
};

const decided = [received(), recommended(1, { retryStrategy: 'IMMEDIATE' })];
const executing = [...decided, permitted(), started(1, 1, { lookup: true })];
const unknown = [...executing, executed('UNKNOWN')];
const second = [permitted(1, 2), started(1, 2, { lookup: true })];
const lookedUp = (result: 'SUCCEEDED' | 'FAILED' | 'UNKNOWN', attempt = 1) =>
  resolved(result, 1, attempt, { source: 'LOOKUP' });

/** Every place where a task may stand after its first attempt has become unknown. */
const AFTER_UNKNOWN: readonly (readonly [string, readonly CaseEvent[]])[] = [
  ['OUTCOME_UNKNOWN', unknown],
  ['OUTCOME_UNKNOWN, after a lookup in vain', [...unknown, lookedUp('UNKNOWN')]],
  ['OUTCOME_UNKNOWN by a later attempt', [...unknown, ...second, executed('UNKNOWN', 1, 2)]],
  ['DECIDED by a later attempt', [...unknown, ...second, executed('FAILED', 1, 2)]],
  ['EXECUTING a later attempt', [...unknown, ...second]],
  ['RETRY_SCHEDULED', [...unknown, retryScheduled(1, 2, { reason: 'ATTEMPT_UNKNOWN' })]],
  ['IN_REVIEW', [...unknown, routed(1, ['ACTION_OUTCOME_UNKNOWN'])]],
  ['COMPLETED by a later attempt', [...unknown, ...second, executed('SUCCEEDED', 1, 2)]],
  ['CANCELLED', [...unknown, cancelled()]],
];

describe('a recommendation', () => {
  it('is recorded while the task waits for it', () => given(received()).brings(recommended(), recommended()));
  it.each<[string, readonly CaseEvent[]]>([
    ['has one', decided],
    ['was executed', [...executing, executed('SUCCEEDED')]],
    ['is with a person', [...decided, routed(1, ['X'])]],
    ['was cancelled', [received(), cancelled()]],
  ])('is not recorded where the task %s', (_, events) => given(...events).bringsNothing(recommended()));
  it('of a task that the case does not have is none', () => given(received(2)).bringsNothing(recommended()));
});

describe('the answer to an attempt', () => {
  it.each(['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const)(
    '%s is recorded as it is while the attempt is open',
    (result) => {
      given(...executing).brings(executed(result), executed(result));
    },
  );
  it('to the newest attempt is recorded as it is although one before it is unknown', () =>
    given(...unknown, ...second).brings(executed('FAILED', 1, 2), executed('FAILED', 1, 2)));

  describe.each(AFTER_UNKNOWN)('that was called unknown, when the task is %s', (_, events) => {
    it.each(['SUCCEEDED', 'FAILED'] as const)('%s is recorded as a late answer', (result) => {
      const changes = { errorType: result === 'FAILED' ? 'HTTP_409' : null, responseDigest: 'digest' };
      given(...events).brings(
        executed(result, 1, 1, { ...changes, durationMs: 90_000 }),
        resolved(result, 1, 1, { ...changes, source: 'LATE_ANSWER' }),
      );
    });
    it('UNKNOWN says nothing new', () => given(...events).bringsNothing(executed('UNKNOWN')));
  });

  it.each(['SUCCEEDED', 'FAILED'] as const)('that is known as %s is not recorded twice', (known) => {
    for (const result of ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const) {
      given(...executing, executed(known)).bringsNothing(executed(result));
      given(...unknown, resolved(known)).bringsNothing(executed(result));
    }
    given(...unknown, lookedUp(known)).bringsNothing(executed('FAILED'));
  });
  it('is believed where it contradicts a lookup: the request was still on its way then', () =>
    given(...unknown, lookedUp('FAILED')).brings(executed('SUCCEEDED'), resolved('SUCCEEDED')));
  it('is believed also where the retry that the lookup led to is open', () =>
    given(...unknown, lookedUp('FAILED'), ...second).brings(executed('SUCCEEDED'), resolved('SUCCEEDED')));
  it('that was never started is none', () => {
    given(...decided).bringsNothing(executed('SUCCEEDED'));
    given(...executing).bringsNothing(executed('SUCCEEDED', 1, 2));
    given(...unknown).bringsNothing(executed('SUCCEEDED', 1, 2));
  });
  it('of a task that the case does not have is none', () => given().bringsNothing(executed('SUCCEEDED')));
});

describe('what a lookup says', () => {
  describe.each(AFTER_UNKNOWN)('when the task is %s', (place, events) => {
    it.each(['SUCCEEDED', 'FAILED'] as const)('%s is recorded', (result) =>
      given(...events).brings(lookedUp(result), lookedUp(result)),
    );
    it('UNKNOWN is recorded once', () =>
      place.includes('in vain')
        ? given(...events).bringsNothing(lookedUp('UNKNOWN'))
        : given(...events).brings(lookedUp('UNKNOWN'), lookedUp('UNKNOWN')));
  });
  it('is not recorded of an attempt that is open', () =>
    given(...executing).bringsNothing(lookedUp('FAILED')));
  it.each(['SUCCEEDED', 'FAILED'] as const)('is not recorded of an attempt that has %s', (result) => {
    for (const said of ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const)
      given(...executing, executed(result)).bringsNothing(lookedUp(said));
  });
  it('never takes back what an answer of the backend itself has said', () => {
    for (const said of ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const) {
      given(...unknown, resolved('SUCCEEDED')).bringsNothing(lookedUp(said));
      given(...unknown, resolved('FAILED')).bringsNothing(lookedUp(said));
    }
  });
  it('may say SUCCEEDED after FAILED, never the other way round', () => {
    given(...unknown, lookedUp('FAILED')).brings(lookedUp('SUCCEEDED'), lookedUp('SUCCEEDED'));
    given(...unknown, lookedUp('SUCCEEDED')).bringsNothing(lookedUp('FAILED'));
  });
  it('of an attempt that has failed is not believed once another one was made: it is that one which succeeded', () => {
    given(...unknown, lookedUp('FAILED'), ...second).bringsNothing(lookedUp('SUCCEEDED'));
    given(...unknown, ...second).brings(lookedUp('SUCCEEDED'), lookedUp('SUCCEEDED'));
  });
  it('of an attempt that was never started is none', () =>
    given(...unknown).bringsNothing(lookedUp('SUCCEEDED', 2)));
});

describe('an attempt that nobody has answered in time', () => {
  it('is unknown, and says of itself what its start said', () => {
    const action = started(1, 3, { actionId: uuid(9), simulated: true, deadlineAt: AT }).data;
    expect(expired(action)).toStrictEqual(
      executed('UNKNOWN', 1, 3, {
        actionId: uuid(9),
        errorType: 'DEADLINE_PASSED',
        durationMs: null,
        simulated: true,
      }),
    );
  });
  it('is recorded while it is open', () => {
    const late = expired(started().data);
    given(...executing).brings(late, late);
  });
  it('is not recorded when somebody was faster, also where the next attempt is open', () => {
    for (const events of [unknown, [...unknown, ...second], [...executing, executed('SUCCEEDED')]])
      given(...events).bringsNothing(expired(started().data));
  });
});
