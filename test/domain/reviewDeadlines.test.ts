import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { nextStep } from '../../src/domain/nextStep.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import {
  AT,
  caseAfter,
  executed,
  later,
  opened,
  playbook,
  policy,
  received,
  recommended,
  routed,
  taskId,
} from '../support/builders.ts';
import { approvedBy, claimed, overdue, released, reviewed } from '../support/reviewBuilders.ts';
import { claimedByAnn, inReview } from './reviewing.ts';
import { given } from './specification.ts';

const MINUTE = 60_000;
const DUE = 480;
const at = (minutes: number) => later(minutes * MINUTE);
const step = (events: readonly CaseEvent[], now: string) => nextStep(caseAfter(events), taskId(), now);
const escalated = overdue(1, at(DUE), { queue: 'supervisors', dueBy: at(DUE + 240) });
/** Where nobody follows on the default queue. */
const flat = parsePolicy(
  policy.source.replace(/( {2}queue: operations\n(?: {2}due.*\n)+) {2}escalateTo: supervisors\n/, '$1'),
  'policy.yaml',
  playbook,
);

describe('a task that waits for a person', () => {
  it.each<[string, readonly CaseEvent[]]>([
    ['unclaimed', inReview],
    ['claimed', claimedByAnn],
    ['released', [...claimedByAnn, released(1, 'ann')]],
    ['with a question', [...claimedByAnn, reviewed('INFO_REQUESTED', 1, { reviewer: 'ann' })]],
    ['half approved', [...claimedByAnn, reviewed('APPROVED', 1, { reviewer: 'ann', awaitsSecond: true })]],
  ])('(%s) sleeps until its deadline, and is overdue then', (_, events) => {
    expect(step(events, AT)).toStrictEqual({ kind: 'sleep', until: at(DUE) });
    expect(step(events, later(DUE * MINUTE - 1))).toStrictEqual({ kind: 'sleep', until: at(DUE) });
    expect(step(events, at(DUE))).toStrictEqual({ kind: 'overdue', dueBy: at(DUE) });
    expect(step(events, at(99 * DUE))).toStrictEqual({ kind: 'overdue', dueBy: at(DUE) });
  });
  it('sleeps until the escalation’s deadline, then needs nothing for ever', () => {
    expect(step([...inReview, escalated], at(DUE))).toStrictEqual({ kind: 'sleep', until: at(DUE + 240) });
    expect(step([...inReview, escalated], at(DUE + 240))).toStrictEqual({
      kind: 'overdue',
      dueBy: at(DUE + 240),
    });
    const last = overdue(1, at(DUE + 240), null, 'supervisors');
    expect(step([...inReview, escalated, last], at(9_999))).toStrictEqual({ kind: 'nothing' });
  });
  it('needs nothing once it is decided, however late', () => {
    const rejected = [...claimedByAnn, reviewed('REJECTED', 1, { reviewer: 'ann' })];
    expect(step(rejected, at(9_999))).toStrictEqual({ kind: 'nothing' });
    expect(step([...inReview, ...approvedBy('ann'), executed('SUCCEEDED')], at(9_999))).toStrictEqual({
      kind: 'nothing',
    });
  });
});

describe('a deadline that has passed', () => {
  it.each([
    ['unclaimed', inReview],
    ['claimed', claimedByAnn],
  ])('brings a task (%s) to the next queue, once, and lets nothing be executed', (_, events) => {
    given(...events)
      .whenBrought([], { now: at(DUE) })
      .thenEvents(escalated);
    given(...events, escalated)
      .whenBrought([], { now: at(DUE) })
      .thenNothing();
  });
  it('counts from when it was noticed, by the process’s own clock', () =>
    given(...inReview)
      .whenBrought([], { now: at(5_000), wallNow: at(4_000) })
      .thenEvents(overdue(1, at(DUE), { queue: 'supervisors', dueBy: at(4_240) })));
  it('is not noticed before the process’s own clock says so', () =>
    given(...inReview)
      .whenBrought([], { now: at(5_000), wallNow: later(DUE * MINUTE - 1) })
      .thenNothing());
  it('is noticed also by a process that is ending', () =>
    given(...inReview)
      .whenBrought([], { now: at(DUE), mayStart: false })
      .thenEvents(escalated));
  it('of the last queue is said, and never again', () => {
    const last = overdue(1, at(DUE + 240), null, 'supervisors');
    given(...inReview, escalated)
      .whenBrought([], { now: at(DUE + 240) })
      .thenEvents(last);
    given(...inReview, escalated, last)
      .whenBrought([], { now: at(99_999) })
      .thenNothing();
  });
  it('without an escalation is said once, and leaves the task where it is', () => {
    given(...inReview)
      .whenBrought([], { now: at(DUE), policy: flat })
      .thenEvents(overdue(1, at(DUE)));
    given(...inReview, overdue(1, at(DUE)))
      .whenBrought([], { now: at(9_999), policy: flat })
      .thenNothing();
  });
  it('in a queue that the policy does not have any more leaves it there', () => {
    const elsewhere = [opened(), received(), recommended(), routed(1, ['X'], 'gone')];
    given(...elsewhere)
      .whenBrought([], { now: at(DUE) })
      .thenEvents(overdue(1, at(DUE), null, 'gone'));
  });
  it('is of the case’s priority', () => {
    const critical = [
      opened({ priority: 'CRITICAL' }),
      received(),
      recommended(),
      routed(1, ['X'], 'operations', 60),
    ];
    given(...critical)
      .whenBrought([], { now: at(60) })
      .thenEvents(overdue(1, at(60), { queue: 'supervisors', dueBy: at(120) }));
  });
  it('changes where the task waits and until when, and takes neither claim nor first approval', () => {
    const first = reviewed('APPROVED', 1, { reviewer: 'ann', awaitsSecond: true });
    const review = (...events: readonly CaseEvent[]) => caseAfter(events).tasks.get(taskId())?.review;
    const events = [...claimedByAnn, first, claimed(1, 'bob')];
    expect(review(...events, escalated)).toStrictEqual({
      ...review(...events),
      queue: 'supervisors',
      dueBy: at(DUE + 240),
      deadline: at(DUE + 240),
      overdue: true,
    });
    expect(review(...events, overdue(1, at(DUE)))).toStrictEqual({
      ...review(...events),
      deadline: null,
      overdue: true,
    });
  });
});

describe('after an attempt in a reviewer’s name', () => {
  const approved = (
    retryStrategy: 'NONE' | 'IMMEDIATE' | 'BACKOFF',
    lookup = false,
  ): readonly CaseEvent[] => {
    const [verdict, start] = approvedBy('ann').slice(2);
    if (verdict?.type !== 'GuardrailEvaluated' || start?.type !== 'ActionStarted')
      throw new Error('no start');
    return [
      opened({ retryCount: 0 }),
      received(),
      recommended(1, { retryStrategy }),
      routed(1, ['CASE_NOT_OPEN']),
      ...approvedBy('ann').slice(0, 2),
      verdict,
      { type: 'ActionStarted', data: { ...start.data, lookup } },
    ];
  };
  const STRATEGIES = ['NONE', 'IMMEDIATE', 'BACKOFF'] as const;

  it.each(STRATEGIES)('FAILED goes to a person again, also where the recommendation says %s', (strategy) =>
    given(...approved(strategy))
      .whenBrought([executed('FAILED')])
      .thenEvents(executed('FAILED'), routed(1, ['ACTION_FAILED'], 'failures', 120)),
  );
  it.each(STRATEGIES)('UNKNOWN, too (%s)', (strategy) =>
    given(...approved(strategy))
      .whenBrought([executed('UNKNOWN')])
      .thenEvents(executed('UNKNOWN'), routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120)),
  );
  it('UNKNOWN is looked up first, where that can be', () => {
    given(...approved('IMMEDIATE', true))
      .whenBrought([executed('UNKNOWN')])
      .thenEvents(executed('UNKNOWN'));
    expect(step([...approved('IMMEDIATE', true), executed('UNKNOWN')], AT)).toMatchObject({ kind: 'lookUp' });
  });
  it('SUCCEEDED ends the task', () =>
    given(...approved('NONE'))
      .whenBrought([executed('SUCCEEDED')])
      .thenEvents(executed('SUCCEEDED')));
  it('the review is a new one, which remembers the decision before it', () => {
    const before = [...inReview, escalated, claimed(1, 'ann'), ...approvedBy('ann').slice(1)];
    const events = [...before, executed('FAILED'), routed(1, ['ACTION_FAILED'], 'failures', 120)];
    expect(caseAfter(events).tasks.get(taskId())).toMatchObject({
      status: 'IN_REVIEW',
      outcome: 'MANUAL',
      review: {
        queue: 'failures',
        deadline: at(120),
        overdue: false,
        claim: null,
        firstApproval: null,
        approved: null,
        decided: { reviewer: 'ann', resolution: 'APPROVED' },
      },
    });
  });
});
