import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { endingCodes, nextStep } from '../../src/domain/nextStep.ts';
import {
  AT,
  ATTEMPT_MS,
  cancelled,
  caseAfter,
  executed,
  later,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  started,
  stateChanged,
  taskId,
} from '../support/builders.ts';

const step = (events: readonly CaseEvent[], now = AT, n = 1) =>
  nextStep(caseAfter([opened(), ...events]), taskId(n), now);

type Strategy = 'NONE' | 'IMMEDIATE' | 'BACKOFF';
const STRATEGIES: readonly Strategy[] = ['NONE', 'IMMEDIATE', 'BACKOFF'];

/** What the backend of an attempt is declared to be; idempotent and without a lookup unless said otherwise. */
type Declared = { readonly idempotent?: boolean; readonly lookup?: boolean };

const attempt = (strategy: Strategy, declared: Declared = {}) => [
  received(),
  recommended(1, { retryStrategy: strategy }),
  permitted(),
  started(1, 1, declared),
];
/** Another attempt of task 1; its verdict comes before it. */
const again = (number: number, declared: Declared = {}) => [
  permitted(1, number),
  started(1, number, declared),
];
const other = [received(2), recommended(2), permitted(2), started(2)];
const lookedUp = (result: 'SUCCEEDED' | 'FAILED' | 'UNKNOWN', number = 1) =>
  resolved(result, 1, number, { source: 'LOOKUP' });

describe('the next step of a task', () => {
  it('that was received is a recommendation', () => {
    expect(step([received()])).toStrictEqual({ kind: 'recommend' });
  });
  it('is a recommendation although another task’s action is open', () => {
    expect(step([...other, received()])).toStrictEqual({ kind: 'recommend' });
  });
  it('that was decided is the verdict on its first attempt', () => {
    expect(step([received(), recommended()])).toStrictEqual({ kind: 'evaluate', attempt: 1 });
  });
  it.each(['SUSPENDED', 'CLOSED'] as const)(
    'is the verdict although the case is %s: the policy says no',
    (state) => {
      expect(step([received(), recommended(), stateChanged(state)])).toStrictEqual({
        kind: 'evaluate',
        attempt: 1,
      });
    },
  );
  it.each([0, ATTEMPT_MS - 1, ATTEMPT_MS, 100 * ATTEMPT_MS])(
    'whose attempt is open is to await it, %i ms after its start: no wall clock ends an attempt',
    (milliseconds) => {
      expect(step(attempt('NONE'), later(milliseconds))).toStrictEqual({
        kind: 'await',
        attempt: { started: started().data, startedAt: AT, executed: null, resolved: null },
      });
    },
  );
  it('awaits the newest attempt', () => {
    expect(step([...attempt('IMMEDIATE'), executed('FAILED'), ...again(2)])).toMatchObject({
      kind: 'await',
      attempt: { started: { attempt: 2 } },
    });
  });
  it('is to wait while another task’s action is open', () => {
    expect(step([...other, received(), recommended()])).toStrictEqual({ kind: 'wait' });
  });
  it.each(['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const)('goes on when the other action %s', (result) => {
    expect(step([...other, executed(result, 2), received(), recommended()])).toStrictEqual({
      kind: 'evaluate',
      attempt: 1,
    });
  });
  it.each<[string, readonly CaseEvent[]]>([
    ['completed', [...attempt('NONE'), executed('SUCCEEDED')]],
    ['cancelled', [received(), cancelled()]],
    ['cancelled before its lookup', [...attempt('NONE', { lookup: true }), executed('UNKNOWN'), cancelled()]],
  ])('is nothing when %s', (_, events) => {
    expect(step(events)).toStrictEqual({ kind: 'nothing' });
  });
  it('refuses a task that the case does not have', () => {
    expect(() => step([], AT, 7)).toThrow(taskId(7));
  });
});

describe('after FAILED', () => {
  const EXPECTED = {
    NONE: { kind: 'route', codes: ['ACTION_FAILED'] },
    IMMEDIATE: { kind: 'evaluate', attempt: 2 },
    BACKOFF: { kind: 'retry', attempt: 2, reason: 'ATTEMPT_FAILED' },
  } as const;
  it.each(STRATEGIES)('the next step is what %s says', (strategy) => {
    expect(step([...attempt(strategy), executed('FAILED')])).toStrictEqual(EXPECTED[strategy]);
  });
  it.each(STRATEGIES)(
    '%s is followed also where the backend is not idempotent: FAILED is certain',
    (strategy) => {
      const events = [...attempt(strategy, { idempotent: false }), executed('FAILED')];
      expect(step(events)).toStrictEqual(EXPECTED[strategy]);
    },
  );
  it('NONE routes to a person even while another action is open', () => {
    expect(step([...attempt('NONE'), executed('FAILED'), ...other])).toStrictEqual(EXPECTED.NONE);
  });
  it.each(['IMMEDIATE', 'BACKOFF'] as const)('%s waits while another action is open', (strategy) => {
    expect(step([...attempt(strategy), executed('FAILED'), ...other])).toStrictEqual({ kind: 'wait' });
  });
  it('the attempts are counted', () => {
    const events = [...attempt('BACKOFF'), executed('FAILED'), ...again(2), executed('FAILED', 1, 2)];
    expect(step(events)).toStrictEqual({ kind: 'retry', attempt: 3, reason: 'ATTEMPT_FAILED' });
  });
});

describe('after UNKNOWN', () => {
  const unknown = (strategy: Strategy, declared: Declared) => [
    ...attempt(strategy, declared),
    executed('UNKNOWN'),
  ];
  const ROUTED = { kind: 'route', codes: ['ACTION_OUTCOME_UNKNOWN'] } as const;
  const RETRIED = {
    NONE: ROUTED,
    IMMEDIATE: { kind: 'evaluate', attempt: 2 },
    BACKOFF: { kind: 'retry', attempt: 2, reason: 'ATTEMPT_UNKNOWN' },
  } as const;
  const BOTH = [true, false];
  const EVERY = STRATEGIES.flatMap((strategy) => BOTH.map((idempotent) => [strategy, idempotent] as const));

  it.each(EVERY)('the lookup is asked first (%s, idempotent: %s)', (strategy, idempotent) => {
    const declared = { idempotent, lookup: true };
    expect(step(unknown(strategy, declared))).toStrictEqual({
      kind: 'lookUp',
      action: started(1, 1, declared).data,
    });
  });
  it('the lookup is asked also while another action is open', () => {
    expect(step([...unknown('NONE', { lookup: true }), ...other])).toMatchObject({ kind: 'lookUp' });
  });
  it.each(STRATEGIES)('of an idempotent backend without a lookup, %s decides', (strategy) => {
    expect(step(unknown(strategy, {}))).toStrictEqual(RETRIED[strategy]);
  });
  it.each(STRATEGIES)('that a lookup cannot resolve, of an idempotent backend, %s decides', (strategy) => {
    expect(step([...unknown(strategy, { lookup: true }), lookedUp('UNKNOWN')])).toStrictEqual(
      RETRIED[strategy],
    );
  });
  it.each(STRATEGIES)(
    'of a backend that is not idempotent a person decides, whatever %s says',
    (strategy) => {
      expect(step(unknown(strategy, { idempotent: false }))).toStrictEqual(ROUTED);
      const asked = [...unknown(strategy, { idempotent: false, lookup: true }), lookedUp('UNKNOWN')];
      expect(step(asked)).toStrictEqual(ROUTED);
    },
  );
  it.each(['IMMEDIATE', 'BACKOFF'] as const)('%s waits while another action is open', (strategy) => {
    expect(step([...unknown(strategy, {}), ...other])).toStrictEqual({ kind: 'wait' });
  });
  it.each(EVERY)(
    'a lookup that says FAILED is as good as FAILED (%s, idempotent: %s)',
    (strategy, idempotent) => {
      const events = [...unknown(strategy, { idempotent, lookup: true }), lookedUp('FAILED')];
      expect(step(events)).toStrictEqual(step([...attempt(strategy), executed('FAILED')]));
    },
  );
  it('a late FAILED is as good, too, and no lookup is asked any more', () => {
    const events = [...unknown('IMMEDIATE', { idempotent: false, lookup: true }), resolved('FAILED')];
    expect(step(events)).toStrictEqual({ kind: 'evaluate', attempt: 2 });
  });
  it('each attempt is looked up by itself', () => {
    const first = [...unknown('IMMEDIATE', { lookup: true }), lookedUp('UNKNOWN')];
    const events = [...first, ...again(2, { lookup: true }), executed('UNKNOWN', 1, 2)];
    expect(step(events)).toStrictEqual({ kind: 'lookUp', action: started(1, 2, { lookup: true }).data });
    expect(step([...events, lookedUp('UNKNOWN', 2)])).toStrictEqual({ kind: 'evaluate', attempt: 3 });
  });
});

describe('while a retry is scheduled', () => {
  const due = later(2_000);
  const scheduled = [...attempt('BACKOFF'), executed('FAILED'), retryScheduled(1, 2, { dueAt: due })];

  it('the task sleeps until it is due, and not a millisecond longer', () => {
    expect(step(scheduled, later(0))).toStrictEqual({ kind: 'sleep', until: due });
    expect(step(scheduled, later(1_999))).toStrictEqual({ kind: 'sleep', until: due });
    expect(step(scheduled, later(2_000))).toStrictEqual({ kind: 'evaluate', attempt: 2 });
    expect(step(scheduled, later(3_600_000))).toStrictEqual({ kind: 'evaluate', attempt: 2 });
  });
  it('what is due waits while another action is open', () => {
    expect(step([...scheduled, ...other], due)).toStrictEqual({ kind: 'wait' });
  });
  it('what is not due sleeps also while another action is open', () => {
    expect(step([...scheduled, ...other])).toStrictEqual({ kind: 'sleep', until: due });
  });
  it('the newest pause counts', () => {
    const events = [
      ...scheduled,
      retryScheduled(1, 2, { dueAt: later(9_000), reason: 'BACKEND_UNAVAILABLE' }),
    ];
    expect(step(events, due)).toStrictEqual({ kind: 'sleep', until: later(9_000) });
  });
  it('a first attempt that waits for its backend is judged as the first one', () => {
    const events = [received(), recommended(), retryScheduled(1, 1, { reason: 'BACKEND_UNAVAILABLE' })];
    expect(step(events, due)).toStrictEqual({ kind: 'evaluate', attempt: 1 });
  });
  it('a late FAILED of the attempt before does not cut the pause short', () => {
    const unknown = [...attempt('BACKOFF'), executed('UNKNOWN'), retryScheduled(1, 2, { dueAt: due })];
    expect(step([...unknown, resolved('FAILED')])).toStrictEqual({ kind: 'sleep', until: due });
  });
});

describe('the codes of attempts that brought nothing', () => {
  const codes = (...events: readonly CaseEvent[]) => {
    const task = caseAfter([opened(), ...events]).tasks.get(taskId());
    if (!task) throw new Error('no task');
    return endingCodes(task);
  };
  const first = attempt('IMMEDIATE');
  it.each<[string, readonly CaseEvent[], readonly string[]]>([
    ['no attempt', [received(), recommended()], []],
    ['an open attempt', first, []],
    ['FAILED', [...first, executed('FAILED')], ['ACTION_FAILED']],
    ['UNKNOWN', [...first, executed('UNKNOWN')], ['ACTION_OUTCOME_UNKNOWN']],
    ['UNKNOWN, then known as FAILED', [...first, executed('UNKNOWN'), resolved('FAILED')], ['ACTION_FAILED']],
    [
      'UNKNOWN, also after a lookup',
      [...first, executed('UNKNOWN'), lookedUp('UNKNOWN')],
      ['ACTION_OUTCOME_UNKNOWN'],
    ],
    [
      'FAILED, then UNKNOWN',
      [...first, executed('FAILED'), ...again(2), executed('UNKNOWN', 1, 2)],
      ['ACTION_OUTCOME_UNKNOWN'],
    ],
    [
      'UNKNOWN, then FAILED: the first may have done it all the same',
      [...first, executed('UNKNOWN'), ...again(2), executed('FAILED', 1, 2)],
      ['ACTION_OUTCOME_UNKNOWN', 'ACTION_FAILED'],
    ],
    [
      'UNKNOWN twice',
      [...first, executed('UNKNOWN'), ...again(2), executed('UNKNOWN', 1, 2)],
      ['ACTION_OUTCOME_UNKNOWN'],
    ],
  ])('%s', (_, events, expected) => {
    expect(codes(...events)).toStrictEqual(expected);
  });
});
