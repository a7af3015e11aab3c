import { expect } from 'vitest';
import { lastAttempt } from '../../src/domain/attempts.ts';
import { type Case, emptyCase, fold } from '../../src/domain/case.ts';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { verifyChain } from '../../src/eventstore/chain.ts';
import { CASE } from './builders.ts';
import type { Process } from './world.ts';

/**
 * Checks what holds for every case stream, however it came about: the chain is intact, it folds, at no revision more
 * than one action is open, every action follows a verdict that permits it, and every verdict saw the case as it was.
 */
export async function checkSound(process: Process): Promise<Case> {
  const events = await process.events();
  expect(verifyChain(await process.outside.store.readStream(`case-${CASE}`, 0, 10_000))).toStrictEqual([]);
  let current = emptyCase(CASE);
  for (const [index, event] of events.entries()) {
    checkVerdict(current, event);
    if (event.type === 'ActionStarted') {
      expect(events[index - 1]).toMatchObject({
        type: 'GuardrailEvaluated',
        data: { taskId: event.data.taskId, verdict: 'EXECUTE', attempt: event.data.attempt },
      });
    }
    current = fold(current, [event]);
    const open = [...current.tasks.values()].filter((task) => lastAttempt(task)?.executed === null);
    expect(open.length).toBeLessThanOrEqual(1);
  }
  return current;
}

function checkVerdict(before: Case, event: Recorded<CaseEvent>): void {
  if (event.type !== 'GuardrailEvaluated') return;
  const { facts, taskId, attempt } = event.data;
  const task = before.tasks.get(taskId);
  const { state, retryCount, lastErrorType, opened } = before;
  expect(facts.case).toStrictEqual({
    state,
    priority: opened?.priority,
    retryCount,
    lastErrorType: lastErrorType ?? '',
  });
  expect(facts.decision).toStrictEqual({ ...task?.decision, source: task?.decisionSource });
  expect(facts.task).toStrictEqual({ channel: task?.channel, userRole: task?.userRole, attempt });
}
