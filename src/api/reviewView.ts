import { z } from 'zod';
import { showReview } from '../commands/shownReview.ts';
import { isSameAction } from '../domain/attempts.ts';
import type { Case } from '../domain/case.ts';
import type { CaseEvent, Recorded } from '../domain/events.ts';
import { limitsFor, manualReasons } from '../domain/guardrails.ts';
import { caseStream } from '../domain/identifiers.ts';
import { holds, type Review } from '../domain/review.ts';
import { standingApproval } from '../domain/reviewed.ts';
import { needsFourEyes } from '../domain/reviewRules.ts';
import type { Task } from '../domain/task.ts';
import { evaluation, factsOf, type JudgeContext } from '../domain/verdicts.ts';
import { OUTCOMES, REVIEW_RESOLUTIONS, TASK_STATUSES, VERDICTS } from '../domain/vocabulary.ts';
import { codec } from '../eventstore/codec.ts';
import { attributesInClear } from '../vault/personalTexts.ts';
import { type CaseVault, PERSONAL_FIELDS } from '../vault/vault.ts';
import type { ApiDependencies } from './dependencies.ts';
import * as schemas from './schemas.ts';
import { attemptView, taskDetail, taskView } from './taskViews.ts';

const action = z.strictObject({ intent: z.string(), routeTarget: z.string() }).meta({ id: 'Action' });
const inClear = z.string().nullable().describe('In clear; null where the key was destroyed');

const resolution = z
  .strictObject({
    reviewer: z.string(),
    resolution: z.enum(REVIEW_RESOLUTIONS),
    reasonCode: z.string(),
    note: inClear,
    action: action.nullable(),
    overrides: z.array(z.string()),
    awaitsSecond: z.boolean(),
    at: schemas.time,
  })
  .meta({ id: 'Resolution' });

/** Everything that a reviewer needs to see of one task. */
export const reviewDetail = taskDetail
  .extend({
    description: inClear.describe("The task's text in clear; null where the key was destroyed"),
    submittedBy: z.string(),
    manual: schemas.manual,
    review: z.strictObject({
      queue: z.string(),
      dueBy: schemas.time,
      overdue: z.boolean(),
      claim: z
        .strictObject({ reviewer: z.string(), leaseUntil: schemas.time })
        .nullable()
        .describe('Who has it now'),
      waitsForInfo: z.boolean(),
      firstApproval: z
        .strictObject({ reviewer: z.string(), action, reasonCode: z.string(), stands: z.boolean() })
        .nullable()
        .describe('An approval that waits for that of a second person; it stands while nothing has changed'),
    }),
    proposal: z
      .strictObject({
        attempt: z.int(),
        action,
        verdict: z.enum(VERDICTS).describe('What the policy in force says now, without overrides'),
        guardrails: z.array(schemas.guardrailResult),
        reasons: schemas.manual.shape.reasons,
        needsSecond: z
          .boolean()
          .describe('Whether its approval, with all overridden that may be, takes a second person'),
      })
      .describe('What APPROVED would have done, held against the policy in force on the facts of now'),
    choices: z
      .strictObject({
        actions: z
          .array(action)
          .describe(
            'What EDITED may name: what playbook and policy let be executed, but for what is recommended',
          ),
        reasonCodes: z.record(z.string(), z.array(z.string())).describe('By what is decided'),
      })
      .describe('What a decision may say'),
    case: z.strictObject({
      state: schemas.caseState,
      priority: schemas.priority,
      retryCount: z.int(),
      lastErrorType: z.string().nullable(),
      attributes: z.record(z.string(), schemas.json),
      personalAttributes: z.record(z.string(), z.string().nullable()),
    }),
    notes: z.array(z.strictObject({ text: inClear, by: z.string(), at: schemas.time })),
    resolutions: z.array(resolution).describe('What reviewers have decided of this task before'),
    otherActions: z
      .array(schemas.attempt.extend({ taskId: schemas.taskId }))
      .describe('What other tasks have had done for the same case'),
    history: z
      .array(
        z.strictObject({
          revision: schemas.revision,
          type: z.string(),
          taskId: z.string().nullable(),
          by: z.string(),
          at: schemas.time,
        }),
      )
      .describe(`The newest events of the case, oldest first; all are at /cases/{caseId}/events`),
    similar: z
      .array(
        z.strictObject({
          taskId: schemas.taskId,
          caseId: schemas.caseId,
          codes: z.array(z.string()),
          resolution: z.string().nullable(),
          reasonCode: z.string().nullable(),
          reviewer: z.string().nullable(),
          status: z.enum(TASK_STATUSES),
          outcome: z.enum(OUTCOMES).nullable(),
          routedAt: schemas.time,
        }),
      )
      .describe('Earlier tasks of the same kind and how they ended; not part of what is hashed'),
    reviewedRevision: schemas.revision.describe("The case's revision that all this was read at"),
    reviewedHash: z
      .string()
      .describe('Hash of everything here that a decision rests on; send both with the decision'),
  })
  .meta({ id: 'Review' });

/** So many of the newest events of a case are shown beside a review. */
const MOST_HISTORY = 200;
const MOST_SIMILAR = 5;

/** A review as `reviewDetail` shows it: one state of the case, under what is in force now. */
export async function reviewView(
  deps: ApiDependencies,
  caseId: string,
  taskId: string,
): Promise<z.infer<typeof reviewDetail>> {
  const shown = await showReview(deps.reviewing, caseId, taskId);
  const { current, opened, task, text, context, reviewedRevision, reviewedHash } = shown;
  const [events, view, similar] = await Promise.all([
    eventsOf(deps, current),
    taskView(deps, caseId, task),
    similarTasks(deps, task),
  ]);
  const { manual } = view;
  if (!manual) throw new Error(`${taskId} was never routed to a person`);
  const { state, retryCount, lastErrorType } = current;
  return {
    ...view,
    manual,
    description: text.description,
    submittedBy: task.submittedBy,
    review: standing(current, task, shown.review, context),
    proposal: proposal(current, task, context),
    choices: choices(task, context),
    case: {
      state,
      priority: opened.priority,
      retryCount,
      lastErrorType,
      attributes: opened.attributes,
      personalAttributes: attributesInClear(opened, text.vault),
    },
    notes: events.flatMap((event) => noteView(event, text.vault)),
    resolutions: events.flatMap((event) => resolutionView(event, taskId, text.vault)),
    otherActions: [...current.tasks.values()]
      .filter((other) => other.taskId !== taskId)
      .flatMap((other) => other.attempts.map((each) => ({ taskId: other.taskId, ...attemptView(each) }))),
    history: events.slice(-MOST_HISTORY).map(historyView),
    similar,
    reviewedRevision,
    reviewedHash,
  };
}

function standing(
  current: Case,
  task: Task,
  { queue, dueBy, overdue, claim, waitsForInfo, firstApproval: first }: Review,
  context: JudgeContext,
): z.infer<typeof reviewDetail>['review'] {
  return {
    queue,
    dueBy,
    overdue,
    claim: holds(claim, context.now) ? { ...claim } : null,
    waitsForInfo,
    firstApproval: first?.action
      ? {
          reviewer: first.reviewer,
          action: first.action,
          reasonCode: first.reasonCode,
          stands: standingApproval(current, task, context) !== null,
        }
      : null,
  };
}

function proposal(
  current: Case,
  task: Task,
  context: JudgeContext,
): z.infer<typeof reviewDetail>['proposal'] {
  const attempt = task.attempts.length + 1;
  const facts = factsOf(current, task, attempt, context);
  const { verdict, guardrails } = evaluation(task, facts, { kind: 'policy' }, context).data;
  const { intent, routeTarget } = facts.decision;
  return {
    attempt,
    action: { intent, routeTarget },
    verdict,
    guardrails: guardrails.map((result) => ({ ...result })),
    reasons: manualReasons(context.policy, facts, guardrails).map((reason) => ({ ...reason })),
    needsSecond: needsFourEyes(context.policy.reviews, {
      intent,
      riskScore: facts.decision.riskScore,
      overrides: guardrails.filter(({ passed, overridable }) => !passed && overridable).length,
    }),
  };
}

function choices(
  { decision }: Task,
  { policy, playbook }: JudgeContext,
): z.infer<typeof reviewDetail>['choices'] {
  const actions = Object.entries(playbook.intents)
    .filter(([, { automatable }]) => automatable)
    .flatMap(([intent]) =>
      limitsFor(policy, playbook, intent).routes.map((routeTarget) => ({ intent, routeTarget })),
    )
    .filter((each) => !decision || !isSameAction(decision, each));
  return { actions, reasonCodes: policy.reviews.reasonCodes };
}

/** All of them: a note that a decision rests on may be old. */
async function eventsOf(
  { store }: ApiDependencies,
  { caseId, revision }: Case,
): Promise<Recorded<CaseEvent>[]> {
  const stored = await store.readStream(caseStream(caseId), 0, revision + 1);
  return stored.map((event) => codec.decode(event) as Recorded<CaseEvent>);
}

async function similarTasks(
  deps: ApiDependencies,
  { taskId, decision, manual }: Task,
): Promise<z.infer<typeof reviewDetail>['similar']> {
  const found = await deps.readModels.similarReviews({
    taskId,
    intent: decision?.intent ?? '',
    codes: manual?.codes ?? [],
    limit: MOST_SIMILAR,
  });
  return found.map((each) => ({ ...each, codes: [...each.codes] }));
}

const by = ({ metadata }: Recorded<CaseEvent>): { readonly by: string; readonly at: string } => ({
  by: metadata.actor.id,
  at: metadata.recordedAt,
});

function noteView(
  event: Recorded<CaseEvent>,
  vault: CaseVault | null,
): z.infer<typeof reviewDetail>['notes'] {
  if (event.type !== 'CaseNoteAdded') return [];
  return [{ text: vault?.open(PERSONAL_FIELDS.note, event.data.text) ?? null, ...by(event) }];
}

function resolutionView(
  event: Recorded<CaseEvent>,
  taskId: string,
  vault: CaseVault | null,
): z.infer<typeof resolution>[] {
  if (event.type !== 'ReviewDecided' || event.data.taskId !== taskId) return [];
  const { reviewer, reasonCode, note, action: what, overrides, awaitsSecond } = event.data;
  return [
    {
      reviewer,
      resolution: event.data.resolution,
      reasonCode,
      note: note && (vault?.open(PERSONAL_FIELDS.reviewNote, note) ?? null),
      action: what,
      overrides: [...overrides],
      awaitsSecond,
      at: by(event).at,
    },
  ];
}

const historyView = (event: Recorded<CaseEvent>): z.infer<typeof reviewDetail>['history'][number] => ({
  revision: event.revision,
  type: event.type,
  taskId: 'taskId' in event.data ? event.data.taskId : null,
  ...by(event),
});
