import type { Case } from '../../src/domain/case.ts';
import type { Decided } from '../../src/domain/decide.ts';
import type {
  ActionStarted,
  Actor,
  CaseEvent,
  CommandKey,
  GuardrailEvaluated,
  ReviewDecided,
} from '../../src/domain/events.ts';
import type { Facts } from '../../src/domain/facts.ts';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { claimReview, releaseReview } from '../../src/domain/reviewClaims.ts';
import { decideReview, type ReviewDecision, recordOutcome } from '../../src/domain/reviewDecisions.ts';
import { type Reviewed, reviewedHash, reviewed as reviewedParts } from '../../src/domain/reviewed.ts';
import type { JudgeContext } from '../../src/domain/verdicts.ts';
import {
  AT,
  caseAfter,
  context,
  evaluated,
  facts,
  opened,
  policy,
  received,
  recommended,
  routed,
  started,
  taskId,
} from '../support/builders.ts';
import { claimed, reviewed } from '../support/reviewBuilders.ts';

const person = (id: string, ...roles: readonly string[]): Actor => ({
  kind: 'person',
  id,
  roles,
  authMethod: 'oidc',
});
export const ann = person('ann', 'OPS');
export const bob = person('bob', 'OPS');
export const cid = person('cid', 'OPS');
export const sue = person('sue', 'SUPERVISOR');
/** Who has submitted every task of `caseAfter`. */
export const submitter = person('test', 'OPS');

/** Task 1 waits for a person, who may override what stands against it. */
export const doubtful = { confidence: 0.5 };
export const inReview: readonly CaseEvent[] = [
  opened(),
  received(),
  recommended(1, doubtful),
  evaluated(1, facts({ decision: doubtful })),
  routed(1, ['CONFIDENCE_TOO_LOW']),
];
/** The same, and ann has it. */
export const claimedByAnn = [...inReview, claimed(1, 'ann')];
export const RECOMMENDED = { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'PARTNER_API' };
export const ANOTHER = { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'CORE_SYSTEM' };

/** What the parts of task 1's review are, after these events. */
export const partsAfter = (
  events: readonly CaseEvent[],
  using: Partial<JudgeContext> = {},
  n = 1,
): Reviewed => {
  const current = caseAfter(events);
  const task = current.tasks.get(taskId(n));
  if (!task) throw new Error(`no task ${n}`);
  return reviewedParts(current, task, context(using));
};
/** The hash that a reviewer of task 1 is shown after these events. */
export const hashAfter = (events: readonly CaseEvent[], using: Partial<JudgeContext> = {}): string =>
  reviewedHash(partsAfter(events, using));

const hashOf = (current: Case, using: Partial<JudgeContext>): string => {
  const task = current.tasks.get(taskId());
  return task?.decision ? reviewedHash(reviewedParts(current, task, context(using))) : 'nothing was shown';
};

export type Command = (current: Case) => Decided;
/** What somebody asks for besides; who, when and under what, where it is not ann at AT under the default policy. */
type Asked = {
  readonly by?: Actor;
  readonly command?: CommandKey | null;
  readonly using?: Partial<JudgeContext>;
};
const byOf = ({ by = ann, command = null, using = {} }: Asked) => ({
  reviewer: by,
  now: using.now ?? AT,
  command,
});

/** Claims task 1. */
export const claiming =
  (asked: Asked & { readonly takeover?: boolean } = {}): Command =>
  (current) =>
    claimReview(current, taskId(), asked.takeover ?? false, byOf(asked), asked.using?.policy ?? policy);

export const releasing =
  (asked: Asked = {}): Command =>
  (current) =>
    releaseReview(current, taskId(), byOf(asked), asked.using?.policy ?? policy);

const REASONS = {
  APPROVED: 'CONFIRMED',
  EDITED: 'CORRECTED',
  REJECTED: 'NOT_JUSTIFIED',
  INFO_REQUESTED: 'MORE_INFORMATION_NEEDED',
} as const;

/** Decides task 1, on what is there now unless a hash says otherwise. */
export const deciding =
  (
    resolution: ReviewDecision['resolution'],
    changes: Partial<ReviewDecision> = {},
    asked: Asked = {},
  ): Command =>
  (current) => {
    const decision = {
      resolution,
      reasonCode: REASONS[resolution],
      note: null,
      reviewedHash: hashOf(current, asked.using ?? {}),
      reviewedRevision: current.revision,
      overrides: [],
      action: null,
      ...changes,
    };
    return decideReview(current, taskId(), decision, byOf(asked), context(asked.using));
  };

/** Says what became of an attempt of task 1. */
export const recording =
  (
    result: 'SUCCEEDED' | 'FAILED',
    changes: { readonly attempt?: number; readonly reasonCode?: string; readonly reviewedHash?: string } = {},
    asked: Asked = {},
  ): Command =>
  (current) =>
    recordOutcome(
      current,
      taskId(),
      {
        attempt: 1,
        result,
        reasonCode: 'CHECKED_WITH_BACKEND',
        note: null,
        reviewedHash: hashOf(current, asked.using ?? {}),
        ...changes,
      },
      byOf(asked),
      context(asked.using),
    );

/** The decision that is recorded of task 1, made on what is there after these events. */
export const decidedOn = (
  events: readonly CaseEvent[],
  resolution: ReviewDecision['resolution'],
  changes: Partial<ReviewDecided['data']> = {},
  using: Partial<JudgeContext> = {},
): ReviewDecided =>
  reviewed(resolution, 1, {
    reviewer: 'ann',
    reasonCode: REASONS[resolution],
    reviewedHash: hashAfter(events, using),
    reviewedRevision: events.length - 1,
    action: resolution === 'APPROVED' ? RECOMMENDED : resolution === 'EDITED' ? ANOTHER : null,
    ...changes,
  });

/** A reviewer's verdict on task 1, under the default policy. */
export function verdictOf(
  over: Facts,
  overrides: readonly string[] = [],
  reviewer = 'ann',
): GuardrailEvaluated {
  const { type, data } = evaluated(1, over);
  const authority = { kind: 'reviewer', reviewer, overrides } as const;
  return { type, data: { ...data, ...evaluateGuardrails(policy, over, overrides), authority } };
}

/** An attempt of task 1 in a reviewer's name. */
export const startedBy = (
  reviewer: string,
  attempt = 1,
  changes: Partial<ActionStarted['data']> = {},
): ActionStarted => started(1, attempt, { authority: { kind: 'reviewer', reviewer }, ...changes });

/** The events that a command leads to, after these. */
export const eventsOf = (events: readonly CaseEvent[], command: Command): readonly CaseEvent[] => [
  ...events,
  ...command(caseAfter(events)).events,
];

/** Commands one after another, each on what the one before has led to. */
export const story = (events: readonly CaseEvent[], ...commands: readonly Command[]): readonly CaseEvent[] =>
  commands.reduce(eventsOf, events);
