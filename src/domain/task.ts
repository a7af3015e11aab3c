import {
  type Attempt,
  actionOf,
  closeAttempt,
  isBlind,
  isSameAction,
  resolveAttempt,
  resultOf,
  unknownAttempts,
} from './attempts.ts';
import type { Decision } from './decision.ts';
import type {
  ActionStarted,
  GuardrailEvaluated,
  RetryScheduled,
  RoutedToManual,
  Sealed,
  TaskEvent,
} from './events.ts';
import { evolveReview, type Review } from './review.ts';
import { type Standing, standingAfter } from './standing.ts';
import type { DecisionSource, Outcome, TaskStatus } from './vocabulary.ts';

/** One task of a case, as its events say. */
export type Task = {
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly outcome: Outcome | null;
  readonly description: Sealed;
  readonly channel: string;
  readonly userRole: string;
  readonly requestHash: string;
  readonly receivedAt: string;
  /** Id of the actor that submitted it. */
  readonly submittedBy: string;
  readonly decision: Decision | null;
  readonly decisionSource: DecisionSource | null;
  readonly fallbackCause: string | null;
  readonly verdicts: readonly GuardrailEvaluated['data'][];
  readonly attempts: readonly Attempt[];
  /** The newest pause before an attempt; null where there was none. */
  readonly retry: RetryScheduled['data'] | null;
  /** How many pauses there were. */
  readonly pauses: number;
  readonly manual: RoutedToManual['data'] | null;
  readonly review: Review | null;
  /** Id, revision and position of the newest event about this task. */
  readonly lastEventId: string;
  readonly revision: number;
  readonly position: bigint;
};

/** Where an event stands, as far as a fold needs it. */
export type Place = {
  readonly id: string;
  readonly revision: number;
  readonly position: bigint;
  readonly recordedAt: string;
  /** Who did it. */
  readonly actorId: string;
};

/** Where a task may stand before each event about it; null where it is not there yet. */
const MAY_FOLLOW: Readonly<Record<TaskEvent['type'], readonly (TaskStatus | null)[]>> = {
  TaskReceived: [null],
  DecisionRecommended: ['RECEIVED'],
  GuardrailEvaluated: ['DECIDED', 'OUTCOME_UNKNOWN', 'RETRY_SCHEDULED'],
  ActionStarted: ['DECIDED', 'OUTCOME_UNKNOWN', 'RETRY_SCHEDULED'],
  ActionExecuted: ['EXECUTING'],
  ActionOutcomeResolved: [
    'DECIDED',
    'EXECUTING',
    'RETRY_SCHEDULED',
    'OUTCOME_UNKNOWN',
    'IN_REVIEW',
    'COMPLETED',
    'REJECTED',
    'CANCELLED',
  ],
  RetryScheduled: ['DECIDED', 'OUTCOME_UNKNOWN', 'RETRY_SCHEDULED'],
  RoutedToManual: ['DECIDED', 'OUTCOME_UNKNOWN', 'RETRY_SCHEDULED'],
  ReviewClaimed: ['IN_REVIEW'],
  ReviewReleased: ['IN_REVIEW'],
  ReviewDecided: ['IN_REVIEW'],
  ReviewOverdue: ['IN_REVIEW'],
  TaskCancelled: ['RECEIVED', 'DECIDED', 'RETRY_SCHEDULED', 'OUTCOME_UNKNOWN', 'IN_REVIEW'],
};

const permits = (verdict: GuardrailEvaluated['data'] | undefined, action: ActionStarted['data']): boolean =>
  verdict?.verdict === 'EXECUTE' &&
  verdict.attempt === action.attempt &&
  verdict.authority.kind === action.authority.kind;

/**
 * The task after one more event about it; `task` is undefined before TaskReceived.
 *
 * @throws Error when the event cannot follow what is there (a corrupt stream)
 */
export function evolveTask(task: Task | undefined, event: TaskEvent, place: Place): Task {
  const at = { lastEventId: place.id, revision: place.revision, position: place.position };
  const refuse = (why: string): never => {
    throw new Error(`${event.type} at revision ${place.revision}: ${why}`);
  };
  if (!MAY_FOLLOW[event.type].includes(task?.status ?? null)) {
    refuse(`its task is ${task?.status ?? 'not there yet'}`);
  }
  if (event.type === 'TaskReceived') return { ...received(event.data, place), ...at };
  if (!task) return refuse('its task is not there yet');
  const { status, outcome } = standingAfter(standingOf(task), event);
  const next = { ...task, ...at, status, outcome, review: evolveReview(task.review, event) };
  switch (event.type) {
    case 'DecisionRecommended': {
      const { decision, source, fallbackCause } = event.data;
      return { ...next, decision, decisionSource: source, fallbackCause };
    }
    case 'GuardrailEvaluated':
      return { ...next, verdicts: [...task.verdicts, event.data] };
    case 'ActionStarted': {
      const problem = startProblem(task, event.data);
      if (problem !== null) refuse(problem);
      const attempt = { started: event.data, startedAt: place.recordedAt, executed: null, resolved: null };
      return { ...next, attempts: [...task.attempts, attempt] };
    }
    case 'ActionExecuted':
      return { ...next, attempts: closeAttempt(task, event.data) };
    case 'ActionOutcomeResolved':
      return { ...next, attempts: resolveAttempt(task, event.data) };
    case 'RetryScheduled':
      if (event.data.attempt !== task.attempts.length + 1) refuse('it is not for the next attempt');
      return { ...next, retry: event.data, pauses: task.pauses + 1 };
    case 'RoutedToManual':
      return { ...next, manual: event.data };
    case 'ReviewClaimed':
    case 'ReviewReleased':
    case 'ReviewDecided':
    case 'ReviewOverdue':
    case 'TaskCancelled':
      return next;
  }
}

const standingOf = ({ status, outcome, attempts }: Task): Standing => ({
  status,
  outcome,
  attempts: attempts.length,
  succeeded: attempts.some((attempt) => resultOf(attempt) === 'SUCCEEDED'),
});

/** Why an attempt must not have been started: rules 2 and 5. Null where it may. */
function startProblem(task: Task, action: ActionStarted['data']): string | null {
  if (!permits(task.verdicts.at(-1), action)) return 'no verdict permits it';
  if (action.attempt !== task.attempts.length + 1) return `it is not attempt ${task.attempts.length + 1}`;
  if (isBlind(task, action.idempotent))
    return 'an attempt before it is unknown, and its backend is not idempotent';
  return approvalProblem(task, action) ?? identityProblem(task, action);
}

/** A reviewer's attempt is what was approved just before; with a person nothing begins on the policy's word. */
function approvalProblem({ review }: Task, action: ActionStarted['data']): string | null {
  const { authority } = action;
  if (authority.kind === 'policy') return review ? 'a person has the task' : null;
  if (!isSameAction(review?.approved ?? null, actionOf(action))) return 'it is not what was approved';
  return review?.decided?.reviewer === authority.reviewer ? null : 'another one has approved it';
}

/** The same action keeps its id; another one has its own, and begins only where nothing before it is unknown. */
function identityProblem(task: Task, action: ActionStarted['data']): string | null {
  for (const { started } of task.attempts) {
    const isSame = isSameAction(actionOf(started), actionOf(action));
    if (isSame !== (started.actionId === action.actionId)) return 'it is another action';
    if (!isSame && unknownAttempts(task).length > 0) return 'an attempt of another action is unknown';
  }
  return null;
}

function received(
  data: Extract<TaskEvent, { type: 'TaskReceived' }>['data'],
  place: Place,
): Omit<Task, 'lastEventId' | 'revision' | 'position'> {
  return {
    taskId: data.taskId,
    status: 'RECEIVED',
    outcome: null,
    description: data.description,
    channel: data.channel,
    userRole: data.userRole,
    requestHash: data.requestHash,
    receivedAt: place.recordedAt,
    submittedBy: place.actorId,
    decision: null,
    decisionSource: null,
    fallbackCause: null,
    verdicts: [],
    attempts: [],
    retry: null,
    pauses: 0,
    manual: null,
    review: null,
  };
}
