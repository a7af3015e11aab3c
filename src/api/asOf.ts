import { z } from 'zod';
import type { Case } from '../domain/case.ts';
import { caseIdOfTask } from '../domain/identifiers.ts';
import type { Moment } from '../domain/moment.ts';
import type { Task } from '../domain/task.ts';
import type { ApiDependencies } from './dependencies.ts';
import { fieldError } from './problems.ts';
import * as schemas from './schemas.ts';

/** A query parameter: a time, or a revision of the case. */
export const asOfMoment = z
  .string()
  .transform((text, context): Moment => {
    if (/^\d{1,15}$/.test(text)) return { kind: 'revision', revision: Number(text) };
    const time = schemas.queryTime.safeParse(text);
    if (time.success) return { kind: 'time', time: time.data };
    context.issues.push({ code: 'custom', message: NEITHER, input: text });
    return z.NEVER;
  })
  .optional()
  .describe(
    'As it was then: a time in ISO 8601 with its offset (everything recorded at that time or before), or a revision of the case. Such an ' +
      'answer has no ETag',
  )
  .meta({ examples: ['2026-01-31T12:00:00Z', '7'] });

const NEITHER =
  'must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z (write + as %2B), or a revision, such as 7';

/** What an answer is of that tells how something was: absent where it tells how it is. */
export const asOfAnswer = z
  .strictObject({
    revision: schemas.revision.describe("The case's newest revision then"),
    recordedAt: schemas.time.describe('When that was recorded'),
  })
  .optional()
  .describe('Which moment this tells of; only with ?asOf=');

/** The moment that a case as it was tells of. */
export const asOfView = ({ revision, updatedAt }: Case): NonNullable<z.infer<typeof asOfAnswer>> => {
  if (updatedAt === null) throw new Error('a case without events is of no moment');
  return { revision, recordedAt: updatedAt };
};

/**
 * A case as it was at a moment.
 *
 * @throws ProblemError case-not-found where it was not there then, invalid-input for a revision that it has not got to
 */
export async function caseAsOf(deps: ApiDependencies, caseId: string, moment: Moment): Promise<Case> {
  const { past, present } = await deps.cases.asOf(caseId, moment);
  if (!present.opened) throw fieldError('case-not-found', 'caseId', 'names no case');
  mustHaveGotTo(present, moment);
  if (past.opened) return past;
  throw fieldError('case-not-found', 'asOf', `is before the case was opened, at ${present.opened.at}`);
}

/**
 * A task as it was at a moment of its case.
 *
 * @throws ProblemError task-not-found where it was not there then, invalid-input for a revision that its case has not got to
 */
export async function taskAsOf(
  deps: ApiDependencies,
  taskId: string,
  moment: Moment,
): Promise<{ readonly current: Case; readonly task: Task }> {
  const caseId = caseIdOfTask(taskId);
  const { past, present } = await deps.cases.asOf(caseId ?? '', moment);
  if (!present.tasks.has(taskId)) throw fieldError('task-not-found', 'taskId', 'names no task');
  mustHaveGotTo(present, moment);
  const task = past.tasks.get(taskId);
  if (task) return { current: past, task };
  throw fieldError('task-not-found', 'asOf', 'is before the task was received');
}

function mustHaveGotTo({ revision }: Case, moment: Moment): void {
  if (moment.kind === 'time' || moment.revision <= revision) return;
  throw fieldError('invalid-input', 'asOf', `must be a revision that the case has; it is at ${revision}`);
}
