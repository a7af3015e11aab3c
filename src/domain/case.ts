import { hasOpenAttempt } from './attempts.ts';
import type { AttributeValue, CaseEvent, CommandKey, Recorded, Sealed, TaskEvent } from './events.ts';
import { isFinished } from './standing.ts';
import { evolveTask, type Place, type Task } from './task.ts';
import type { CaseState, Priority } from './vocabulary.ts';

/** What an already recorded command answered, kept for its repeats. */
export type RecordedCommand = CommandKey & Place;

/** That a case was erased: when (ISO 8601), why (a code), and where it stands. */
export type Erasure = Pick<Place, 'revision' | 'position'> & { readonly at: string; readonly reason: string };

/** A case as its stream says. `opened` is null until CaseOpened. */
export type Case = {
  readonly caseId: string;
  /** The stream's revision; -1 before the first event. */
  readonly revision: number;
  readonly position: bigint;
  readonly opened: {
    readonly at: string;
    readonly contentHash: string;
    readonly priority: Priority;
    readonly attributes: Readonly<Record<string, AttributeValue>>;
    readonly personalAttributes: Readonly<Record<string, Sealed>>;
  } | null;
  readonly state: CaseState;
  readonly retryCount: number;
  readonly lastErrorType: string | null;
  readonly updatedAt: string | null;
  readonly tasks: ReadonlyMap<string, Task>;
  /** The task whose attempt is open; at most one of a case (rule 5). */
  readonly openTaskId: string | null;
  readonly commands: ReadonlyMap<string, RecordedCommand>;
  /** How many notes there are, and the newest one's event id; null before the first. */
  readonly notes: { readonly count: number; readonly lastId: string | null };
  /** Null where its key was not destroyed on purpose. */
  readonly erased: Erasure | null;
};

/** A case before its first event. */
export const emptyCase = (caseId: string): Case => ({
  caseId,
  revision: -1,
  position: -1n,
  opened: null,
  state: 'OPEN',
  retryCount: 0,
  lastErrorType: null,
  updatedAt: null,
  tasks: new Map(),
  openTaskId: null,
  commands: new Map(),
  notes: { count: 0, lastId: null },
  erased: null,
});

/**
 * The case after one more event of its stream.
 *
 * @throws Error when the event cannot follow what is there (a corrupt stream)
 */
export function evolve(current: Case, event: CaseEvent, place: Place): Case {
  const next = {
    ...current,
    revision: place.revision,
    position: place.position,
    updatedAt: place.recordedAt,
  };
  if (!current.opened && event.type !== 'CaseOpened') {
    throw new Error(`${event.type} before CaseOpened, at revision ${place.revision}`);
  }
  if (current.erased && !mayFollowErasure(event)) {
    throw new Error(`${event.type} after CaseErased, at revision ${place.revision}`);
  }
  switch (event.type) {
    case 'CaseOpened': {
      if (current.opened) throw new Error(`CaseOpened twice, at revision ${place.revision}`);
      const { priority, attributes, personalAttributes, contentHash, retryCount, lastErrorType } = event.data;
      const opened = { at: place.recordedAt, contentHash, priority, attributes, personalAttributes };
      return { ...next, opened, retryCount, lastErrorType };
    }
    case 'CaseStateChanged':
      return { ...next, state: event.data.to, ...withCommand(current, event.data.command, place) };
    case 'CaseNoteAdded':
      return {
        ...next,
        notes: { count: current.notes.count + 1, lastId: place.id },
        ...withCommand(current, event.data.command, place),
      };
    case 'CaseErased': {
      if (current.state !== 'CLOSED' || ![...current.tasks.values()].every(isFinished)) {
        throw new Error(`CaseErased of what is still open, at revision ${place.revision}`);
      }
      const { recordedAt: at, revision, position } = place;
      const erased = { at, reason: event.data.reason, revision, position };
      return { ...next, erased, ...withCommand(current, event.data.command, place) };
    }
    default: {
      const command = commandOf(event);
      const commands = command
        ? withCommand(current, command, place)
        : isSequel(event) && stretchCommand(current, place);
      return { ...next, ...withTask(current, event, place), ...commands };
    }
  }
}

/** What a backend did may become known late; nothing else follows, and no text that was sealed with the key. */
const mayFollowErasure = (event: CaseEvent): boolean =>
  event.type === 'ActionExecuted' || (event.type === 'ActionOutcomeResolved' && event.data.review === null);

/** Folds recorded events of one stream, in order, onto a case. */
export const fold = (start: Case, events: readonly Recorded<CaseEvent>[]): Case =>
  events.reduce((current, event) => evolve(current, event, placeOf(event)), start);

const placeOf = (event: Recorded): Place => ({
  id: event.id,
  revision: event.revision,
  position: event.position,
  recordedAt: event.metadata.recordedAt,
  actorId: event.metadata.actor.id,
});

function withCommand(
  current: Case,
  command: CommandKey | null,
  place: Place,
): Partial<Pick<Case, 'commands'>> {
  if (!command) return {};
  return { commands: new Map(current.commands).set(command.keyHash, { ...command, ...place }) };
}

/** The idempotency key of the command that led to an event about a task. */
function commandOf(event: TaskEvent): CommandKey | null {
  switch (event.type) {
    case 'ReviewClaimed':
    case 'ReviewReleased':
    case 'ReviewDecided':
      return event.data.command;
    case 'ActionOutcomeResolved':
      return event.data.review?.command ?? null;
    default:
      return null;
  }
}

/** Whether an event ends the append of the command before it, whose repeats are answered with that place. */
function isSequel(event: TaskEvent): boolean {
  if (event.type === 'TaskCancelled') return true;
  const isOfVerdict = event.type === 'GuardrailEvaluated' || event.type === 'ActionStarted';
  return isOfVerdict && event.data.authority.kind === 'reviewer';
}

function stretchCommand(current: Case, place: Place): Partial<Pick<Case, 'commands'>> {
  const closing = [...current.commands.values()].find((command) => command.revision === current.revision);
  return closing ? withCommand(current, closing, place) : {};
}

function withTask(
  current: Case,
  event: TaskEvent,
  place: Place,
): Pick<Case, 'tasks' | 'openTaskId'> & Partial<Health> {
  const { taskId } = event.data;
  const task = evolveTask(current.tasks.get(taskId), event, place);
  const openTaskId = hasOpenAttempt(task)
    ? taskId
    : current.openTaskId === taskId
      ? null
      : current.openTaskId;
  if (event.type === 'ActionStarted' && current.openTaskId !== null) {
    throw new Error(`a second open action at revision ${place.revision}`);
  }
  return {
    tasks: new Map(current.tasks).set(taskId, task),
    openTaskId,
    ...healthAfter(current, event),
  };
}

/** How a case fares at its backends: what guardrails count, and an operator sees first. */
export type Health = Pick<Case, 'retryCount' | 'lastErrorType'>;

/**
 * The health of a case after an event: FAILED and UNKNOWN raise retryCount, SUCCEEDED clears both (DESIGN section 5). UNKNOWN that
 * turns out as FAILED was counted already.
 */
export function healthAfter(before: Health, event: CaseEvent): Health {
  const { retryCount, lastErrorType } = before;
  if (event.type !== 'ActionExecuted' && event.type !== 'ActionOutcomeResolved') {
    return { retryCount, lastErrorType };
  }
  const { result, errorType } = event.data;
  if (result === 'SUCCEEDED') return { retryCount: 0, lastErrorType: null };
  if (event.type === 'ActionExecuted') return { retryCount: retryCount + 1, lastErrorType: errorType };
  return { retryCount, lastErrorType: result === 'FAILED' ? errorType : lastErrorType };
}
