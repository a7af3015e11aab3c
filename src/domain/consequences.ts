import { isBlind } from './attempts.ts';
import { type Case, evolve } from './case.ts';
import { dueBy, escalation } from './deadlines.ts';
import type { CaseEvent, RetryScheduled, ReviewOverdue, RoutedToManual } from './events.ts';
import type { Facts } from './facts.ts';
import { endingCodes, nextStep } from './nextStep.ts';
import { pauseMs, withinBudget } from './retries.ts';
import type { Place, Task } from './task.ts';
import { evaluation, factsOf, type JudgeContext, later, routed, started } from './verdicts.ts';
import type { RetryReason, RoutingCode } from './vocabulary.ts';

/**
 * Everything that follows from an effect's result without reaching outside: the effect's own events, then the verdict
 * with its consequence (ActionStarted or RoutedToManual), or the routing to a person. One append (rule 2).
 *
 * @param current the case at the revision that the append will expect
 * @param effects events that tell what an effect brought; may be empty
 * @returns the events to append, in order; empty when there is nothing to do now
 */
export function consequences(
  current: Case,
  taskId: string,
  effects: readonly CaseEvent[],
  context: JudgeContext,
): CaseEvent[] {
  const events: CaseEvent[] = [];
  let state = current;
  const add = (added: readonly CaseEvent[]): void => {
    for (const event of added) state = evolve(state, event, nextPlace(state, context.now));
    events.push(...added);
  };
  add(effects);
  for (;;) {
    const following = follow(state, taskId, context);
    if (following.length === 0) return events;
    add(following);
  }
}

function follow(state: Case, taskId: string, context: JudgeContext): CaseEvent[] {
  const task = state.tasks.get(taskId);
  if (!task) return [];
  const step = nextStep(state, taskId, context.wallNow);
  switch (step.kind) {
    case 'evaluate':
      return context.mayStart ? judge(state, task, step.attempt, null, context) : [];
    case 'retry':
      return judge(state, task, step.attempt, step.reason, context);
    case 'route':
      return [routed(state, task, step.codes, context)];
    case 'overdue':
      return [overdue(state, task, step.dueBy, context)];
    default:
      return [];
  }
}

/**
 * The verdict on an attempt, and what follows from it. Where the policy says yes but the attempt has to wait (`pause` says why, or
 * its backend is down), no verdict is recorded: it is made anew, on the facts of then, when the attempt is due.
 */
function judge(
  current: Case,
  task: Task,
  attempt: number,
  pause: RetryReason | null,
  context: JudgeContext,
): CaseEvent[] {
  const facts = factsOf(current, task, attempt, context);
  const evaluated = evaluation(task, facts, { kind: 'policy' }, context);
  if (evaluated.data.verdict === 'ROUTE_TO_MANUAL') {
    const failed = evaluated.data.guardrails.filter((result) => !result.passed).map((result) => result.code);
    const codes = [...endingCodes(task), ...failed, ...fallbackCode(facts)];
    return [evaluated, routed(current, task, codes, context)];
  }
  const backend = context.backend(facts.decision.routeTarget);
  // It may have been declared otherwise when the attempt of unknown outcome was made.
  if (isBlind(task, backend.idempotent)) return [routed(current, task, endingCodes(task), context)];
  if (isTooLate(task, context)) {
    return [routed(current, task, [...endingCodes(task), 'RETRY_BUDGET_EXHAUSTED'], context)];
  }
  const reason = pause ?? (backend.available() ? null : 'BACKEND_UNAVAILABLE');
  if (reason === null) return [evaluated, started(task, facts, { kind: 'policy' }, backend, context)];
  return [postponed(current, task, attempt, reason, context)];
}

/** How much later than planned a retry may be made, in milliseconds: whoever takes it up may be a moment late. */
const MAY_BE_LATE_MS = 60_000;

/** Whether a task that was tried or waited before has used up its time: everybody may have been away for days. */
const isTooLate = (task: Task, { policy, wallNow }: JudgeContext): boolean =>
  (task.attempts.length > 0 || task.pauses > 0) &&
  !withinBudget(policy.retries, task.receivedAt, later(wallNow, -MAY_BE_LATE_MS));

/** Nothing is sent to find out whether it is back, so whoever waits for it need not wait as long as one who failed. */
const LONGEST_WAIT_FOR_BACKEND_S = 60;

/** The next attempt waits; a person gets the task where policy or budget leave nothing to wait for. */
function postponed(
  current: Case,
  task: Task,
  attempt: number,
  reason: RetryReason,
  context: JudgeContext,
): RetryScheduled | RoutedToManual {
  const { retries } = context.policy;
  const down: RoutingCode[] = reason === 'BACKEND_UNAVAILABLE' ? [reason] : [];
  const codes = [...endingCodes(task), ...down];
  if (down.length > 0 && retries.whenBackendDown === 'MANUAL') return routed(current, task, codes, context);
  const longest = reason === 'BACKEND_UNAVAILABLE' ? LONGEST_WAIT_FOR_BACKEND_S : retries.longestPauseSeconds;
  const dueAt = later(context.wallNow, pauseMs(retries, task.taskId, task.pauses, longest));
  if (!withinBudget(retries, task.receivedAt, dueAt)) {
    return routed(current, task, [...codes, 'RETRY_BUDGET_EXHAUSTED'], context);
  }
  return { type: 'RetryScheduled', data: { taskId: task.taskId, attempt, dueAt, reason } };
}

/** Nobody has decided in time: it goes on waiting, in the next queue if there is one. A deadline never decides (rule 9). */
function overdue(
  current: Case,
  { taskId, review }: Task,
  deadline: string,
  { policy, wallNow }: JudgeContext,
): ReviewOverdue {
  const queue = review?.queue ?? '';
  const next = escalation(policy, queue);
  const priority = current.opened?.priority ?? 'MEDIUM';
  const escalatedTo = next && { queue: next.queue, dueBy: dueBy(policy, next, priority, wallNow) };
  return { type: 'ReviewOverdue', data: { taskId, queue, dueBy: deadline, escalatedTo } };
}

const fallbackCode = (facts: Facts): string[] =>
  facts.decision.source === 'fallback' ? [facts.decision.reasonCode] : [];

const nextPlace = (state: Case, now: string): Place => ({
  id: '',
  revision: state.revision + 1,
  position: state.position,
  recordedAt: now,
  actorId: '',
});
