import type { RetryScheduled } from '../../../src/domain/events.ts';
import type { Policy } from '../../../src/domain/policy.ts';
import type { Committed, LedgerTask } from './ledger.ts';
import { placeOf, type Violate } from './streamRules.ts';

/**
 * A pause is as long as the policy of the process says that scheduled it, by its own clock, and ends within the task's budget.
 *
 * @param task as it was before
 */
export function checkPause(
  task: LedgerTask,
  event: Committed & RetryScheduled,
  { retries }: Policy,
  violate: Violate,
): void {
  const { dueAt, reason } = event.data;
  const pauseMs = Date.parse(dueAt) - Date.parse(event.clockSaid);
  const fullMs = 1_000 * Math.min(retries.firstPauseSeconds * 2 ** task.pauses, retries.longestPauseSeconds);
  if (pauseMs < fullMs / 2 - 1 || pauseMs > fullMs + 1) {
    violate('pauses are as the policy says', `${placeOf(event)}: ${pauseMs} of ${fullMs} ms`);
  }
  if (Date.parse(dueAt) - Date.parse(task.receivedAt) > retries.budgetMinutes * 60_000) {
    violate('retries stay within their budget', placeOf(event));
  }
  if (reason === 'BACKEND_UNAVAILABLE' && retries.whenBackendDown === 'MANUAL') {
    violate('a backend that is down is waited for only where the policy says so', placeOf(event));
  }
}
