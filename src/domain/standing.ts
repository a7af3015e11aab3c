import type { ActionOutcomeResolved, ReviewDecided, TaskEvent } from './events.ts';
import type { AttemptResult, Outcome, TaskStatus } from './vocabulary.ts';

/** Where a task stands: enough for a list of tasks. */
export type Standing = {
  readonly status: TaskStatus;
  readonly outcome: Outcome | null;
  /** How many attempts were started. */
  readonly attempts: number;
  /** Whether one of them is known to have done what was asked. */
  readonly succeeded: boolean;
};

/** Whether nothing happens to a task any more, but that more becomes known. */
export const isFinished = ({ status }: Pick<Standing, 'status'>): boolean =>
  status === 'COMPLETED' || status === 'REJECTED' || status === 'CANCELLED';

/** A task that has just been received. */
export const RECEIVED: Standing = { status: 'RECEIVED', outcome: null, attempts: 0, succeeded: false };

/** Where a task stands after one more event about it; the one place that says so, for folds and read models alike. */
export function standingAfter(before: Standing, event: TaskEvent): Standing {
  const { outcome, attempts } = before;
  switch (event.type) {
    case 'TaskReceived':
      return RECEIVED;
    case 'DecisionRecommended':
      return { ...before, status: 'DECIDED' };
    case 'GuardrailEvaluated':
    case 'ReviewClaimed':
    case 'ReviewReleased':
    case 'ReviewOverdue':
      return before;
    case 'ReviewDecided':
      return afterReview(before, event.data);
    case 'ActionStarted':
      return { ...before, status: 'EXECUTING', attempts: attempts + 1 };
    case 'ActionExecuted':
      return afterAttempt(before, event.data.result);
    case 'ActionOutcomeResolved':
      return afterResolution(before, event.data);
    case 'RetryScheduled':
      return { ...before, status: 'RETRY_SCHEDULED' };
    case 'RoutedToManual':
      return {
        ...before,
        status: 'IN_REVIEW',
        outcome: outcome ?? (attempts === 0 ? 'MANUAL' : 'AUTO_FAILED'),
      };
    case 'TaskCancelled':
      return { ...before, status: 'CANCELLED' };
  }
}

/** A task is done as soon as one of its attempts is known to have done it; its outcome, once settled, stays (rule 4). */
const done = (before: Standing): Standing => ({
  ...before,
  succeeded: true,
  status: 'COMPLETED',
  outcome: before.outcome ?? 'AUTO_SUCCESS',
});

function afterAttempt(before: Standing, result: AttemptResult): Standing {
  if (result === 'SUCCEEDED' || before.succeeded) return done(before);
  return { ...before, status: result === 'FAILED' ? 'DECIDED' : 'OUTCOME_UNKNOWN' };
}

/** A final approval is followed by its attempt in the same append. */
function afterReview(before: Standing, { resolution, awaitsSecond }: ReviewDecided['data']): Standing {
  if (resolution === 'REJECTED') return { ...before, status: 'REJECTED' };
  const isFinal = resolution !== 'INFO_REQUESTED' && !awaitsSecond;
  return isFinal ? { ...before, status: 'DECIDED' } : before;
}

function afterResolution(before: Standing, { result, attempt }: ActionOutcomeResolved['data']): Standing {
  if (result === 'SUCCEEDED') {
    const isOver = ['COMPLETED', 'REJECTED', 'CANCELLED', 'EXECUTING'].includes(before.status);
    return isOver ? { ...before, succeeded: true } : done(before);
  }
  const decides = result === 'FAILED' && before.status === 'OUTCOME_UNKNOWN' && attempt === before.attempts;
  return decides ? { ...before, status: 'DECIDED' } : before;
}
