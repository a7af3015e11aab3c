import type { TaskStatus } from '../../../src/domain/vocabulary.ts';
import { type Committed, knownResult, type LedgerAttempt, type LedgerTask, mayHaveActed } from './ledger.ts';
import { placeOf, type Violate } from './streamRules.ts';

type TaskEvent = Extract<Committed, { data: { taskId: string } }>;

/** Where a task may stand before each event about it (DESIGN section 4). */
const BEFORE: Readonly<Record<TaskEvent['type'], readonly TaskStatus[]>> = {
  TaskReceived: [],
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

export const isTaskEvent = (event: Committed): event is TaskEvent => 'taskId' in event.data;

/** What holds between an event and what is known of its task; the event is not applied yet. */
export function checkTaskEvent(task: LedgerTask | undefined, event: TaskEvent, violate: Violate): void {
  if (event.type === 'TaskReceived') {
    if (task) violate('streams are legal', `${placeOf(event)}: the task is there already`);
    return;
  }
  if (task) checkLaterEvent(task, event, violate);
  else violate('streams are legal', `${placeOf(event)}: its task is not there`);
}

function checkLaterEvent(task: LedgerTask, event: TaskEvent, violate: Violate): void {
  if (event.type === 'TaskCancelled' && (task.status === 'EXECUTING' || mayHaveActed(task))) {
    violate('what may have acted is not cancelled', placeOf(event));
  }
  if (!BEFORE[event.type].includes(task.status)) {
    violate('streams are legal', `${placeOf(event)}: its task is ${task.status}`);
  }
  switch (event.type) {
    case 'ActionStarted':
      checkStarted(task, event, violate);
      return;
    case 'ActionExecuted':
      checkExecuted(task, event, violate);
      return;
    case 'ActionOutcomeResolved':
      checkResolved(task, event, violate);
      return;
    case 'RoutedToManual':
      checkRouted(task, event, violate);
      return;
    case 'RetryScheduled':
      if (event.data.attempt !== task.attempts.length + 1) {
        violate('attempts count up', `${placeOf(event)} is for attempt ${event.data.attempt}`);
      }
      return;
    default:
  }
}

type Started = Extract<Committed, { type: 'ActionStarted' }>;

function checkStarted(task: LedgerTask, event: Started, violate: Violate): void {
  const { attempt, authority } = event.data;
  if (attempt !== task.attempts.length + 1)
    violate('attempts count up', `${placeOf(event)} is attempt ${attempt}`);
  checkIdentity(task, event, violate);
  for (const earlier of task.attempts) {
    const { started } = earlier;
    const isSafe = started.idempotent && event.data.idempotent && started.actionId === event.data.actionId;
    if (knownResult(earlier) === 'UNKNOWN' && !isSafe) {
      violate('no blind retry', `${placeOf(event)} although attempt ${started.attempt} is unknown`);
    }
  }
  if (authority.kind === 'policy' && attempt > 1 && task.decision?.retryStrategy === 'NONE') {
    violate('retried only where recommended', placeOf(event));
  }
  if (task.status === 'RETRY_SCHEDULED' && event.metadata.recordedAt < (task.dueAt ?? '')) {
    violate('not before it is due', `${placeOf(event)} at ${event.metadata.recordedAt}, due ${task.dueAt}`);
  }
}

/** The same action keeps its key, another one has its own; without a person there is one action only. */
function checkIdentity(task: LedgerTask, event: Started, violate: Violate): void {
  const { actionId, idempotencyKey, intent, backend, authority } = event.data;
  for (const { started } of task.attempts) {
    const isSameAction = started.intent === intent && started.backend === backend;
    if (authority.kind === 'policy' && !isSameAction)
      violate('what runs was approved', `${placeOf(event)} is another action`);
    const isSameKey = started.actionId === actionId && started.idempotencyKey === idempotencyKey;
    if (isSameAction !== isSameKey)
      violate(
        'one key for all attempts',
        `${placeOf(event)} ${isSameAction ? 'brings another' : 'has the same'} key`,
      );
  }
}

type Executed = Extract<Committed, { type: 'ActionExecuted' }>;

function checkExecuted(task: LedgerTask, event: Executed, violate: Violate): void {
  const open = task.attempts.at(-1);
  if (open?.executed !== null || open.started.attempt !== event.data.attempt) {
    violate('streams are legal', `${placeOf(event)}: attempt ${event.data.attempt} is not open`);
    return;
  }
  if (event.data.errorType !== 'DEADLINE_PASSED') return;
  const deadline = open.committedAt + attemptMs(open);
  if (event.at < deadline) {
    violate('unknown not before the deadline', `${placeOf(event)} ${deadline - event.at} ms before it`);
  }
}

type Routed = Extract<Committed, { type: 'RoutedToManual' }>;

/** A person is told what is known of the attempts that were made. */
function checkRouted(task: LedgerTask, event: Routed, violate: Violate): void {
  const { codes } = event.data;
  const last = task.attempts.at(-1);
  const expected = [
    ...(last && knownResult(last) === 'FAILED' ? ['ACTION_FAILED'] : []),
    ...(task.attempts.some((attempt) => knownResult(attempt) === 'UNKNOWN')
      ? ['ACTION_OUTCOME_UNKNOWN']
      : []),
  ];
  if (codes.length > 0 && expected.every((code) => codes.includes(code))) return;
  violate('a person is told why', `${placeOf(event)}: ${codes.join(' ')}, not ${expected.join(' ')}`);
}

type Resolved = Extract<Committed, { type: 'ActionOutcomeResolved' }>;

/** Only what was unknown becomes known, and only a lookup or a person may have said too early that nothing was done. */
function checkResolved(task: LedgerTask, event: Resolved, violate: Violate): void {
  const attempt = task.attempts[event.data.attempt - 1];
  const { result } = event.data;
  if (attempt?.executed !== 'UNKNOWN') {
    violate('streams are legal', `${placeOf(event)}: nothing was unknown`);
    return;
  }
  const { resolved, resolvedBy } = attempt;
  const wasTooEarly = resolved === 'FAILED' && resolvedBy !== 'LATE_ANSWER' && result === 'SUCCEEDED';
  const isMore = resolved === null || (resolved === 'UNKNOWN' && result !== 'UNKNOWN') || wasTooEarly;
  if (!isMore) violate('streams are legal', `${placeOf(event)}: ${result} after ${resolved}`);
}

/** How long an attempt may take, as its ActionStarted says: its own clock wrote both times. */
export const attemptMs = ({ started, startedAt }: LedgerAttempt): number =>
  Date.parse(started.deadlineAt) - Date.parse(startedAt);
