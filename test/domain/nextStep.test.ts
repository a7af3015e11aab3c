import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { nextStep } from '../../src/domain/nextStep.ts';
import {
  AT,
  ATTEMPT_MS,
  cancelled,
  caseAfter,
  evaluated,
  executed,
  later,
  opened,
  received,
  recommended,
  routed,
  started,
  stateChanged,
  taskId,
} from '../support/builders.ts';

const step = (events: readonly CaseEvent[], now = AT, n = 1) =>
  nextStep(caseAfter([opened(), ...events]), taskId(n), now);

const attempt = (strategy: 'NONE' | 'IMMEDIATE' | 'BACKOFF') => [
  received(),
  recommended(1, { retryStrategy: strategy }),
  evaluated(),
  started(),
];

describe('nextStep', () => {
  it('recommends what was received', () => {
    expect(step([received()])).toStrictEqual({ kind: 'recommend' });
  });
  it('evaluates the first attempt of what was decided', () => {
    expect(step([received(), recommended()])).toStrictEqual({ kind: 'evaluate', attempt: 1 });
  });
  it.each(['SUSPENDED', 'CLOSED'] as const)(
    'evaluates although the case is %s: the policy says no',
    (state) => {
      expect(step([received(), recommended(), stateChanged(state)])).toStrictEqual({
        kind: 'evaluate',
        attempt: 1,
      });
    },
  );
  it('executes until the deadline, and not a millisecond longer', () => {
    const events = attempt('NONE');
    const action = started().data;
    expect(step(events, later(ATTEMPT_MS - 1))).toStrictEqual({ kind: 'execute', action });
    expect(step(events, later(ATTEMPT_MS))).toStrictEqual({ kind: 'expire', action });
    expect(step(events, later(ATTEMPT_MS + 1))).toStrictEqual({ kind: 'expire', action });
  });
  it('waits while another task’s action is open, until its deadline', () => {
    expect(step([...attempt('NONE'), received(2), recommended(2)], AT, 2)).toStrictEqual({
      kind: 'wait',
      until: later(ATTEMPT_MS),
    });
  });
  it('asks for a recommendation although another task’s action is open', () => {
    expect(step([...attempt('NONE'), received(2)], AT, 2)).toStrictEqual({ kind: 'recommend' });
  });
  it.each(['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const)('goes on when the other action %s', (result) => {
    expect(step([...attempt('NONE'), executed(result), received(2), recommended(2)], AT, 2)).toStrictEqual({
      kind: 'evaluate',
      attempt: 1,
    });
  });
  it('evaluates the next attempt at once after FAILED with IMMEDIATE', () => {
    expect(step([...attempt('IMMEDIATE'), executed('FAILED')])).toStrictEqual({
      kind: 'evaluate',
      attempt: 2,
    });
  });
  it('waits with its next attempt, too, while another action is open', () => {
    const other = [received(2), recommended(2), evaluated(2), started(2)];
    expect(step([...attempt('IMMEDIATE'), executed('FAILED'), ...other])).toStrictEqual({
      kind: 'wait',
      until: later(ATTEMPT_MS),
    });
  });
  it.each(['NONE', 'BACKOFF'] as const)('routes to a person after FAILED with %s', (strategy) => {
    expect(step([...attempt(strategy), executed('FAILED')])).toStrictEqual({
      kind: 'route',
      codes: ['ACTION_FAILED'],
    });
  });
  it('routes a failure to a person even while another action is open', () => {
    const other = [received(2), recommended(2), evaluated(2), started(2)];
    expect(step([...attempt('NONE'), executed('FAILED'), ...other])).toMatchObject({ kind: 'route' });
  });
  it.each(['NONE', 'IMMEDIATE', 'BACKOFF'] as const)('never retries UNKNOWN (%s)', (strategy) => {
    expect(step([...attempt(strategy), executed('UNKNOWN')])).toStrictEqual({
      kind: 'route',
      codes: ['ACTION_OUTCOME_UNKNOWN'],
    });
  });
  it.each<[string, readonly CaseEvent[]]>([
    ['completed', [...attempt('NONE'), executed('SUCCEEDED')]],
    ['in review', [received(), recommended(), routed(1, ['X'])]],
    ['cancelled', [received(), cancelled()]],
  ])('needs nothing when %s', (_, events) => {
    expect(step(events)).toStrictEqual({ kind: 'nothing' });
  });
  it('refuses a task that the case does not have', () => {
    expect(() => step([], AT, 7)).toThrow(taskId(7));
  });
});
