import type { ActionOutcomeResolved, ReviewDecided, ReviewedAction } from '../../../src/domain/events.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { Playbook } from '../../../src/domain/playbook.ts';
import type { Policy } from '../../../src/domain/policy.ts';
import type { Committed, LedgerCase, LedgerTask } from './ledger.ts';
import { approvalText, type Sight, type Sights, substanceAt } from './sights.ts';
import { placeOf, type Violate } from './streamRules.ts';

/** What a process runs on. */
export type Sources = { readonly policy: Policy; readonly playbook: Playbook };

type Decided = Committed & ReviewDecided;

/** A decision is about what somebody was shown, and everything that it rests on is still so, for whoever records it. */
export function checkBasis(
  ledgerCase: LedgerCase,
  event: Decided | (Committed & ActionOutcomeResolved),
  sight: Sight | undefined,
  sights: Sights,
  { policy, playbook }: Sources,
  violate: Violate,
): void {
  const rule = 'decided on what was shown';
  if (!sight) {
    violate(rule, `${placeOf(event)}: nobody was shown that`);
    return;
  }
  if (sight.policyHash !== policy.hash || sight.playbookHash !== playbook.hash)
    violate(rule, `${placeOf(event)} under policy ${policy.version}, and another one was in force`);
  const { events, revision } = ledgerCase;
  const { taskId } = event.data;
  const [then, now] = [sight.revision, revision].map((each) => substanceAt(events, taskId, each));
  if (then !== now) violate(rule, `${placeOf(event)}: ${then} was shown, now it is ${now}`);
  const [before, standing] = [sight.revision, revision].map((each) =>
    approvalText(sights.standingAt(ledgerCase, sight, each)),
  );
  if (before !== standing)
    violate(rule, `${placeOf(event)}: approved by ${before} was shown, now ${standing}`);
}

/**
 * An approval is of somebody who may give it, and two people give it where the policy says so.
 *
 * @param first an approval that waits for this one, and still stands
 */
export function checkApproval(
  task: LedgerTask,
  event: Decided,
  first: Decided | null,
  sources: Sources,
  violate: Violate,
): void {
  const { action, resolution, awaitsSecond } = event.data;
  const isApproval = resolution === 'APPROVED' || resolution === 'EDITED';
  if (!action || !task.decision) {
    if (isApproval || awaitsSecond) violate('what runs was approved', `${placeOf(event)} names nothing`);
    return;
  }
  const isRecommended =
    action.intent === task.decision.intent && action.routeTarget === task.decision.routeTarget;
  if (!isApproval || (resolution === 'APPROVED' && !isRecommended))
    violate('what runs was approved', `${placeOf(event)}: not what was recommended`);
  checkApprover(task, event, action, sources, violate);
  checkTwo(task, event, action, first, sources, violate);
}

function checkApprover(
  task: LedgerTask,
  event: Decided,
  { intent }: ReviewedAction,
  { policy }: Sources,
  violate: Violate,
): void {
  const { reviewer } = event.data;
  const { kind, roles } = event.metadata.actor;
  if (reviewer === task.submittedBy)
    violate('nobody approves their own task', `${placeOf(event)} by ${reviewer}`);
  const allowed = policy.permissions[intent]?.roles ?? [];
  if (kind === 'anonymous' || !allowed.some((role) => roles.includes(role)))
    violate('who approves may have it done', `${placeOf(event)} by ${reviewer}`);
}

function checkTwo(
  task: LedgerTask,
  event: Decided,
  action: ReviewedAction,
  first: Decided | null,
  { policy, playbook }: Sources,
  violate: Violate,
): void {
  const { reviewer, overrides, awaitsSecond } = event.data;
  const needsTwo = asksForTwo(policy, action.intent, judgedRisk(task, event, playbook), overrides.length);
  const isSecond =
    first !== null &&
    first.data.reviewer !== reviewer &&
    canonicalJson(first.data.action) === canonicalJson(action);
  if (awaitsSecond !== (needsTwo && !isSecond))
    violate('two people where the policy says so', `${placeOf(event)} after ${approvalText(first)}`);
  if (!awaitsSecond && event.left !== 2)
    violate('approval and attempt are one append', `${placeOf(event)} and ${event.left} more`);
}

function asksForTwo(
  { reviews: { fourEyes } }: Policy,
  intent: string,
  riskScore: number,
  overrides: number,
): boolean {
  const { intents, riskAbove, overridesFrom } = fourEyes;
  if (intents.includes(intent) || riskScore > riskAbove) return true;
  return overridesFrom !== undefined && overrides >= overridesFrom;
}

/** What another action is taken to risk: what such a one does, and not less than the model saw in the task. */
export function judgedRisk(
  { decision, decisionSource }: LedgerTask,
  { data: { resolution, action } }: Decided,
  playbook: Playbook,
): number {
  const recommended = decision?.riskScore ?? 1;
  if (resolution !== 'EDITED' || !action) return recommended;
  const usual = playbook.intents[action.intent]?.defaults.riskScore ?? 1;
  return decisionSource === 'fallback' ? usual : Math.max(usual, recommended);
}

/** An attempt in a reviewer's name is what that reviewer has approved in the same append; with a person nothing else begins. */
export function checkReviewedStart(
  { last, events }: LedgerCase,
  task: LedgerTask,
  event: Committed & { readonly type: 'ActionStarted' },
  violate: Violate,
): void {
  const { authority, intent, backend, taskId } = event.data;
  if (authority.kind === 'policy') {
    if (task.review) violate('with a person nothing begins by itself', placeOf(event));
    return;
  }
  const before = events.at(-2);
  const decided = before?.type === 'ReviewDecided' && before.append === event.append ? before.data : null;
  const { reviewer } = authority;
  const expected = { taskId, reviewer, awaitsSecond: false, action: { intent, routeTarget: backend } };
  const isApproved = decided && canonicalJson({ ...decided, ...expected }) === canonicalJson(decided);
  const verdict = last?.type === 'GuardrailEvaluated' ? last.data.authority : null;
  const isJudged =
    canonicalJson(verdict) === canonicalJson({ ...authority, overrides: decided?.overrides ?? [] });
  if (!isApproved || !isJudged) violate('what runs was approved', `${placeOf(event)} of ${reviewer}`);
}
