import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consequences } from '../../src/domain/consequences.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import type { RetryRules } from '../../src/domain/policy.ts';
import { pauseMs, withinBudget } from '../../src/domain/retries.ts';
import type { BackendFacts } from '../../src/domain/verdicts.ts';
import {
  AT,
  ATTEMPT_MS,
  backendFacts,
  caseAfter,
  context,
  evaluated,
  executed,
  facts,
  later,
  opened,
  permitted,
  policy,
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

const RULES: RetryRules = policy.retries;
const MINUTE = 60_000;

describe('the pause before a retry', () => {
  const rules = fc
    .record({
      firstPauseSeconds: fc.double({ min: 0.1, max: 3_600, noNaN: true }),
      more: fc.double({ min: 0, max: 80_000, noNaN: true }),
    })
    .map(({ firstPauseSeconds, more }) => ({
      ...RULES,
      firstPauseSeconds,
      longestPauseSeconds: firstPauseSeconds + more,
    }));
  const pauses = fc.oneof(fc.nat(12), fc.nat(10_000));

  it('is the same for the same task and pause, and does not change from version to version', () => {
    const of = (n: number) => [0, 1, 2].map((pause) => pauseMs(RULES, taskId(n), pause));
    expect([of(1), of(2)]).toStrictEqual([
      [1769, 3611, 7178],
      [1986, 2835, 7828],
    ]);
  });
  it('is whole milliseconds, at least half and at most all of the first pause doubled each time, and capped', () => {
    fc.assert(
      fc.property(rules, fc.string(), pauses, (each, task, pause) => {
        const full = Math.min(each.firstPauseSeconds * 2 ** pause, each.longestPauseSeconds) * 1_000;
        const milliseconds = pauseMs(each, task, pause);
        expect(Number.isSafeInteger(milliseconds)).toBe(true);
        expect(milliseconds).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(milliseconds).toBeLessThanOrEqual(Math.ceil(full));
        expect(pauseMs(each, task, pause)).toBe(milliseconds);
      }),
      { seed: 4720 },
    );
  });
  it('never shrinks below the one before it until the cap is reached', () => {
    const each = { ...RULES, longestPauseSeconds: 3_600 };
    for (let n = 1; n <= 50; n += 1) {
      const all = Array.from({ length: 9 }, (_, pause) => pauseMs(each, taskId(n), pause));
      expect(all).toStrictEqual(all.toSorted((a, b) => a - b));
    }
  });
  it.each([0, 3, 40])('spreads tasks evenly that failed together (pause %i)', (pause) => {
    const full = Math.min(2 * 2 ** pause, 300) * 1_000;
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 5_000; n += 1) {
      const share = (pauseMs(RULES, taskId(n), pause) - full / 2) / (full / 2);
      const tenth = Math.min(9, Math.floor(share * 10));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 500)).toBeLessThan(100);
  });
  it('of one task is spread anew each time', () => {
    const shares = Array.from({ length: 5 }, (_, pause) => pauseMs(RULES, taskId(), pause) / 2 ** pause);
    expect(new Set(shares).size).toBe(5);
  });
});

describe('the budget of a task', () => {
  it.each([
    ['the last millisecond', 60 * MINUTE, true],
    ['a millisecond more', 60 * MINUTE + 1, false],
    ['at once', 0, true],
  ])('%s', (_, milliseconds, within) => {
    expect(withinBudget({ ...RULES, budgetMinutes: 60 }, AT, later(milliseconds))).toBe(within);
  });
});

/** The facts of a second attempt after one failure of a case that had none. */
const second = facts({
  decision: { retryStrategy: 'BACKOFF' },
  case: { retryCount: 1, lastErrorType: 'HTTP_503' },
  task: { attempt: 2 },
});
const backingOff = (open = opened({ retryCount: 0 })) => [
  open,
  received(),
  recommended(1, { retryStrategy: 'BACKOFF' }),
  permitted(),
  started(),
];
const failed = executed('FAILED');
const pause = (n: number, from = 0): string => later(from + pauseMs(RULES, taskId(), n));

describe('BACKOFF', () => {
  it('schedules the next attempt after FAILED, without a verdict: that is made when it is due', () =>
    given(...backingOff())
      .whenBrought([failed])
      .thenEvents(failed, retryScheduled(1, 2, { dueAt: pause(0) })));
  it('schedules it after UNKNOWN of an idempotent backend', () =>
    given(...backingOff())
      .whenBrought([executed('UNKNOWN')])
      .thenEvents(executed('UNKNOWN'), retryScheduled(1, 2, { dueAt: pause(0), reason: 'ATTEMPT_UNKNOWN' })));
  it('schedules it also when the process is ending', () =>
    given(...backingOff())
      .whenBrought([failed], { mayStart: false })
      .thenEvents(failed, retryScheduled(1, 2, { dueAt: pause(0) })));
  it('does nothing until it is due', () =>
    given(...backingOff(), failed, retryScheduled(1, 2, { dueAt: pause(0) }))
      .whenBrought([], { now: new Date(Date.parse(pause(0)) - 1).toISOString() })
      .thenNothing());
  it('then judges it on the facts of then, and starts it under the same id', () => {
    const now = pause(0);
    const deadlineAt = new Date(Date.parse(now) + ATTEMPT_MS).toISOString();
    given(...backingOff(), failed, retryScheduled(1, 2, { dueAt: pause(0) }))
      .whenBrought([], { now, newActionId: 'another id' })
      .thenEvents(evaluated(1, second), started(1, 2, { deadlineAt }));
  });
  it('then routes it to a person where the guardrails have come to fail meanwhile', () => {
    const over = facts({ ...second, case: { ...second.case, state: 'SUSPENDED' } });
    given(...backingOff(), failed, retryScheduled(1, 2, { dueAt: AT }), stateChanged('SUSPENDED'))
      .whenBrought([])
      .thenEvents(evaluated(1, over), routed(1, ['ACTION_FAILED', 'CASE_NOT_OPEN'], 'failures', 120));
  });
  it('leaves what is due to the next process when this one is ending', () =>
    given(...backingOff(), failed, retryScheduled(1, 2, { dueAt: AT }))
      .whenBrought([], { mayStart: false })
      .thenNothing());
  it('judges first: where the guardrails fail already, there is nothing to wait for', () => {
    const over = facts({ ...second, case: { ...second.case, retryCount: 3 } });
    given(...backingOff(opened({ retryCount: 2 })))
      .whenBrought([failed])
      .thenEvents(
        failed,
        evaluated(1, over),
        routed(1, ['ACTION_FAILED', 'RETRY_LIMIT_REACHED'], 'failures', 120),
      );
  });
  it('pauses twice as long each time, and ends at the limit of attempts', () => {
    const first = retryScheduled(1, 2, { dueAt: pause(0) });
    const next = [...backingOff(), failed, first, evaluated(1, second), started(1, 2)];
    const failedTwice = executed('FAILED', 1, 2);
    const dueAt = pause(1, 9_000);
    given(...next)
      .whenBrought([failedTwice], { now: later(9_000) })
      .thenEvents(failedTwice, retryScheduled(1, 3, { dueAt }));

    const limited = { ...policy, limits: { ...policy.limits, maxAttempts: 2 } };
    expect(
      consequences(caseAfter(next), taskId(), [failedTwice], context({ policy: limited })),
    ).toMatchObject([
      failedTwice,
      { type: 'GuardrailEvaluated', data: { verdict: 'ROUTE_TO_MANUAL', attempt: 3 } },
      { type: 'RoutedToManual', data: { codes: ['ACTION_FAILED', 'ATTEMPT_LIMIT_REACHED'] } },
    ]);
  });
  it('goes to a person where the retry would come after the budget of the task, counted from its receipt', () => {
    const last = 60 * MINUTE - pauseMs(RULES, taskId(), 0);
    given(...backingOff())
      .whenBrought([failed], { now: later(last) })
      .thenEvents(failed, retryScheduled(1, 2, { dueAt: later(60 * MINUTE) }));
    const manual = routed(1, ['ACTION_FAILED', 'RETRY_BUDGET_EXHAUSTED'], 'failures', 120);
    const dueBy = later(last + 1 + 120 * MINUTE);
    given(...backingOff())
      .whenBrought([failed], { now: later(last + 1) })
      .thenEvents(failed, { ...manual, data: { ...manual.data, dueBy } });
  });
  it('is scheduled by who looks next where another action was open', () =>
    given(...backingOff(), failed, received(2), recommended(2), permitted(2), started(2))
      .whenBrought([])
      .thenNothing());
});

describe('a backend that is down', () => {
  const down = { backend: (): BackendFacts => backendFacts({ available: () => false }) };
  const manually = {
    ...down,
    policy: { ...policy, retries: { ...RULES, whenBackendDown: 'MANUAL' } },
  } as const;
  const waiting = (attempt: number, dueAt: string): CaseEvent =>
    retryScheduled(1, attempt, { dueAt, reason: 'BACKEND_UNAVAILABLE' });
  const task = [opened({ retryCount: 0 }), received()];

  it('lets a task wait that the policy would have executed', () =>
    given(...task)
      .whenBrought([recommended()], down)
      .thenEvents(recommended(), waiting(1, pause(0))));
  it('is told from one that is up by route', () => {
    const backend = (route: string): BackendFacts =>
      backendFacts({ available: () => route !== 'CORE_SYSTEM' });
    const events = consequences(caseAfter(task), taskId(), [recommended()], context({ backend }));
    expect(events.at(-1)).toStrictEqual(started());
  });
  it('does not matter where the policy says no', () => {
    const low = { confidence: 0.1 };
    given(...task)
      .whenBrought([recommended(1, low)], down)
      .thenEvents(
        recommended(1, low),
        evaluated(1, facts({ decision: low, case: { retryCount: 0 } })),
        routed(1, ['CONFIDENCE_TOO_LOW']),
      );
  });
  it('lets it wait on, longer each time', () =>
    given(...task, recommended(), waiting(1, AT), waiting(1, AT))
      .whenBrought([], down)
      .thenEvents(waiting(1, pause(2))));
  it('lets it wait for a minute at most, so that it is not late when the backend is back', () => {
    const waits = Array.from({ length: 12 }, () => waiting(1, AT));
    const events = consequences(caseAfter([...task, recommended(), ...waits]), taskId(), [], context(down));
    const [next] = events;
    const due = next?.type === 'RetryScheduled' ? Date.parse(next.data.dueAt) - Date.parse(AT) : 0;
    expect(due).toBe(pauseMs(RULES, taskId(), 12, 60));
    expect(due).toBeLessThanOrEqual(60_000);
  });
  it('is tried as soon as a wait is over and it is up again', () => {
    const over = facts({ case: { retryCount: 0 } });
    given(...task, recommended(), waiting(1, AT))
      .whenBrought([])
      .thenEvents(evaluated(1, over), started());
  });
  it('sends the task to a person when its budget is spent: nothing was attempted', () => {
    const now = later(60 * MINUTE);
    const manual = routed(1, ['BACKEND_UNAVAILABLE', 'RETRY_BUDGET_EXHAUSTED'], 'failures', 120);
    given(...task, recommended(), waiting(1, AT))
      .whenBrought([], { ...down, now })
      .thenEvents({ ...manual, data: { ...manual.data, dueBy: later(180 * MINUTE) } });
    expect(caseAfter([...task, recommended(), waiting(1, AT), manual]).tasks.get(taskId())).toMatchObject({
      status: 'IN_REVIEW',
      outcome: 'MANUAL',
    });
  });
  it('sends it to a person at once where the policy says MANUAL', () =>
    given(...task)
      .whenBrought([recommended()], manually)
      .thenEvents(recommended(), routed(1, ['BACKEND_UNAVAILABLE'], 'failures', 120)));
  it.each([
    ['WAIT', down],
    ['MANUAL', manually],
  ])('is no matter while there is a pause anyway (%s): it may be up when that is over', (_, changes) =>
    given(...backingOff())
      .whenBrought([failed], changes)
      .thenEvents(failed, retryScheduled(1, 2, { dueAt: pause(0) })),
  );
  it('lets IMMEDIATE wait as BACKOFF does', () => {
    const immediate = [...task, recommended(1, { retryStrategy: 'IMMEDIATE' }), permitted(), started()];
    given(...immediate)
      .whenBrought([failed], down)
      .thenEvents(failed, waiting(2, pause(0)));
    const unknown = executed('UNKNOWN');
    given(...immediate)
      .whenBrought([unknown], manually)
      .thenEvents(unknown, routed(1, ['ACTION_OUTCOME_UNKNOWN', 'BACKEND_UNAVAILABLE'], 'failures', 120));
  });
  it('does not keep waiting what has turned out to be done', () =>
    given(...backingOff(), executed('UNKNOWN'), waiting(2, AT), resolved('SUCCEEDED'))
      .whenBrought([])
      .thenNothing());
});
