import { actionOf, isSameAction } from './attempts.ts';
import type { Case } from './case.ts';
import { dueBy } from './deadlines.ts';
import type { ActionStarted, GuardrailEvaluated, RoutedToManual, VerdictAuthority } from './events.ts';
import type { Facts } from './facts.ts';
import { EVALUATOR_VERSION, evaluateGuardrails, limitsFor } from './guardrails.ts';
import type { Playbook } from './playbook.ts';
import type { Policy } from './policy.ts';
import { shadowVerdict } from './shadow.ts';
import type { Signals } from './signals.ts';
import type { Task } from './task.ts';

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

/** What the facts of a verdict come from, besides the case itself. */
export type FactsContext = {
  readonly policy: Policy;
  /** A candidate that is evaluated beside the policy in force, and decides nothing; null without one. */
  readonly shadow: Policy | null;
  readonly playbook: Playbook;
  /** What the text analysis says of the task's text. */
  readonly signals: Signals;
  /** Whether automation is paused for an intent or over a route. */
  readonly paused: (intent: string, route: string) => boolean;
};

/** What a verdict and its consequence are computed from, besides the case itself. */
export type JudgeContext = FactsContext & {
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

/** The recommendation of a task, as a verdict sees it. Throws Error before there is one. */
export function recommendation(task: Task): Facts['decision'] {
  if (!task.decision || !task.decisionSource)
    throw new Error(`task ${task.taskId} cannot be judged before its decision`);
  return { ...task.decision, source: task.decisionSource };
}

/**
 * The facts that a verdict about a task is made from: the case as it is, and the recommendation.
 *
 * @param attempt the attempt that the verdict is about, counted from 1
 * @param decision what a reviewer has put in the recommendation's place
 */
export function factsOf(
  current: Case,
  task: Task,
  attempt: number,
  context: FactsContext,
  decision: Facts['decision'] = recommendation(task),
): Facts {
  if (!current.opened) throw new Error(`task ${task.taskId} is of a case that is not open`);
  return {
    decision,
    case: {
      state: current.state,
      priority: current.opened.priority,
      retryCount: current.retryCount,
      lastErrorType: current.lastErrorType ?? '',
    },
    task: { channel: task.channel, userRole: task.userRole, attempt },
    signals: context.signals,
    automation: { paused: context.paused(decision.intent, decision.routeTarget) },
    limits: limitsFor(context.policy, context.playbook, decision.intent),
  };
}

/** The verdict over facts, on the policy's word alone or with what a reviewer overrides. */
export function evaluation(
  task: Task,
  facts: Facts,
  authority: VerdictAuthority,
  { policy, shadow, playbook }: FactsContext,
): GuardrailEvaluated {
  const overrides = authority.kind === 'reviewer' ? authority.overrides : [];
  return {
    type: 'GuardrailEvaluated',
    data: {
      taskId: task.taskId,
      ...evaluateGuardrails(policy, facts, overrides),
      policyVersion: policy.version,
      policyHash: policy.hash,
      playbookHash: playbook.hash,
      evaluator: EVALUATOR_VERSION,
      attempt: facts.task.attempt,
      authority,
      facts,
      shadow: shadow && shadowVerdict(shadow, playbook, facts, overrides),
    },
  };
}

/** An attempt begins; where the same action was attempted before it keeps its id, which the backend knows it by (rule 5). */
export function started(
  task: Task,
  facts: Facts,
  authority: ActionStarted['data']['authority'],
  { attemptMs, simulated, idempotent, lookup }: BackendFacts,
  context: JudgeContext,
): ActionStarted {
  const { intent, routeTarget } = facts.decision;
  const before = task.attempts.find((attempt) => isSameAction(actionOf(attempt.started), facts.decision));
  const actionId = before?.started.actionId ?? context.newActionId;
  return {
    type: 'ActionStarted',
    data: {
      taskId: task.taskId,
      actionId,
      attempt: facts.task.attempt,
      backend: routeTarget,
      intent,
      idempotencyKey: actionId,
      deadlineAt: later(context.now, attemptMs),
      simulated,
      idempotent,
      lookup,
      authority,
    },
  };
}

/** A task goes to the queue that the policy names for the first of its codes that any queue lists. */
export function routed(
  current: Case,
  task: Task,
  codes: readonly string[],
  { policy, wallNow }: Pick<JudgeContext, 'policy' | 'wallNow'>,
): RoutedToManual {
  const { queues, defaultQueue } = policy;
  const target = queues.find((entry) => entry.codes.some((code) => codes.includes(code))) ?? defaultQueue;
  const priority = current.opened?.priority ?? 'MEDIUM';
  return {
    type: 'RoutedToManual',
    data: {
      taskId: task.taskId,
      codes,
      queue: target.queue,
      dueBy: dueBy(policy, target, priority, wallNow),
    },
  };
}

/** An ISO 8601 time, so many milliseconds later. */
export const later = (time: string, milliseconds: number): string =>
  new Date(Date.parse(time) + milliseconds).toISOString();
