import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasOpenAttempt, resultOf, unknownAttempts } from '../../src/domain/attempts.ts';
import { type Case, emptyCase } from '../../src/domain/case.ts';
import { type CaseEvent, isTaskEvent } from '../../src/domain/events.ts';
import { RECEIVED, type Standing, standingAfter } from '../../src/domain/standing.ts';
import type { Task } from '../../src/domain/task.ts';
import { OUTCOMES, TASK_STATUSES } from '../../src/domain/vocabulary.ts';
import { streams } from '../support/arbitraries.ts';
import { CASE, caseAfter } from '../support/builders.ts';

const standingOf = ({ status, outcome, attempts }: Task): Standing => ({
  status,
  outcome,
  attempts: attempts.length,
  succeeded: attempts.some((attempt) => resultOf(attempt) === 'SUCCEEDED'),
});

/** What holds at every revision of every stream that can be, whoever wrote it. */
function checkCase(current: Case): void {
  const open = [...current.tasks.values()].filter(hasOpenAttempt);
  expect(open.map(({ taskId }) => taskId)).toStrictEqual(current.openTaskId ? [current.openTaskId] : []);
  for (const task of current.tasks.values()) {
    expect(hasOpenAttempt(task)).toBe(task.status === 'EXECUTING');
    expect(task.attempts.slice(0, -1).every(({ executed }) => executed !== null)).toBe(true);
    expect(task.attempts.map(({ started }) => started.attempt)).toStrictEqual(
      task.attempts.map((_, index) => index + 1),
    );
    expect(new Set(task.attempts.map(({ started }) => started.actionId)).size).toBeLessThanOrEqual(1);
    const mayHaveDone = unknownAttempts(task).filter(({ started }) => !started.idempotent);
    for (const { started } of mayHaveDone) expect(started.attempt).toBe(task.attempts.length);
    if (task.status === 'IN_REVIEW') expect(standingOf(task).succeeded).toBe(false);
    if (task.status === 'COMPLETED') expect(standingOf(task).succeeded).toBe(true);
    if (['COMPLETED', 'IN_REVIEW'].includes(task.status)) expect(task.outcome).not.toBeNull();
    if (task.manual === null) expect(task.outcome).not.toBe('AUTO_FAILED');
  }
}

/** Follows a stream event by event; what it goes through, in words. */
function follow(events: readonly CaseEvent[]): readonly string[] {
  const standings = new Map<string, Standing>();
  let current = emptyCase(CASE);
  return events.flatMap((event) => {
    current = caseAfter([event], current);
    checkCase(current);
    if (!isTaskEvent(event)) return [];
    const { taskId } = event.data;
    const before = standings.get(taskId) ?? RECEIVED;
    const standing = standingAfter(before, event);
    const task = current.tasks.get(taskId);
    expect(standing).toStrictEqual(task && standingOf(task));
    expect(standing.outcome).toBe(before.outcome ?? standing.outcome);
    expect(standing.succeeded).toBe(before.succeeded || standing.succeeded);
    standings.set(taskId, standing);
    return [`${event.type} to ${standing.status}`, `outcome ${standing.outcome}`];
  });
}

/** What the streams must go through; without it the property could hold because nothing ever happens. */
const REACHED = [
  ...TASK_STATUSES.filter((status) => status !== 'RECEIVED' && status !== 'REJECTED').map(
    (status) => `ActionOutcomeResolved to ${status}`,
  ),
  ...OUTCOMES.map((outcome) => `outcome ${outcome}`),
  'ActionExecuted to DECIDED',
  'ActionExecuted to OUTCOME_UNKNOWN',
  'ActionExecuted to COMPLETED',
  'RetryScheduled to RETRY_SCHEDULED',
  'TaskCancelled to CANCELLED',
];

describe('whatever stream the fold lets be', () => {
  it('a task stands, event by event, where the fold says that it stands, and no rule is broken', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(streams, (events) => {
        for (const word of follow(events)) seen.add(word);
      }),
      { numRuns: 300, seed: 4730 },
    );
    expect(REACHED.filter((word) => !seen.has(word))).toStrictEqual([]);
  });
});
