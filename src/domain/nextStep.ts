import { type Attempt, isBlind, lastAttempt, resultOf, unknownAttempts } from './attempts.ts';
import type { Case } from './case.ts';
import type { ActionStarted } from './events.ts';
import type { Task } from './task.ts';
import type { RetryReason, RoutingCode } from './vocabulary.ts';

/** What a task needs next. `recommend`, `await` and `lookUp` reach outside; `evaluate`, `retry`, `route` and `overdue` are pure. */
export type Step =
  | { readonly kind: 'recommend' }
  /** Judge the recommendation by the policy; `attempt` counts from 1. */
  | { readonly kind: 'evaluate'; readonly attempt: number }
  /** Judge it again, and let the next attempt wait if the policy still says yes. */
  | { readonly kind: 'retry'; readonly attempt: number; readonly reason: RetryReason }
  /**
   * An attempt is open. Whoever appended this very ActionStarted calls the backend, nobody else; everybody else waits for as long
   * as an attempt may take, and then records that its outcome is unknown.
   */
  | { readonly kind: 'await'; readonly attempt: Attempt }
  /** Ask the backend what became of an attempt whose outcome is unknown. */
  | { readonly kind: 'lookUp'; readonly action: ActionStarted['data'] }
  /** Hand over to a person. */
  | { readonly kind: 'route'; readonly codes: readonly RoutingCode[] }
  /** A person should have decided by then, and has not. */
  | { readonly kind: 'overdue'; readonly dueBy: string }
  /** Another action of this case is open; look again when the case changes. */
  | { readonly kind: 'wait' }
  /** The next attempt, or a person's decision, is not due yet. */
  | { readonly kind: 'sleep'; readonly until: string }
  | { readonly kind: 'nothing' };

/**
 * What a task of a case needs next: the heart of the orchestrator, the same for a live request, a retry that falls due, and
 * recovery.
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
      return { kind: 'await', attempt: openAttempt(task) };
    case 'OUTCOME_UNKNOWN':
      return afterUnknown(current, task);
    case 'RETRY_SCHEDULED':
      return whenDue(current, task, now);
    case 'IN_REVIEW':
      return whileInReview(task, now);
    case 'COMPLETED':
    case 'REJECTED':
    case 'CANCELLED':
      return { kind: 'nothing' };
  }
}

function afterDecision(current: Case, task: Task): Step {
  if (task.attempts.length === 0) return evaluation(current, task);
  return again(current, task, 'ATTEMPT_FAILED');
}

/** The backend is asked first, where it can be. */
function afterUnknown(current: Case, task: Task): Step {
  const { started, resolved } = openOrLast(task);
  if (started.lookup && resolved === null) return { kind: 'lookUp', action: started };
  return again(current, task, 'ATTEMPT_UNKNOWN');
}

/** What the recommendation says of retries; but what might be done twice is never tried again: a person decides (rule 5). */
function again(current: Case, task: Task, reason: RetryReason): Step {
  // One approval is for one attempt: whoever gave it decides what comes next.
  const strategy = isBlind(task, true) || wasApproved(task) ? 'NONE' : task.decision?.retryStrategy;
  if (strategy === 'IMMEDIATE') return evaluation(current, task);
  if (strategy !== 'BACKOFF') return { kind: 'route', codes: endingCodes(task) };
  if (current.openTaskId !== null) return { kind: 'wait' };
  return { kind: 'retry', attempt: task.attempts.length + 1, reason };
}

function whenDue(current: Case, task: Task, now: string): Step {
  const until = task.retry?.dueAt ?? now;
  return now < until ? { kind: 'sleep', until } : evaluation(current, task);
}

/** Waiting for a person: a deadline brings the task to more people, and never decides. */
function whileInReview({ review }: Task, now: string): Step {
  const deadline = review?.deadline ?? null;
  if (deadline === null) return { kind: 'nothing' };
  return now < deadline ? { kind: 'sleep', until: deadline } : { kind: 'overdue', dueBy: deadline };
}

const evaluation = (current: Case, task: Task): Step =>
  current.openTaskId === null ? { kind: 'evaluate', attempt: task.attempts.length + 1 } : { kind: 'wait' };

/** Whether the newest attempt was made in a reviewer's name. */
const wasApproved = (task: Task): boolean => lastAttempt(task)?.started.authority.kind === 'reviewer';

/** Why attempts that brought nothing make a task a person's: what is known of them. Empty where none was made. */
export function endingCodes(task: Task): RoutingCode[] {
  const last = lastAttempt(task);
  if (!last) return [];
  const failed: RoutingCode[] = resultOf(last) === 'FAILED' ? ['ACTION_FAILED'] : [];
  // First what may have been done already: whoever takes the task must see that before anything else.
  return unknownAttempts(task).length > 0 ? ['ACTION_OUTCOME_UNKNOWN', ...failed] : failed;
}

function openAttempt(task: Task): Attempt {
  const attempt = openOrLast(task);
  if (attempt.executed) throw new Error(`task ${task.taskId} executes without an open attempt`);
  return attempt;
}

function openOrLast(task: Task): Attempt {
  const attempt = lastAttempt(task);
  if (!attempt) throw new Error(`task ${task.taskId} is ${task.status} without an attempt`);
  return attempt;
}
