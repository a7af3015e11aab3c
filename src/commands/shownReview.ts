import type { Case } from '../domain/case.ts';
import type { Review } from '../domain/review.ts';
import { reviewed, reviewedHash } from '../domain/reviewed.ts';
import type { Task } from '../domain/task.ts';
import type { JudgeContext } from '../domain/verdicts.ts';
import { type Automation, pausesAsOfNow } from './automation.ts';
import { type JudgeDependencies, judgeContext, readText, type TaskText } from './judging.ts';
import type { Seen } from './reviews.ts';

/** A review as one state of its case has it, under what is in force now; and what binds a decision to that. */
export type ShownReview = Seen & {
  readonly current: Case;
  readonly opened: NonNullable<Case['opened']>;
  readonly task: Task;
  readonly review: Review;
  readonly text: TaskText;
  readonly context: JudgeContext;
};

/**
 * Reads what a reviewer is shown of a task.
 *
 * @throws StoreUnavailableError; Error where the task was never routed to a person
 */
export async function showReview(
  deps: JudgeDependencies & { readonly automation: Pick<Automation, 'current'> },
  caseId: string,
  taskId: string,
): Promise<ShownReview> {
  const pauses = pausesAsOfNow(deps.automation);
  const [text] = await Promise.all([readText(deps, caseId, taskId), pauses.beforehand()]);
  const { current } = text;
  const context = judgeContext(deps, text.signals, pauses.paused)(deps.clock.now());
  const task = current.tasks.get(taskId);
  if (!task?.review || !current.opened) throw new Error(`${taskId} was never routed to a person`);
  return {
    current,
    opened: current.opened,
    task,
    review: task.review,
    text,
    context,
    reviewedRevision: current.revision,
    reviewedHash: reviewedHash(reviewed(current, task, context)),
  };
}
