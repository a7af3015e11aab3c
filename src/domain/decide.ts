import { hasOpenAttempt, unknownAttempts } from './attempts.ts';
import type { Case, RecordedCommand } from './case.ts';
import type {
  CaseEvent,
  CaseNoteAdded,
  CaseOpened,
  CaseStateChanged,
  CommandKey,
  TaskReceived,
} from './events.ts';
import { isSameRequest } from './idempotency.ts';
import { keyDestroyed, RefusedError } from './refusal.ts';
import { isFinished } from './standing.ts';
import type { Task } from './task.ts';
import type { CaseState } from './vocabulary.ts';

/** What a command leads to: events to append (none for a repeat), and whether the same was recorded before. */
export type Decided = { readonly events: readonly CaseEvent[]; readonly replayed: boolean };

/** What a repeat leads to. */
export const NOTHING_NEW: Decided = { events: [], replayed: true };

/**
 * Opens a case. The same content again changes nothing.
 *
 * @throws RefusedError CASE_EXISTS when it is open with other content, CASE_KEY_DESTROYED when it was erased
 */
export function openCase(current: Case, opened: CaseOpened): Decided {
  if (!current.opened) return { events: [opened], replayed: false };
  mustNotBeErased(current);
  if (current.opened.contentHash === opened.data.contentHash) return NOTHING_NEW;
  throw new RefusedError('CASE_EXISTS', `case ${current.caseId} exists already, opened with other content`);
}

/**
 * Receives a task, or recognises its repeat.
 *
 * @throws RefusedError CASE_NOT_FOUND, CASE_KEY_DESTROYED, or IDEMPOTENCY_KEY_REUSED naming the field that differs from the first request
 */
export function receiveTask(current: Case, received: TaskReceived): Decided {
  mustBeOpened(current);
  mustNotBeErased(current);
  const known = current.tasks.get(received.data.taskId);
  if (!known) return { events: [received], replayed: false };
  const field = differingField(known, received);
  if (field === null) return NOTHING_NEW;
  throw new RefusedError(
    'IDEMPOTENCY_KEY_REUSED',
    `the same idempotency key came first with another ${field}; send a new Idempotency-Key to ask anew`,
    field,
  );
}

function differingField(known: Task, { data }: TaskReceived): string | null {
  if (known.channel !== data.channel) return 'channel';
  if (known.userRole !== data.userRole) return 'user_role';
  return known.requestHash === data.requestHash ? null : 'description';
}

/** Moves that a case's state may make. */
const ALLOWED_FROM: Readonly<Record<CaseState, readonly CaseState[]>> = {
  OPEN: ['SUSPENDED', 'CLOSED'],
  SUSPENDED: ['OPEN'],
  CLOSED: ['OPEN', 'SUSPENDED'],
};

/**
 * Changes a case's state. Closing cancels its open tasks, except one whose attempt is open or may have done what was asked: what
 * that brings is recorded first, and the guardrails then see a closed case. Cancelled, such a task would never be in the audit log.
 *
 * @param expected the revision that the client saw
 * @throws RefusedError CASE_NOT_FOUND, CASE_KEY_DESTROYED, IDEMPOTENCY_KEY_REUSED, REVISION_STALE or STATE_NOT_ALLOWED
 */
export function changeState(
  current: Case,
  to: CaseState,
  reason: string,
  expected: number,
  command: CommandKey | null,
): Decided {
  mustBeOpened(current);
  mustNotBeErased(current);
  if (isRepeat(current, command)) return NOTHING_NEW;
  if (current.revision !== expected) {
    throw new RefusedError(
      'REVISION_STALE',
      `the case is at revision ${current.revision}, not at ${expected}; read it again`,
      'If-Match',
    );
  }
  if (!ALLOWED_FROM[to].includes(current.state)) {
    throw new RefusedError('STATE_NOT_ALLOWED', `a case that is ${current.state} cannot become ${to}`);
  }
  const changed: CaseStateChanged = {
    type: 'CaseStateChanged',
    data: { from: current.state, to, reason, command },
  };
  return {
    events: to === 'CLOSED' ? [changed, ...cancellations(current, 'CASE_CLOSED')] : [changed],
    replayed: false,
  };
}

/**
 * Erases a case: it is closed, its open tasks are cancelled, and its key is to be destroyed, in one append that ends with the erasure.
 * Erased again nothing happens, whatever the key and the reason: the hashes that could tell a repeat from another request die with the key.
 *
 * @param reason a code
 * @throws RefusedError CASE_NOT_FOUND or IDEMPOTENCY_KEY_REUSED; ACTION_OPEN or OUTCOME_UNKNOWN while a backend may be doing something
 *   of which the result is still to come (rule 5)
 */
export function eraseCase(current: Case, reason: string, command: CommandKey | null): Decided {
  mustBeOpened(current);
  if (current.erased || isRepeat(current, command)) return NOTHING_NEW;
  mustHaveEnded(current);
  const closed: CaseStateChanged = {
    type: 'CaseStateChanged',
    data: { from: current.state, to: 'CLOSED', reason: CASE_ERASED, command: null },
  };
  return {
    events: [
      ...(current.state === 'CLOSED' ? [] : [closed]),
      ...cancellations(current, CASE_ERASED),
      { type: 'CaseErased', data: { reason, command } },
    ],
    replayed: false,
  };
}

/** Why an erased case is closed, and its tasks are cancelled. */
const CASE_ERASED = 'CASE_ERASED';

/** What is still with a backend, or is being found out there, comes first: afterwards nobody could act on it. */
function mustHaveEnded(current: Case): void {
  if (current.openTaskId !== null)
    throw new RefusedError('ACTION_OPEN', 'an action of this case is open; send it again when it has ended');
  if ([...current.tasks.values()].some((task) => !isFinished(task) && mayHaveActed(task)))
    throw new RefusedError(
      'OUTCOME_UNKNOWN',
      'what an attempt has done is still being found out; close the case, and send it again when a person has the task',
    );
}

function cancellations(current: Case, reason: string): CaseEvent[] {
  return [...current.tasks.values()]
    .filter((task) => !isFinished(task) && !mayHaveActed(task))
    .map((task) => ({ type: 'TaskCancelled', data: { taskId: task.taskId, reason } }));
}

/** Whether nobody can say yet that nothing was done; with a person it is told already. */
const mayHaveActed = (task: Task): boolean =>
  hasOpenAttempt(task) || (task.status !== 'IN_REVIEW' && unknownAttempts(task).length > 0);

/**
 * Adds a note to a case, in whatever state it is.
 *
 * @throws RefusedError CASE_NOT_FOUND, CASE_KEY_DESTROYED or IDEMPOTENCY_KEY_REUSED
 */
export function addNote(current: Case, note: CaseNoteAdded): Decided {
  mustBeOpened(current);
  mustNotBeErased(current);
  return isRepeat(current, note.data.command) ? NOTHING_NEW : { events: [note], replayed: false };
}

/** The recorded command that a key belongs to; undefined when it is new. */
export const recordedCommand = (current: Case, command: CommandKey | null): RecordedCommand | undefined =>
  command ? current.commands.get(command.keyHash) : undefined;

/**
 * Whether a command was recorded before.
 *
 * @throws RefusedError IDEMPOTENCY_KEY_REUSED when its key came first with another request
 */
export const isRepeat = (current: Case, command: CommandKey | null): boolean =>
  isSameRequest(recordedCommand(current, command), command);

function mustBeOpened(current: Case): void {
  if (!current.opened)
    throw new RefusedError('CASE_NOT_FOUND', `there is no case ${current.caseId}`, 'case_id');
}

/** Throws RefusedError CASE_KEY_DESTROYED for a case that was erased, also while its key is still there. */
export function mustNotBeErased({ caseId, erased }: Case): void {
  if (erased) throw keyDestroyed(caseId);
}
