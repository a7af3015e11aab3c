import { isBlind, lastAttempt } from './attempts.ts';
import { type Case, evolve } from './case.ts';
import type {
  ActionStarted,
  CaseEvent,
  GuardrailEvaluated,
  RetryScheduled,
  RoutedToManual,
} from './events.ts';
import type { Facts } from './facts.ts';
import { EVALUATOR_VERSION, evaluateGuardrails, limitsFor } from './guardrails.ts';
import { endingCodes, nextStep } from './nextStep.ts';
import type { Playbook } from './playbook.ts';
import type { Policy } from './policy.ts';
import { pauseMs, withinBudget } from './retries.ts';
import type { Signals } from './signals.ts';
import type { Place, Task } from './task.ts';
import type { RetryReason, RoutingCode } from './vocabulary.ts';

/** What a backend is, at the moment when an attempt over it may start. */
export type BackendFacts = {
  /** How long one attempt may take at most, in milliseconds. */
  readonly attemptMs: number;
  readonly simulated: boolean;
  readonly idempotent: boolean;
  /** Whether it can be asked what became of a call. */
  readonly lookup: boolean;
  /** Whether an attempt may start; false while it is known to be down. Asked where one would start, and then once. */
  readonly available: () => boolean;
};

/** What a verdict and its consequence are computed from, besides the case itself. */
export type JudgeContext = {
  readonly policy: Policy;
  readonly playbook: Playbook;
  /** What the text analysis says of the task's text. */
  readonly signals: Signals;
  /** ISO 8601 time of the append, never before the stream's last. */
  readonly now: string;
  /** ISO 8601 time of the process's clock: behind `now` where a clock had jumped ahead. What is due is counted from here. */
  readonly wallNow: string;
  /** Id of the action, should one start; used once. */
  readonly newActionId: string;
  /** The backend that serves a route. */
  readonly backend: (route: string) => BackendFacts;
  /** False while the process is ending: what would be judged now is left to the next one. */
  readonly mayStart: boolean;
};

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
      return [routed(task, step.codes, context)];
    default:
      return [];
  }
}

/** The facts that a verdict about a task is made from: the case as it is, and the recommendation. */
export function factsOf(current: Case, task: Task, attempt: number, context: JudgeContext): Facts {
  if (!task.decision || !task.decisionSource || !current.opened) {
    throw new Error(`task ${task.taskId} cannot be judged before its decision`);
  }
  return {
    decision: { ...task.decision, source: task.decisionSource },
    case: {
      state: current.state,
      priority: current.opened.priority,
      retryCount: current.retryCount,
      lastErrorType: current.lastErrorType ?? '',
    },
    task: { channel: task.channel, userRole: task.userRole, attempt },
    signals: context.signals,
    limits: limitsFor(context.policy, context.playbook, task.decision.intent),
  };
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
  const evaluated = evaluation(task, facts, context);
  if (evaluated.data.verdict === 'ROUTE_TO_MANUAL') {
    const failed = evaluated.data.guardrails.filter((result) => !result.passed).map((result) => result.code);
    const codes = [...endingCodes(task), ...failed, ...fallbackCode(facts)];
    return [evaluated, routed(task, codes, context)];
  }
  const backend = context.backend(facts.decision.routeTarget);
  // It may have been declared otherwise when the attempt of unknown outcome was made.
  if (isBlind(task, backend.idempotent)) return [routed(task, endingCodes(task), context)];
  if (isTooLate(task, context)) {
    return [routed(task, [...endingCodes(task), 'RETRY_BUDGET_EXHAUSTED'], context)];
  }
  const reason = pause ?? (backend.available() ? null : 'BACKEND_UNAVAILABLE');
  if (reason === null) return [evaluated, started(task, facts, attempt, backend, context)];
  return [postponed(task, attempt, reason, context)];
}

/** How much later than planned a retry may be made, in milliseconds: whoever takes it up may be a moment late. */
const MAY_BE_LATE_MS = 60_000;

/** Whether a task that was tried or waited before has used up its time: everybody may have been away for days. */
const isTooLate = (task: Task, { policy, wallNow }: JudgeContext): boolean =>
  (task.attempts.length > 0 || task.pauses > 0) &&
  !withinBudget(policy.retries, task.receivedAt, later(wallNow, -MAY_BE_LATE_MS));

function evaluation(task: Task, facts: Facts, { policy, playbook }: JudgeContext): GuardrailEvaluated {
  return {
    type: 'GuardrailEvaluated',
    data: {
      taskId: task.taskId,
      ...evaluateGuardrails(policy, facts),
      policyVersion: policy.version,
      policyHash: policy.hash,
      playbookHash: playbook.hash,
      evaluator: EVALUATOR_VERSION,
      attempt: facts.task.attempt,
      facts,
    },
  };
}

/** Nothing is sent to find out whether it is back, so whoever waits for it need not wait as long as one who failed. */
const LONGEST_WAIT_FOR_BACKEND_S = 60;

/** The next attempt waits; a person gets the task where policy or budget leave nothing to wait for. */
function postponed(
  task: Task,
  attempt: number,
  reason: RetryReason,
  context: JudgeContext,
): RetryScheduled | RoutedToManual {
  const { retries } = context.policy;
  const down: RoutingCode[] = reason === 'BACKEND_UNAVAILABLE' ? [reason] : [];
  const codes = [...endingCodes(task), ...down];
  if (down.length > 0 && retries.whenBackendDown === 'MANUAL') return routed(task, codes, context);
  const longest = reason === 'BACKEND_UNAVAILABLE' ? LONGEST_WAIT_FOR_BACKEND_S : retries.longestPauseSeconds;
  const dueAt = later(context.wallNow, pauseMs(retries, task.taskId, task.pauses, longest));
  if (!withinBudget(retries, task.receivedAt, dueAt)) {
    return routed(task, [...codes, 'RETRY_BUDGET_EXHAUSTED'], context);
  }
  return { type: 'RetryScheduled', data: { taskId: task.taskId, attempt, dueAt, reason } };
}

function started(
  task: Task,
  facts: Facts,
  attempt: number,
  { attemptMs, simulated, idempotent, lookup }: BackendFacts,
  context: JudgeContext,
): ActionStarted {
  const actionId = lastAttempt(task)?.started.actionId ?? context.newActionId;
  return {
    type: 'ActionStarted',
    data: {
      taskId: task.taskId,
      actionId,
      attempt,
      backend: facts.decision.routeTarget,
      intent: facts.decision.intent,
      idempotencyKey: actionId,
      deadlineAt: later(context.now, attemptMs),
      simulated,
      idempotent,
      lookup,
      authority: { kind: 'policy' },
    },
  };
}

function routed(task: Task, codes: readonly string[], context: JudgeContext): RoutedToManual {
  const { queues, defaultQueue } = context.policy;
  const target = queues.find((entry) => entry.codes.some((code) => codes.includes(code))) ?? defaultQueue;
  return {
    type: 'RoutedToManual',
    data: {
      taskId: task.taskId,
      codes,
      queue: target.queue,
      dueBy: later(context.wallNow, target.dueMinutes * 60_000),
    },
  };
}

const fallbackCode = (facts: Facts): string[] =>
  facts.decision.source === 'fallback' ? [facts.decision.reasonCode] : [];

const later = (time: string, milliseconds: number): string =>
  new Date(Date.parse(time) + milliseconds).toISOString();

const nextPlace = (state: Case, now: string): Place => ({
  id: '',
  revision: state.revision + 1,
  position: state.position,
  recordedAt: now,
});
