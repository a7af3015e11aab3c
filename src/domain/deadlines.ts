import { addBusinessMinutes } from './businessHours.ts';
import type { Policy, QueueTarget } from './policy.ts';
import type { Priority } from './vocabulary.ts';

/**
 * Until when a task that begins to wait in a queue now is to be decided. Where the policy has business hours, only they count.
 *
 * @param from ISO 8601
 * @returns ISO 8601, UTC, milliseconds
 */
export function dueBy(policy: Policy, target: QueueTarget, priority: Priority, from: string): string {
  const minutes = target.dueMinutesByPriority[priority] ?? target.dueMinutes;
  const hours = policy.reviews.businessHours;
  const begin = Date.parse(from);
  const due = hours ? addBusinessMinutes(hours, minutes, begin) : begin + minutes * 60_000;
  return new Date(due).toISOString();
}

/**
 * The queue that follows on one where a task was not decided in time; null where the policy names none. Where several entries
 * are for that queue, the first one's deadline holds.
 */
export function escalation(policy: Policy, queue: string): QueueTarget | null {
  const targets = [...policy.queues, policy.defaultQueue];
  const next = targets.find((target) => target.queue === queue)?.escalateTo;
  return targets.find((target) => target.queue === next) ?? null;
}
