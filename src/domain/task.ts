import type { Decision } from './decision.ts';
import type {
  ActionExecuted,
  ActionStarted,
  CaseEvent,
  GuardrailEvaluated,
  RoutedToManual,
  Sealed,
} from './events.ts';
import type { DecisionSource, Outcome, TaskStatus } from './vocabulary.ts';

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

/** The task event's kinds: those that say something of one task. */
export type TaskEvent = Extract<CaseEvent, { data: { taskId: string } }>;

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
  if (event.type === 'TaskReceived') return { ...received(event.data, place), ...at };
  if (!task) throw new Error(`${event.type} without TaskReceived at revision ${place.revision}`);
  switch (event.type) {
    case 'DecisionRecommended': {
      const { decision, source, fallbackCause } = event.data;
      return { ...task, ...at, decision, decisionSource: source, fallbackCause, status: 'DECIDED' };
    }
    case 'GuardrailEvaluated':
      return { ...task, ...at, verdicts: [...task.verdicts, event.data] };
    case 'ActionStarted': {
      const attempts = [...task.attempts, { started: event.data, executed: null }];
      return { ...task, ...at, attempts, status: 'EXECUTING' };
    }
    case 'ActionExecuted':
      return { ...task, ...at, ...afterAttempt(task, event.data) };
    case 'RoutedToManual': {
      const outcome = task.attempts.length === 0 ? 'MANUAL' : 'AUTO_FAILED';
      return { ...task, ...at, manual: event.data, outcome: task.outcome ?? outcome, status: 'IN_REVIEW' };
    }
    case 'TaskCancelled':
      return { ...task, ...at, status: 'CANCELLED' };
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

function afterAttempt(
  task: Task,
  executed: ActionExecuted['data'],
): Pick<Task, 'attempts' | 'status' | 'outcome'> {
  const open = lastAttempt(task);
  if (!open || open.executed || open.started.attempt !== executed.attempt) {
    throw new Error(`ActionExecuted for attempt ${executed.attempt}, which is not open`);
  }
  const attempts = [...task.attempts.slice(0, -1), { ...open, executed }];
  switch (executed.result) {
    case 'SUCCEEDED':
      return { attempts, status: 'COMPLETED', outcome: 'AUTO_SUCCESS' };
    case 'FAILED':
      return { attempts, status: 'DECIDED', outcome: task.outcome };
    case 'UNKNOWN':
      return { attempts, status: 'OUTCOME_UNKNOWN', outcome: task.outcome };
  }
}
