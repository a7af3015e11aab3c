import { type Case, emptyCase, evolve } from '../../../src/domain/case.ts';
import type { Decision } from '../../../src/domain/decision.ts';
import type { ActionStarted, CaseEvent, EventMetadata } from '../../../src/domain/events.ts';
import type {
  AttemptResult,
  CaseState,
  Outcome,
  Priority,
  ResolutionSource,
  TaskStatus,
} from '../../../src/domain/vocabulary.ts';
import { type LedgerReview, reviewAfter } from './reviewLedger.ts';

/** An event as it was committed: what it says, when by the true clock, and by whom. */
export type Committed = CaseEvent & {
  readonly id: string;
  readonly caseId: string;
  readonly revision: number;
  readonly position: bigint;
  readonly metadata: EventMetadata;
  /** True time, milliseconds since the start of the run. */
  readonly at: number;
  /** When the process had decided on it, and sent it. */
  readonly sentAt: number;
  readonly clockSaid: string;
  /** When something had last gone wrong for the process by then. */
  readonly troubledAt: number;
  /** Name of the process that appended it. */
  readonly by: string;
  /** Number of the append that it was part of, and how many events follow it there. */
  readonly append: number;
  readonly left: number;
};

export type LedgerAttempt = {
  readonly started: ActionStarted['data'];
  readonly startedAt: string;
  readonly committedAt: number;
  readonly sentAt: number;
  readonly by: string;
  readonly revision: number;
  /** When the process that started it has learnt that it did, and was well; null before. */
  knownAt: number | null;
  executed: AttemptResult | null;
  resolved: AttemptResult | null;
  resolvedBy: ResolutionSource | null;
  calls: number;
};

export type LedgerTask = {
  readonly taskId: string;
  readonly caseId: string;
  readonly channel: string;
  readonly userRole: string;
  readonly description: { readonly sealed: string };
  readonly receivedAt: string;
  /** Id of whoever sent it. */
  readonly submittedBy: string;
  /** Null until it was routed to a person. */
  review: LedgerReview | null;
  /** How many pauses there were. */
  pauses: number;
  status: TaskStatus;
  outcome: Outcome | null;
  decision: Decision | null;
  decisionSource: string | null;
  dueAt: string | null;
  /** Revision of its decision. */
  decidedAt: number | null;
  readonly attempts: LedgerAttempt[];
};

/** A case as the simulation understands its events, apart from what the service makes of them. */
export type LedgerCase = {
  readonly caseId: string;
  revision: number;
  state: CaseState;
  isErased: boolean;
  priority: Priority;
  retryCount: number;
  lastErrorType: string | null;
  readonly tasks: Map<string, LedgerTask>;
  last: Committed | null;
  readonly events: Committed[];
  /** The same case by the service's own fold. */
  folded: Case;
};

export const knownResult = ({ executed, resolved }: LedgerAttempt): AttemptResult | null =>
  resolved ?? executed;

export const openAttempts = ({ tasks }: LedgerCase): LedgerAttempt[] =>
  [...tasks.values()].flatMap(({ attempts }) => attempts.filter(({ executed }) => executed === null));

/** Whether an attempt is open, or may turn out to have done something and nobody has been told what became of the task. */
export const mayHaveActed = ({ status, attempts }: LedgerTask): boolean =>
  attempts.some(
    (attempt) =>
      knownResult(attempt) === null || (status !== 'IN_REVIEW' && knownResult(attempt) === 'UNKNOWN'),
  );

/** Nobody needs to drive it now: it is over, or waits for a person whose deadline is still to come. */
export const isAtRest = ({ status, review }: Pick<LedgerTask, 'status' | 'review'>, now: string): boolean =>
  ['COMPLETED', 'REJECTED', 'CANCELLED'].includes(status) ||
  (status === 'IN_REVIEW' && now < (review?.deadline ?? '9'));

export const newCase = (caseId: string): LedgerCase => ({
  caseId,
  revision: -1,
  state: 'OPEN',
  isErased: false,
  priority: 'LOW',
  retryCount: 0,
  lastErrorType: null,
  tasks: new Map(),
  last: null,
  events: [],
  folded: emptyCase(caseId),
});

/** Takes an event into the ledger's own understanding of its case. Rules are checked before, see `checkEvent`. */
export function apply(ledgerCase: LedgerCase, event: Committed): void {
  ledgerCase.revision = event.revision;
  ledgerCase.last = event;
  ledgerCase.events.push(event);
  switch (event.type) {
    case 'CaseOpened':
      ledgerCase.priority = event.data.priority;
      ledgerCase.retryCount = event.data.retryCount;
      ledgerCase.lastErrorType = event.data.lastErrorType;
      return;
    case 'CaseStateChanged':
      ledgerCase.state = event.data.to;
      return;
    case 'CaseNoteAdded':
      return;
    case 'CaseErased':
      ledgerCase.isErased = true;
      return;
    case 'TaskReceived':
      ledgerCase.tasks.set(event.data.taskId, {
        ...event.data,
        caseId: ledgerCase.caseId,
        receivedAt: event.metadata.recordedAt,
        submittedBy: event.metadata.actor.id,
        review: null,
        pauses: 0,
        status: 'RECEIVED',
        outcome: null,
        decision: null,
        decisionSource: null,
        dueAt: null,
        decidedAt: null,
        attempts: [],
      });
      return;
    default: {
      const task = ledgerCase.tasks.get(event.data.taskId);
      if (task) applyToTask(ledgerCase, task, event);
    }
  }
}

type LaterTaskEvent = Exclude<
  Committed,
  { type: 'CaseOpened' | 'CaseStateChanged' | 'CaseNoteAdded' | 'CaseErased' | 'TaskReceived' }
>;

function applyToTask(ledgerCase: LedgerCase, task: LedgerTask, event: LaterTaskEvent): void {
  task.review = reviewAfter(task.review, event);
  switch (event.type) {
    case 'DecisionRecommended':
      task.decision = event.data.decision;
      task.decisionSource = event.data.source;
      task.decidedAt = event.revision;
      task.status = 'DECIDED';
      return;
    case 'ReviewDecided':
      if (event.data.resolution === 'REJECTED') task.status = 'REJECTED';
      else if (event.data.action && !event.data.awaitsSecond) task.status = 'DECIDED';
      return;
    case 'ActionStarted':
      task.status = 'EXECUTING';
      task.attempts.push({
        started: event.data,
        startedAt: event.metadata.recordedAt,
        committedAt: event.at,
        sentAt: event.sentAt,
        by: event.by,
        revision: event.revision,
        knownAt: null,
        executed: null,
        resolved: null,
        resolvedBy: null,
        calls: 0,
      });
      return;
    case 'ActionExecuted':
      executed(ledgerCase, task, event.data);
      return;
    case 'ActionOutcomeResolved':
      resolved(ledgerCase, task, event.data);
      return;
    case 'RetryScheduled':
      task.status = 'RETRY_SCHEDULED';
      task.dueAt = event.data.dueAt;
      task.pauses += 1;
      return;
    case 'RoutedToManual':
      task.status = 'IN_REVIEW';
      task.outcome ??= task.attempts.length === 0 ? 'MANUAL' : 'AUTO_FAILED';
      return;
    case 'TaskCancelled':
      task.status = 'CANCELLED';
  }
}

type Result = {
  readonly source?: ResolutionSource;
  readonly attempt: number;
  readonly result: AttemptResult;
  readonly errorType: string | null;
};

function executed(ledgerCase: LedgerCase, task: LedgerTask, { attempt, result, errorType }: Result): void {
  const made = task.attempts[attempt - 1];
  if (made) made.executed = result;
  if (result === 'SUCCEEDED') {
    ledgerCase.retryCount = 0;
    ledgerCase.lastErrorType = null;
  } else {
    ledgerCase.retryCount += 1;
    ledgerCase.lastErrorType = errorType;
  }
  if (task.attempts.some((other) => knownResult(other) === 'SUCCEEDED')) complete(task);
  else task.status = result === 'FAILED' ? 'DECIDED' : 'OUTCOME_UNKNOWN';
}

function resolved(
  ledgerCase: LedgerCase,
  task: LedgerTask,
  { attempt, result, errorType, source }: Result,
): void {
  const made = task.attempts[attempt - 1];
  if (made) {
    made.resolved = result;
    made.resolvedBy = source ?? null;
  }
  if (result === 'SUCCEEDED') {
    ledgerCase.retryCount = 0;
    ledgerCase.lastErrorType = null;
    if (!['COMPLETED', 'REJECTED', 'CANCELLED', 'EXECUTING'].includes(task.status)) complete(task);
    return;
  }
  if (result !== 'FAILED') return;
  ledgerCase.lastErrorType = errorType;
  if (task.status === 'OUTCOME_UNKNOWN' && attempt === task.attempts.length) task.status = 'DECIDED';
}

function complete(task: LedgerTask): void {
  task.status = 'COMPLETED';
  task.outcome ??= 'AUTO_SUCCESS';
}

/** Takes an event into the service's own fold. Throws what that throws. */
export function fold(ledgerCase: LedgerCase, event: Committed): void {
  const { id, revision, position, metadata } = event;
  ledgerCase.folded = evolve(ledgerCase.folded, event, {
    id,
    revision,
    position,
    recordedAt: metadata.recordedAt,
    actorId: metadata.actor.id,
  });
}
