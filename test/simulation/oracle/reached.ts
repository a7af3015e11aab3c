import { nextStep } from '../../../src/domain/nextStep.ts';
import { isoAt, type World } from '../world.ts';
import type { Committed, LedgerCase } from './ledger.ts';

/** Counts what an event reached: the case is as it is after it. */
export function countReached(
  { count, timeline }: World,
  ledgerCase: LedgerCase,
  before: Committed | null,
  event: Committed,
): void {
  for (const what of reachedBy(event, before)) count(what);
  if (event.left > 0 || !('taskId' in event.data)) return;
  const task = ledgerCase.tasks.get(event.data.taskId);
  if (!task) return;
  count(`status/${task.status}`);
  if (task.outcome) count(`outcome/${task.outcome}`);
  for (const taskId of ledgerCase.tasks.keys()) {
    count(`step/${nextStep(ledgerCase.folded, taskId, isoAt(timeline.now())).kind}`);
  }
}

function reachedBy(event: Committed, before: Committed | null): string[] {
  switch (event.type) {
    case 'DecisionRecommended':
      return [`source/${event.data.source}`];
    case 'GuardrailEvaluated':
      return ['step/evaluate'];
    case 'RetryScheduled':
      return ['step/retry', `retry/${event.data.reason}`];
    case 'ActionExecuted':
      return [`result/${event.data.result}`];
    case 'ActionOutcomeResolved':
      return [`resolution/${event.data.source}/${event.data.result}`];
    case 'RoutedToManual': {
      const codes = event.data.codes.map((code) => `code/${code}`);
      return before?.type === 'GuardrailEvaluated' ? codes : ['step/route', ...codes];
    }
    default:
      return [];
  }
}

/** What the story of a run says of an event. */
export function detailOf(event: Committed): string {
  const task = 'taskId' in event.data ? ` …${event.data.taskId.slice(-6)}` : '';
  switch (event.type) {
    case 'DecisionRecommended':
      return `${task} ${event.data.source} ${event.data.decision.routeTarget} ${event.data.decision.retryStrategy}`;
    case 'GuardrailEvaluated':
      return `${task} ${event.data.verdict}`;
    case 'ActionStarted':
      return `${task} attempt ${event.data.attempt} at ${event.data.backend} until ${event.data.deadlineAt}`;
    case 'ActionExecuted':
    case 'ActionOutcomeResolved':
      return `${task} attempt ${event.data.attempt} ${event.data.result} ${event.data.errorType ?? ''}`;
    case 'RetryScheduled':
      return `${task} attempt ${event.data.attempt} at ${event.data.dueAt} ${event.data.reason}`;
    case 'RoutedToManual':
      return `${task} ${event.data.codes.join(' ')}`;
    case 'ReviewClaimed':
      return `${task} ${event.data.reviewer} until ${event.data.leaseUntil}`;
    case 'ReviewDecided':
      return `${task} ${event.data.reviewer} ${event.data.resolution}${event.data.awaitsSecond ? ', awaits a second' : ''}`;
    case 'CaseStateChanged':
      return `${event.data.from} to ${event.data.to}`;
    default:
      return task;
  }
}
