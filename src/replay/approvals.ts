import { isSameAction } from '../domain/attempts.ts';
import type { Case } from '../domain/case.ts';
import type { ReviewDecided } from '../domain/events.ts';
import { reviewed, reviewedHash, type ShownContext, standingApproval } from '../domain/reviewed.ts';
import { canEvaluate } from './evaluators.ts';
import type { Findings } from './findings.ts';
import type { Compiled } from './policies.ts';
import type { Approval } from './reviewers.ts';

/** A case as it was at a revision; undefined where the fold has not got there. */
export type CaseAt = (revision: number) => Case | undefined;

/**
 * The rules for reviewers that a policy makes: a role that may have the action executed; a second person where the policy asks for one,
 * whose approval still stands; and that what was approved is what was shown, and what was so just before. Signals and pauses are
 * taken as the verdict has them.
 */
export function verifyApproval(
  approval: Approval,
  compiled: Extract<Compiled, { kind: 'compiled' }>,
  caseAt: CaseAt,
  findings: Findings,
): void {
  const { event, verdict } = approval;
  const { actor } = event.metadata;
  const tell = (problem: string): void => findings.mismatch('PERMISSION', event, problem);
  if (!verdict.data.facts.limits.roles.some((role) => actor.roles.includes(role)))
    tell('its reviewer has no role that may have it executed');
  const needsTwo = takesTwo(approval, compiled);
  const second = needsTwo ? secondProblem(approval) : null;
  if (second !== null) tell(second);
  const before = caseAt(event.revision - 1);
  if (!before || !canEvaluate(verdict.data.evaluator)) return;
  const context = contextOf(approval, compiled, before);
  if (context === null) {
    tell('its hash is not that of what the case was just before');
    return;
  }
  const shown = caseAt(event.data.reviewedRevision);
  if (!shown || hashOf(shown, approval, context) !== event.data.reviewedHash)
    tell('its hash is not that of what was there at the revision that was shown');
  if (needsTwo && second === null && !stands(before, approval, context))
    tell('what the first approval was given for was not so any more');
}

/** Read off the policy here, and not asked of what asks it when an approval is given. */
function takesTwo(
  { event, verdict }: Approval,
  { policy }: Extract<Compiled, { kind: 'compiled' }>,
): boolean {
  const { intents, riskAbove, overridesFrom } = policy.reviews.fourEyes;
  const { intent, riskScore } = verdict.data.facts.decision;
  const many = overridesFrom !== undefined && event.data.overrides.length >= overridesFrom;
  return intents.includes(intent) || riskScore > riskAbove || many;
}

function secondProblem({ event, first }: Approval): string | null {
  if (first === null) return 'it takes a second person, and nobody else had approved it';
  if (first.data.reviewer === event.data.reviewer)
    return 'it takes a second person, and both approvals are of the same one';
  const { action } = event.data;
  return action && isSameAction(first.data.action, action)
    ? null
    : 'it takes a second person, and the other one had approved something else';
}

/** What it was approved on: running or paused is not recorded of a recommendation in whose place another action was put. */
function contextOf(
  approval: Approval,
  { policy, playbook }: Extract<Compiled, { kind: 'compiled' }>,
  before: Case,
): ShownContext | null {
  const { facts, evaluator } = approval.verdict.data;
  const common = { policy, playbook, shadow: null, signals: facts.signals, evaluator };
  const contexts = [false, true].map((paused): ShownContext => ({ ...common, paused: () => paused }));
  const { reviewedHash: hash } = approval.event.data;
  return contexts.find((context) => hashOf(before, approval, context) === hash) ?? null;
}

function hashOf(current: Case, { event }: Approval, context: ShownContext): string | null {
  const task = current.tasks.get(event.data.taskId);
  return task?.decision ? reviewedHash(reviewed(current, task, context)) : null;
}

function stands(current: Case, { event, first }: Approval, context: ShownContext): boolean {
  const task = current.tasks.get(event.data.taskId);
  const standing: ReviewDecided['data'] | null = task ? standingApproval(current, task, context) : null;
  return standing !== null && standing.reviewedHash === first?.data.reviewedHash;
}
