import { z } from 'zod';
import type { Sources } from '../commands/sources.ts';
import type { Attempt } from '../domain/attempts.ts';
import type { ShadowVerdict } from '../domain/events.ts';
import { type ManualReason, manualReasons } from '../domain/guardrails.ts';
import { caseIdOfTask } from '../domain/identifiers.ts';
import type { Task } from '../domain/task.ts';
import type { ApiDependencies } from './dependencies.ts';
import { fieldError } from './problems.ts';
import * as schemas from './schemas.ts';

/** One task, with everything that is known of it but its text. */
export const taskDetail = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status: schemas.taskStatus,
    outcome: schemas.outcome,
    decision: schemas.decision.nullable(),
    decisionSource: schemas.decisionSource,
    fallbackCause: z.string().nullable(),
    channel: z.string(),
    userRole: z.string(),
    receivedAt: schemas.time,
    revision: schemas.revision,
    position: schemas.position,
    verdicts: z.array(schemas.verdict),
    attempts: z.array(schemas.attempt),
    retry: schemas.retry
      .nullable()
      .describe('While the status is RETRY_SCHEDULED: when the next attempt is due, and why it waits'),
    manual: schemas.manual.nullable(),
    simulated: z.boolean().describe('Whether a backend that was called only simulates'),
  })
  .meta({ id: 'Task' });

/** A task by its id, from its case's stream. Throws ProblemError task-not-found. */
export async function findTask(
  deps: ApiDependencies,
  taskId: string,
): Promise<{ readonly caseId: string; readonly task: Task }> {
  const caseId = caseIdOfTask(taskId);
  const task = caseId === null ? undefined : (await deps.cases.load(caseId)).tasks.get(taskId);
  if (caseId === null || !task) throw fieldError('task-not-found', 'taskId', 'names no task');
  return { caseId, task };
}

/** A task as `taskDetail` shows it. */
export async function taskView(
  deps: ApiDependencies,
  caseId: string,
  task: Task,
): Promise<z.infer<typeof taskDetail>> {
  const { taskId, status, outcome, decision, decisionSource, fallbackCause, channel, userRole } = task;
  return {
    taskId,
    caseId,
    status,
    outcome,
    decision,
    decisionSource,
    fallbackCause,
    channel,
    userRole,
    receivedAt: task.receivedAt,
    revision: task.revision,
    position: deps.positions.encode(task.position),
    verdicts: verdictsView(task),
    attempts: task.attempts.map(attemptView),
    retry: retryView(task),
    manual: await manualView(deps.sources, task),
    simulated: isSimulated(task),
  };
}

/** Where a task waits for a person, and why, in the words of the policy that judged it; null where it does not. */
export async function manualView(
  sources: Sources,
  task: Task,
): Promise<z.infer<typeof schemas.manual> | null> {
  if (!task.manual || !task.review) return null;
  const { codes } = task.manual;
  const { queue, dueBy } = task.review;
  return {
    queue,
    dueBy,
    codes: [...codes],
    reasons: (await reasonsOf(sources, task)).map((reason) => ({ ...reason })),
  };
}

async function reasonsOf(sources: Sources, task: Task): Promise<readonly ManualReason[]> {
  const last = task.verdicts.at(-1);
  if (!last || last.verdict === 'EXECUTE') return [];
  const policy = await sources.compiled(last.policyHash, last.playbookHash);
  if (!policy) throw new Error(`the log lacks policy ${last.policyHash} or playbook ${last.playbookHash}`);
  return manualReasons(policy, last.facts, last.guardrails);
}

/** The results of a task's last verdict; empty before the first. */
export const guardrailsView = (task: Task): z.infer<typeof schemas.guardrailResult>[] =>
  (task.verdicts.at(-1)?.guardrails ?? []).map((result) => ({ ...result }));

/** Whether an attempt of this task was simulated. */
export const isSimulated = (task: Task): boolean =>
  task.attempts.some((attempt) => attempt.executed?.simulated === true);

const verdictsView = (task: Task): z.infer<typeof schemas.verdict>[] =>
  task.verdicts.map(
    ({ verdict, attempt, authority, policyVersion, policyHash, playbookHash, evaluator, ...results }) => ({
      verdict,
      attempt,
      authority: authority.kind,
      reviewer: authority.kind === 'reviewer' ? authority.reviewer : null,
      overrides: authority.kind === 'reviewer' ? [...authority.overrides] : [],
      policyVersion,
      policyHash,
      playbookHash,
      evaluator,
      guardrails: results.guardrails.map((result) => ({ ...result })),
      shadow: shadowView(results.shadow),
    }),
  );

function shadowView(shadow: ShadowVerdict | null): z.infer<typeof schemas.verdict>['shadow'] {
  if (shadow === null) return null;
  const { verdict, policyVersion, policyHash, guardrails } = shadow;
  return { verdict, policyVersion, policyHash, guardrails: guardrails.map((result) => ({ ...result })) };
}

function retryView({ status, retry }: Task): z.infer<typeof schemas.retry> | null {
  if (status !== 'RETRY_SCHEDULED' || !retry) return null;
  const { attempt, dueAt, reason } = retry;
  return { attempt, dueAt, reason };
}

/** An attempt as every view shows it. */
export function attemptView({ started, executed, resolved }: Attempt): z.infer<typeof schemas.attempt> {
  const { actionId, attempt, backend, intent, deadlineAt, authority } = started;
  return {
    actionId,
    attempt,
    backend,
    intent,
    authority: authority.kind,
    reviewer: authority.kind === 'reviewer' ? authority.reviewer : null,
    deadlineAt,
    result: executed?.result ?? null,
    errorType: executed?.errorType ?? null,
    durationMs: executed?.durationMs ?? null,
    simulated: executed?.simulated ?? null,
    resolved: resolved && {
      result: resolved.result,
      errorType: resolved.errorType,
      source: resolved.source,
      reviewer: resolved.review?.reviewer ?? null,
      reasonCode: resolved.review?.reasonCode ?? null,
    },
  };
}
