import type { Decision } from './decision.ts';
import type {
  ActionExecuted,
  ActionStarted,
  CaseEvent,
  GuardrailEvaluated,
  RoutedToManual,
  Sealed,
} from './events.ts';
import type { AttemptResult, DecisionSource, Outcome, TaskStatus } from './vocabulary.ts';

/** One attempt: what was started, and what came of it (null while it is open). */
export type Attempt = {
  readonly started: ActionStarted['data'];
  readonly executed: ActionExecuted['data'] | null;
};

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
};

/** Where a task stands after one more event about it; the one place that says so, for folds and read models alike. */
export function standingAfter(before: Standing, event: TaskEvent): Pick<Task, 'status' | 'outcome'> {
  const { outcome, attempts } = before;
  switch (event.type) {
    case 'TaskReceived':
      return { status: 'RECEIVED', outcome: null };
    case 'DecisionRecommended':
      return { status: 'DECIDED', outcome };
    case 'GuardrailEvaluated':
      return { status: before.status, outcome };
    case 'ActionStarted':
      return { status: 'EXECUTING', outcome };
    case 'ActionExecuted':
      return AFTER_ATTEMPT[event.data.result](outcome);
    case 'RoutedToManual':
      return { status: 'IN_REVIEW', outcome: outcome ?? (attempts === 0 ? 'MANUAL' : 'AUTO_FAILED') };
    case 'TaskCancelled':
      return { status: 'CANCELLED', outcome };
  }
}

const AFTER_ATTEMPT: Record<AttemptResult, (outcome: Outcome | null) => Pick<Task, 'status' | 'outcome'>> = {
  SUCCEEDED: () => ({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' }),
  FAILED: (outcome) => ({ status: 'DECIDED', outcome }),
  UNKNOWN: (outcome) => ({ status: 'OUTCOME_UNKNOWN', outcome }),
};

/** Where a task may stand before each event about it; null where it is not there yet. */
const MAY_FOLLOW: Readonly<Record<TaskEvent['type'], readonly (TaskStatus | null)[]>> = {
  TaskReceived: [null],
  DecisionRecommended: ['RECEIVED'],
  GuardrailEvaluated: ['DECIDED'],
  ActionStarted: ['DECIDED'],
  ActionExecuted: ['EXECUTING'],
  RoutedToManual: ['DECIDED', 'OUTCOME_UNKNOWN'],
  TaskCancelled: ['RECEIVED', 'DECIDED', 'RETRY_SCHEDULED', 'OUTCOME_UNKNOWN', 'IN_REVIEW'],
};

const permits = (verdict: GuardrailEvaluated['data'] | undefined, action: ActionStarted['data']): boolean =>
  verdict?.verdict === 'EXECUTE' && verdict.attempt === action.attempt;

/** The last attempt of a task; undefined before the first. */
export const lastAttempt = (task: Task): Attempt | undefined => task.attempts.at(-1);

/** Whether the last attempt was started and has no result yet. */
export const hasOpenAttempt = (task: Task): boolean => lastAttempt(task)?.executed === null;

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
  const standing = standingAfter({ ...task, attempts: task.attempts.length }, event);
  switch (event.type) {
    case 'DecisionRecommended': {
      const { decision, source, fallbackCause } = event.data;
      return { ...task, ...at, ...standing, decision, decisionSource: source, fallbackCause };
    }
    case 'GuardrailEvaluated':
      return { ...task, ...at, verdicts: [...task.verdicts, event.data] };
    case 'ActionStarted': {
      if (!permits(task.verdicts.at(-1), event.data)) refuse('no verdict permits it');
      const attempts = [...task.attempts, { started: event.data, executed: null }];
      return { ...task, ...at, ...standing, attempts };
    }
    case 'ActionExecuted':
      return { ...task, ...at, ...standing, attempts: closeAttempt(task, event.data) };
    case 'RoutedToManual':
      return { ...task, ...at, ...standing, manual: event.data };
    case 'TaskCancelled':
      return { ...task, ...at, ...standing };
  }
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
