import type { Case } from './case.ts';
import type { ActionStarted } from './events.ts';
import { lastAttempt, type Task } from './task.ts';
import type { RoutingCode } from './vocabulary.ts';

/** What a task needs next. `recommend` and `execute` reach outside; `evaluate`, `route` and `expire` are pure. */
export type Step =
  | { readonly kind: 'recommend' }
  /** Judge the recommendation by the policy; `attempt` counts from 1. */
  | { readonly kind: 'evaluate'; readonly attempt: number }
  /** Call the backend: for whoever appended this very ActionStarted, nobody else. */
  | { readonly kind: 'execute'; readonly action: ActionStarted['data'] }
  /** The attempt's deadline has passed without a result: its outcome is unknown. */
  | { readonly kind: 'expire'; readonly action: ActionStarted['data'] }
  /** Hand over to a person. */
  | { readonly kind: 'route'; readonly codes: readonly RoutingCode[] }
  /** Another action of this case is open; look again when the case changes, or then at the latest. */
  | { readonly kind: 'wait'; readonly until: string }
  | { readonly kind: 'nothing' };

/**
 * What a task of a case needs next: the heart of the orchestrator, the same for a live request and for recovery.
 *
 * @param now ISO 8601 time, which enters from outside
 * @throws Error when the case has no such task
 */
export function nextStep(current: Case, taskId: string, now: string): Step {
  const task = current.tasks.get(taskId);
  if (!task) throw new Error(`case ${current.caseId} has no task ${taskId}`);
  switch (task.status) {
    case 'RECEIVED':
      return { kind: 'recommend' };
    case 'DECIDED':
      return afterDecision(current, task);
    case 'EXECUTING':
      return duringAttempt(task, now);
    case 'OUTCOME_UNKNOWN':
      return { kind: 'route', codes: ['ACTION_OUTCOME_UNKNOWN'] };
    case 'RETRY_SCHEDULED':
    case 'IN_REVIEW':
    case 'COMPLETED':
    case 'REJECTED':
    case 'CANCELLED':
      return { kind: 'nothing' };
  }
}

function afterDecision(current: Case, task: Task): Step {
  const failed = lastAttempt(task);
  if (failed && task.decision?.retryStrategy !== 'IMMEDIATE') {
    return { kind: 'route', codes: ['ACTION_FAILED'] };
  }
  const open = openAction(current);
  if (open) return { kind: 'wait', until: open.deadlineAt };
  return { kind: 'evaluate', attempt: (failed?.started.attempt ?? 0) + 1 };
}

function duringAttempt(task: Task, now: string): Step {
  const action = lastAttempt(task)?.started;
  if (!action) throw new Error(`task ${task.taskId} executes without an attempt`);
  return now < action.deadlineAt ? { kind: 'execute', action } : { kind: 'expire', action };
}

function openAction(current: Case): ActionStarted['data'] | undefined {
  const task = current.openTaskId === null ? undefined : current.tasks.get(current.openTaskId);
  return task && lastAttempt(task)?.started;
}
