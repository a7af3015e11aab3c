import { actionOf, attemptOf, isBlind, isSameAction, tellsMore, unknownAttempts } from './attempts.ts';
import type { Case } from './case.ts';
import { type Decided, isRepeat, NOTHING_NEW } from './decide.ts';
import type { Actor, CaseEvent, ReviewDecided, ReviewedAction, Sealed } from './events.ts';
import type { Facts } from './facts.ts';
import type { GuardrailResult } from './guardrails.ts';
import type { Playbook } from './playbook.ts';
import { RefusedError } from './refusal.ts';
import { type ByReviewer, findReview, type InReview, mustBeInReview, mustHaveClaim } from './reviewClaims.ts';
import { reviewed, reviewedHash, standingApproval } from './reviewed.ts';
import { needsFourEyes, type ReasonedBy } from './reviewRules.ts';
import type { Task } from './task.ts';
import {
  type BackendFacts,
  evaluation,
  factsOf,
  type JudgeContext,
  recommendation,
  started,
} from './verdicts.ts';
import type { AttemptResult, ReviewResolution } from './vocabulary.ts';

/** What every decision of a reviewer says: why, and what it was made on. */
type Grounds = {
  readonly reasonCode: string;
  readonly note: Sealed | null;
  readonly reviewedHash: string;
};

export type ReviewDecision = Grounds & {
  readonly resolution: ReviewResolution;
  readonly reviewedRevision: number;
  /** Guardrails to override, by name; each that does so is named in the event. */
  readonly overrides: readonly string[];
  /** With EDITED: what is to be done instead of the recommended action. */
  readonly action: ReviewedAction | null;
};

/** A reviewer, as authentication says. */
export type Reviewing = Omit<ByReviewer, 'reviewer'> & { readonly reviewer: Actor };

/**
 * Decides a review that the reviewer has claimed, on what the reviewer has seen. An approval is a verdict of its own, on the case as it
 * is now, and one append with the attempt that it permits (rule 2); where the policy asks for a second person, the first approval
 * waits.
 *
 * @throws RefusedError with the reason, one of those of `refusal.ts`; nothing happens then
 */
export function decideReview(
  current: Case,
  taskId: string,
  decision: ReviewDecision,
  by: Reviewing,
  context: JudgeContext,
): Decided {
  const found = openForDecision(current, taskId, decision, by, context, decision.resolution);
  if (found === null) return NOTHING_NEW;
  const { task } = found;
  const { resolution, overrides } = decision;
  if (resolution !== 'EDITED' && decision.action !== null)
    throw invalid('action', 'is for EDITED only; leave it out');
  if (resolution === 'REJECTED' || resolution === 'INFO_REQUESTED') {
    if (overrides.length > 0) throw invalid('overrides', 'are for APPROVED and EDITED only; leave them out');
    const decided = decidedEvent(taskId, decision, by, { action: null, overrides: [], awaitsSecond: false });
    return { events: [decided], replayed: false };
  }
  return { events: approval(current, task, decision, by, context), replayed: false };
}

/**
 * Records what a backend really did in an attempt of unknown outcome, as a reviewer has found out.
 *
 * @throws RefusedError with the reason; nothing happens then
 */
export function recordOutcome(
  current: Case,
  taskId: string,
  outcome: Grounds & { readonly attempt: number; readonly result: Exclude<AttemptResult, 'UNKNOWN'> },
  by: Reviewing,
  context: JudgeContext,
): Decided {
  const found = openForDecision(current, taskId, outcome, by, context, 'OUTCOME_RECORDED');
  if (found === null) return NOTHING_NEW;
  const attempt = attemptOf(found.task, outcome.attempt);
  if (!attempt || !tellsMore(attempt, outcome.result))
    throw invalid('attempt', 'must be the number of an attempt whose outcome is unknown');
  const { result, reasonCode, note } = outcome;
  return {
    events: [
      {
        type: 'ActionOutcomeResolved',
        data: {
          taskId,
          actionId: attempt.started.actionId,
          attempt: outcome.attempt,
          result,
          // Guardrails read it: a reviewer's reason is no error of the backend.
          errorType: result === 'FAILED' ? 'REPORTED_BY_REVIEWER' : null,
          responseDigest: null,
          source: 'REVIEWER',
          review: {
            reviewer: by.reviewer.id,
            reasonCode,
            note,
            reviewedHash: outcome.reviewedHash,
            command: by.command,
          },
        },
      },
    ],
    replayed: false,
  };
}

/** The review, if it may be decided by this reviewer on these grounds; null for a repeat. */
function openForDecision(
  current: Case,
  taskId: string,
  grounds: Grounds,
  by: Reviewing,
  context: JudgeContext,
  what: ReasonedBy,
): InReview | null {
  const any = findReview(current, taskId);
  if (isRepeat(current, by.command)) return null;
  const found = mustBeInReview(any);
  mustHaveClaim(found.review, by);
  const codes = context.policy.reviews.reasonCodes[what];
  if (!codes.includes(grounds.reasonCode)) throw invalid('reasonCode', `must be one of ${codes.join(', ')}`);
  if (reviewedHash(reviewed(current, found.task, context)) !== grounds.reviewedHash)
    throw new RefusedError('REVIEW_STALE', 'what you were shown is not what is there now; read it again');
  return found;
}

function approval(
  current: Case,
  task: Task,
  decision: ReviewDecision,
  by: Reviewing,
  context: JudgeContext,
): CaseEvent[] {
  mustBeAnother(task, by.reviewer);
  const judged = judgedDecision(task, decision, context.playbook);
  const action: ReviewedAction = { intent: judged.intent, routeTarget: judged.routeTarget };
  const facts = factsOf(current, task, task.attempts.length + 1, context, judged);
  const overrides = overridden(task, facts, decision.overrides, context);
  mustHoldRole(by.reviewer, facts.limits.roles, action.intent);
  const backend = context.backend(action.routeTarget);
  mustBeFree(current, task, action, backend);
  const { riskScore } = judged;
  const needsTwo = needsFourEyes(context.policy.reviews, {
    ...action,
    riskScore,
    overrides: overrides.length,
  });
  const first = standingApproval(current, task, context);
  const approvedBy = first && isSameAction(first.action, action) ? first.reviewer : null;
  if (needsTwo && approvedBy === by.reviewer.id)
    throw new RefusedError('REVIEWER_NOT_ALLOWED', 'you have approved it; a second person must do so too');
  if (needsTwo && approvedBy === null)
    return [decidedEvent(task.taskId, decision, by, { action, overrides, awaitsSecond: true })];
  if (!context.mayStart || !backend.available())
    throw new RefusedError(
      'BACKEND_UNAVAILABLE',
      `nothing can be sent to ${action.routeTarget} at the moment`,
    );
  const reviewer = by.reviewer.id;
  return [
    decidedEvent(task.taskId, decision, by, { action, overrides, awaitsSecond: false }),
    evaluation(task, facts, { kind: 'reviewer', reviewer, overrides }, context),
    started(task, facts, { kind: 'reviewer', reviewer }, backend, context),
  ];
}

const decidedEvent = (
  taskId: string,
  { resolution, reasonCode, note, reviewedHash: hash, reviewedRevision }: ReviewDecision,
  { reviewer, command }: Reviewing,
  effect: Pick<ReviewDecided['data'], 'action' | 'overrides' | 'awaitsSecond'>,
): ReviewDecided => ({
  type: 'ReviewDecided',
  data: {
    taskId,
    reviewer: reviewer.id,
    resolution,
    reasonCode,
    note,
    reviewedHash: hash,
    reviewedRevision,
    ...effect,
    command,
  },
});

/** Rule 2 wants an authenticated reviewer; and nobody lets happen what they have asked for themselves. */
function mustBeAnother(task: Task, { id, kind }: Actor): void {
  const refuse = (why: string): never => {
    throw new RefusedError('REVIEWER_NOT_ALLOWED', why);
  };
  if (kind === 'anonymous') {
    refuse(
      'only an authenticated reviewer may let something be executed: start the service with AUTHENTICATION',
    );
  }
  if (id === task.submittedBy) refuse('you have submitted this task, so another person must approve it');
}

/**
 * What is judged in place of the recommendation. Another action has the playbook's defaults, and never less risk than the
 * recommendation saw in the task; that it is meant is certain.
 */
function judgedDecision(
  task: Task,
  { resolution, action }: ReviewDecision,
  playbook: Playbook,
): Facts['decision'] {
  const recommended = recommendation(task);
  if (resolution === 'APPROVED') return recommended;
  if (action === null) throw invalid('action', 'must say which intent and routeTarget EDITED means');
  // What a person is sure of needs no guardrail of the recommendation's overridden: it must be something else.
  if (isSameAction(action, recommended)) throw invalid('action', 'is what is recommended: say APPROVED');
  const spec = Object.hasOwn(playbook.intents, action.intent) ? playbook.intents[action.intent] : undefined;
  if (!spec) throw invalid('action.intent', `must be one of ${Object.keys(playbook.intents).join(', ')}`);
  if (!Object.hasOwn(playbook.backends, action.routeTarget))
    throw invalid('action.routeTarget', `must be one of ${Object.keys(playbook.backends).join(', ')}`);
  const assessed = recommended.source === 'fallback' ? 0 : recommended.riskScore;
  return {
    ...action,
    nextStep: 'AUTOMATED_EXECUTION',
    retryStrategy: 'NONE',
    riskScore: Math.max(spec.defaults.riskScore, assessed),
    confidence: 1,
    reasonCode: spec.defaults.reasonCode,
    source: 'reviewer',
  };
}

/** The guardrails that fail and are overridden. Throws RefusedError GUARDRAILS_REFUSE with all that still stand against it. */
function overridden(task: Task, facts: Facts, asked: readonly string[], context: JudgeContext): string[] {
  const known = context.policy.guardrails.map(({ name }) => name);
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw invalid('overrides', `must name guardrails of the policy: ${known.join(', ')}`);
  const { guardrails } = evaluation(task, facts, { kind: 'policy' }, context).data;
  const failed = guardrails.filter(({ passed }) => !passed);
  const yields = ({ name, overridable }: GuardrailResult): boolean => overridable && asked.includes(name);
  const against = failed.filter((result) => !yields(result));
  if (against.length === 0) return failed.map(({ name }) => name);
  const names = against.map(({ name, overridable }) => (overridable ? `${name} (may be overridden)` : name));
  throw new RefusedError('GUARDRAILS_REFUSE', `these guardrails refuse it: ${names.join(', ')}`, null, {
    guardrails: against.map(({ name, code, overridable }) => ({ name, code, overridable })),
  });
}

/** Whoever stands in for the one who asked must be somebody who may have it executed. */
function mustHoldRole({ roles }: Actor, allowed: readonly string[], intent: string): void {
  if (allowed.some((role) => roles.includes(role))) return;
  throw new RefusedError('ROLE_NOT_HELD', `only ${allowed.join(', ')} may have ${intent} executed`);
}

/** Rule 5: one open action a case, and never again what may have been done already. */
function mustBeFree(current: Case, task: Task, action: ReviewedAction, { idempotent }: BackendFacts): void {
  if (current.openTaskId !== null)
    throw new RefusedError('ACTION_OPEN', 'another action of this case is open; decide when it has ended');
  const isAnother = task.attempts.some((attempt) => !isSameAction(action, actionOf(attempt.started)));
  const isMixed = unknownAttempts(task).length > 0 && isAnother;
  if (isMixed || isBlind(task, idempotent)) {
    const message = 'an earlier attempt may have done it: record what the backend did (POST …/outcome) first';
    throw new RefusedError('OUTCOME_UNKNOWN', message);
  }
}

const invalid = (field: string, message: string): RefusedError =>
  new RefusedError('INVALID_INPUT', message, field);
