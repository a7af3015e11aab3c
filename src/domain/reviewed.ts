import type { Case } from './case.ts';
import type { ReviewDecided } from './events.ts';
import { EVALUATOR_VERSION } from './guardrails.ts';
import { canonicalJson, type Json, sha256Hex } from './hash.ts';
import type { Task } from './task.ts';
import { type FactsContext, recommendation } from './verdicts.ts';

/** Everything of a review that a decision about it rests on, part by part, each as its hash. */
export type Reviewed = Readonly<Record<(typeof PARTS)[number], string>>;

const PARTS = [
  'task',
  'decision',
  'verdicts',
  'attempts',
  'routing',
  'case',
  'notes',
  'otherActions',
  'approval',
  'policy',
  'automation',
] as const;

/** What a review is shown under; verification makes it again, under the evaluator of then. */
export type ShownContext = FactsContext & { readonly evaluator?: string };

/**
 * What a reviewer is shown of a task, as far as a decision rests on it. Queue, deadline and claim are not among it, nor what else
 * happens to the case without acting: they make nothing of what was seen untrue.
 */
export function reviewed(current: Case, task: Task, context: ShownContext): Reviewed {
  const first = standingApproval(current, task, context);
  return { ...substance(current, task, context), approval: digest(first && approvalView(first)) };
}

/** One hash over all parts: what a decision is bound to. */
export const reviewedHash = (parts: Reviewed): string => digest(parts);

/** The parts that differ, by name. */
export const changedParts = (before: Reviewed, after: Reviewed): string[] =>
  PARTS.filter((part) => before[part] !== after[part]);

/** The first of two approvals, as long as everything that it rests on is as it was; null where there is none. */
export function standingApproval(
  current: Case,
  task: Task,
  context: ShownContext,
): ReviewDecided['data'] | null {
  const { firstApproval: first = null, replacedApproval = null } = task.review ?? {};
  if (first === null) return null;
  const now = substance(current, task, context);
  // Whoever gave it was shown no approval, or the one that it took the place of.
  const isAsShown = (before: ReviewDecided['data'] | null): boolean =>
    reviewedHash({ ...now, approval: digest(before && approvalView(before)) }) === first.reviewedHash;
  return isAsShown(null) || isAsShown(replacedApproval) ? first : null;
}

const approvalView = ({
  reviewer,
  resolution,
  action,
  reasonCode,
  overrides,
}: ReviewDecided['data']): Json => ({
  reviewer,
  resolution,
  action,
  reasonCode,
  overrides,
});

function substance(current: Case, task: Task, context: ShownContext): Omit<Reviewed, 'approval'> {
  const { description, channel, userRole, submittedBy, fallbackCause, verdicts, attempts, manual } = task;
  const { policy, playbook, signals, paused, evaluator = EVALUATOR_VERSION } = context;
  const decision = recommendation(task);
  const { priority, attributes, personalAttributes } = current.opened ?? NOT_OPENED;
  return {
    task: digest({ description: { ...description }, channel, userRole, submittedBy }),
    decision: digest({ ...decision, fallbackCause }),
    // What a shadow policy says is not shown: no decision rests on it.
    verdicts: digest(verdicts.map(({ shadow: _, ...verdict }) => verdict)),
    attempts: digest(attempts),
    routing: digest(manual?.codes ?? []),
    case: digest({
      state: current.state,
      retryCount: current.retryCount,
      lastErrorType: current.lastErrorType,
      priority,
      attributes,
      personalAttributes,
    }),
    notes: digest(current.notes),
    otherActions: digest(otherActions(current, task)),
    policy: digest({
      policyHash: policy.hash,
      playbookHash: playbook.hash,
      evaluator,
      signals,
    }),
    automation: digest(paused(decision.intent, decision.routeTarget)),
  };
}

const NOT_OPENED = { priority: 'MEDIUM', attributes: {}, personalAttributes: {} } as const;

/** What other tasks have had done for the same case: perhaps what is asked for here has happened meanwhile. */
const otherActions = (current: Case, { taskId }: Task): unknown =>
  [...current.tasks.values()]
    .filter((other) => other.taskId !== taskId && other.attempts.length > 0)
    .map(({ taskId: id, attempts }) => ({ taskId: id, attempts }));

const digest = (value: unknown): string => sha256Hex(canonicalJson(value));
