import { type Case, evolve } from './case.ts';
import type {
  ActionExecuted,
  ActionStarted,
  CaseEvent,
  GuardrailEvaluated,
  RoutedToManual,
} from './events.ts';
import type { Facts } from './facts.ts';
import { EVALUATOR_VERSION, evaluateGuardrails, limitsFor } from './guardrails.ts';
import { nextStep } from './nextStep.ts';
import type { Playbook } from './playbook.ts';
import type { Policy } from './policy.ts';
import type { Signals } from './signals.ts';
import { lastAttempt, type Place, type Task } from './task.ts';

/** What a verdict and its consequence are computed from, besides the case itself. */
export type JudgeContext = {
  readonly policy: Policy;
  readonly playbook: Playbook;
  /** What the text analysis says of the task's text. */
  readonly signals: Signals;
  /** ISO 8601 time of the append. */
  readonly now: string;
  /** Id of the action, should one start; used once. */
  readonly newActionId: string;
  /** How long one attempt over a route may take at most, in milliseconds, and whether it only simulates. */
  readonly backend: (route: string) => { readonly attemptMs: number; readonly simulated: boolean };
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
  const step = nextStep(state, taskId, context.now);
  switch (step.kind) {
    case 'evaluate':
      return context.mayStart ? judge(state, task, step.attempt, context) : [];
    case 'route':
      return [routed(task, step.codes, context)];
    case 'expire':
      return [expired(step.action)];
    default:
      return [];
  }
}

function expired(action: ActionStarted['data']): ActionExecuted {
  const { taskId, actionId, attempt, simulated } = action;
  return {
    type: 'ActionExecuted',
    data: {
      taskId,
      actionId,
      attempt,
      result: 'UNKNOWN',
      errorType: 'DEADLINE_PASSED',
      responseDigest: null,
      durationMs: null,
      simulated,
    },
  };
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

function judge(current: Case, task: Task, attempt: number, context: JudgeContext): CaseEvent[] {
  const { policy, playbook } = context;
  const facts = factsOf(current, task, attempt, context);
  const { verdict, guardrails } = evaluateGuardrails(policy, facts);
  const evaluated: GuardrailEvaluated = {
    type: 'GuardrailEvaluated',
    data: {
      taskId: task.taskId,
      verdict,
      policyVersion: policy.version,
      policyHash: policy.hash,
      playbookHash: playbook.hash,
      evaluator: EVALUATOR_VERSION,
      attempt,
      facts,
      guardrails,
    },
  };
  if (verdict === 'EXECUTE') return [evaluated, started(task, facts, attempt, context)];
  const codes = guardrails.filter((result) => !result.passed).map((result) => result.code);
  const before = task.attempts.length > 0 ? ['ACTION_FAILED'] : [];
  return [evaluated, routed(task, [...before, ...codes, ...fallbackCode(facts)], context)];
}

function started(task: Task, facts: Facts, attempt: number, context: JudgeContext): ActionStarted {
  const backend = facts.decision.routeTarget;
  const { attemptMs, simulated } = context.backend(backend);
  const actionId = lastAttempt(task)?.started.actionId ?? context.newActionId;
  return {
    type: 'ActionStarted',
    data: {
      taskId: task.taskId,
      actionId,
      attempt,
      backend,
      intent: facts.decision.intent,
      idempotencyKey: actionId,
      deadlineAt: later(context.now, attemptMs),
      simulated,
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
      dueBy: later(context.now, target.dueMinutes * 60_000),
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
