import type { Decision } from './decision.ts';
import type {
  ActionExecuted,
  ActionOutcomeResolved,
  ActionStarted,
  CaseEvent,
  GuardrailEvaluated,
  RetryScheduled,
  RoutedToManual,
  Sealed,
} from './events.ts';
import type { AttemptResult, DecisionSource, Outcome, TaskStatus } from './vocabulary.ts';

/** One attempt: what was started and when, what came of it (null while it is open), and what became known later. */
export type Attempt = {
  readonly started: ActionStarted['data'];
  readonly startedAt: string;
  readonly executed: ActionExecuted['data'] | null;
  /** The newest thing that was learnt after UNKNOWN; null where nothing was. */
  readonly resolved: ActionOutcomeResolved['data'] | null;
};

/** What is known of an attempt by now; null while it is open. */
export const resultOf = (attempt: Attempt): AttemptResult | null =>
  attempt.resolved?.result ?? attempt.executed?.result ?? null;

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
};

/** Events that say something of one task. */
export type TaskEvent = Extract<CaseEvent, { data: { taskId: string } }>;

/** Whether an event of a case is about one of its tasks. */
export const isTaskEvent = <E extends CaseEvent>(event: E): event is E & TaskEvent => 'taskId' in event.data;

/** Where a task stands: enough for a list of tasks. */
export type Standing = {
  readonly status: TaskStatus;
  readonly outcome: Outcome | null;
  /** How many attempts were started. */
  readonly attempts: number;
  /** Whether one of them is known to have done what was asked. */
  readonly succeeded: boolean;
};

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
      return before;
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

function afterResolution(before: Standing, { result, attempt }: ActionOutcomeResolved['data']): Standing {
  if (result === 'SUCCEEDED') {
    const isOver = ['COMPLETED', 'REJECTED', 'CANCELLED', 'EXECUTING'].includes(before.status);
    return isOver ? { ...before, succeeded: true } : done(before);
  }
  const decides = result === 'FAILED' && before.status === 'OUTCOME_UNKNOWN' && attempt === before.attempts;
  return decides ? { ...before, status: 'DECIDED' } : before;
}

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
  TaskCancelled: ['RECEIVED', 'DECIDED', 'RETRY_SCHEDULED', 'OUTCOME_UNKNOWN', 'IN_REVIEW'],
};

const permits = (verdict: GuardrailEvaluated['data'] | undefined, action: ActionStarted['data']): boolean =>
  verdict?.verdict === 'EXECUTE' && verdict.attempt === action.attempt;

/** Attempts of which nobody knows whether they did what was asked. */
export const unknownAttempts = (task: Pick<Task, 'attempts'>): readonly Attempt[] =>
  task.attempts.filter((attempt) => resultOf(attempt) === 'UNKNOWN');

/**
 * Whether one more attempt might do a second time what an attempt of unknown outcome has done already (rule 5): not where the backend
 * was declared idempotent at each of them, and still is.
 *
 * @param idempotent what the backend is declared to be now
 */
export function isBlind(task: Pick<Task, 'attempts'>, idempotent: boolean): boolean {
  const unknown = unknownAttempts(task);
  return unknown.length > 0 && !(idempotent && unknown.every(({ started }) => started.idempotent));
}

/**
 * Whether a result tells something new of an attempt that was recorded as UNKNOWN: certainty, or that not even a lookup could tell.
 * SUCCEEDED is believed also where a lookup has said FAILED: the request was still on its way then.
 */
export function tellsMore({ executed, resolved }: Attempt, result: AttemptResult): boolean {
  if (executed?.result !== 'UNKNOWN') return false;
  if (resolved === null) return true;
  if (resolved.result === 'UNKNOWN') return result !== 'UNKNOWN';
  return resolved.result === 'FAILED' && resolved.source === 'LOOKUP' && result === 'SUCCEEDED';
}

/** The last attempt of a task; undefined before the first. */
export const lastAttempt = (task: Task): Attempt | undefined => task.attempts.at(-1);

/** Whether the last attempt was started and has no result yet. */
export const hasOpenAttempt = (task: Task): boolean => lastAttempt(task)?.executed === null;

/** The attempt with this number; undefined where it was not started. */
export const attemptOf = (task: Task, number: number): Attempt | undefined =>
  task.attempts.find(({ started }) => started.attempt === number);

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
  const next = { ...task, ...at, status, outcome };
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
      return { ...next, retry: event.data, pauses: task.pauses + 1 };
    case 'RoutedToManual':
      return { ...next, manual: event.data };
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
  const [first] = task.attempts;
  if (action.attempt !== task.attempts.length + 1) return `it is not attempt ${task.attempts.length + 1}`;
  if (first && first.started.actionId !== action.actionId) return 'it is another action';
  return isBlind(task, action.idempotent)
    ? 'an attempt before it is unknown, and its backend is not idempotent'
    : null;
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
    decision: null,
    decisionSource: null,
    fallbackCause: null,
    verdicts: [],
    attempts: [],
    retry: null,
    pauses: 0,
    manual: null,
  };
}

function closeAttempt(task: Task, executed: ActionExecuted['data']): Attempt[] {
  const open = lastAttempt(task);
  if (!open || open.executed || open.started.attempt !== executed.attempt) {
    throw new Error(`ActionExecuted for attempt ${executed.attempt}, which is not open`);
  }
  return [...task.attempts.slice(0, -1), { ...open, executed }];
}

function resolveAttempt(task: Task, resolved: ActionOutcomeResolved['data']): Attempt[] {
  const attempt = attemptOf(task, resolved.attempt);
  if (!attempt || !tellsMore(attempt, resolved.result)) {
    throw new Error(`ActionOutcomeResolved for attempt ${resolved.attempt}, of which it tells nothing new`);
  }
  return task.attempts.map((other) => (other === attempt ? { ...attempt, resolved } : other));
}
