import { attemptOf, lastAttempt, resultOf, tellsMore } from './attempts.ts';
import type { Case } from './case.ts';
import type {
  ActionExecuted,
  ActionOutcomeResolved,
  ActionStarted,
  CaseEvent,
  DecisionRecommended,
} from './events.ts';
import type { Task } from './task.ts';

/** What reaching outside brought. */
export type Effect = DecisionRecommended | ActionExecuted | ActionOutcomeResolved;

/**
 * What of an effect's result can still be recorded, whatever has happened to the case meanwhile: the result of an effect is never
 * thrown away. An answer to an attempt that somebody has called unknown is recorded as what it is, a late answer.
 *
 * @returns the event to append; null where nothing new is in it
 */
export function recordable(current: Case, effect: Effect): CaseEvent | null {
  const task = current.tasks.get(effect.data.taskId);
  if (!task) return null;
  switch (effect.type) {
    case 'DecisionRecommended':
      return task.status === 'RECEIVED' ? effect : null;
    case 'ActionExecuted':
      return executedOrLate(task, effect);
    case 'ActionOutcomeResolved':
      return isNews(task, effect) ? effect : null;
  }
}

function executedOrLate(task: Task, effect: ActionExecuted): CaseEvent | null {
  const { taskId, actionId, attempt, result, errorType, responseDigest } = effect.data;
  const last = lastAttempt(task);
  if (last?.executed === null && last.started.attempt === attempt) return effect;
  // Says only that nobody knows, and not even that a lookup was tried.
  if (result === 'UNKNOWN') return null;
  const late: ActionOutcomeResolved = {
    type: 'ActionOutcomeResolved',
    data: {
      taskId,
      actionId,
      attempt,
      result,
      errorType,
      responseDigest,
      source: 'LATE_ANSWER',
      review: null,
    },
  };
  return isNews(task, late) ? late : null;
}

function isNews(task: Task, { data }: ActionOutcomeResolved): boolean {
  const attempt = attemptOf(task, data.attempt);
  if (attempt === undefined || !tellsMore(attempt, data.result)) return false;
  // A lookup is by the action's key: of what has failed it tells success where a later attempt had it.
  const isOfLater = data.source === 'LOOKUP' && data.attempt < task.attempts.length;
  return !(isOfLater && resultOf(attempt) === 'FAILED');
}

/** The result of an attempt that nobody has brought in time. */
export function expired(action: ActionStarted['data']): ActionExecuted {
  const { taskId, actionId, attempt, simulated } = action;
  return {
    type: 'ActionExecuted',
    data: {
      taskId,
      actionId,
      attempt,
      result: 'UNKNOWN',
      errorType: 'DEADLINE_PASSED',
      responseDigest: null,
      durationMs: null,
      simulated,
    },
  };
}
