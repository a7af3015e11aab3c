import type { ActionOutcomeResolved, Actor } from '../../../src/domain/events.ts';
import type { Policy } from '../../../src/domain/policy.ts';
import type { Committed, LedgerTask } from './ledger.ts';
import { claimHolds, type LedgerReview } from './reviewLedger.ts';
import { placeOf, type Violate } from './streamRules.ts';

const MINUTE_MS = 60_000;

/**
 * One person has a review at a time, for as long as the lease of the policy lasts; only a supervisor takes it from another.
 *
 * @param review as it was before
 */
export function checkClaim(
  review: LedgerReview,
  event: Extract<Committed, { type: 'ReviewClaimed' }>,
  { reviews }: Policy,
  violate: Violate,
): void {
  const { reviewer, leaseUntil, takenFrom } = event.data;
  const { recordedAt, actor } = event.metadata;
  const other = claimHolds(review, recordedAt) && review.claim?.reviewer !== reviewer ? review.claim : null;
  if (actor.id !== reviewer) violate('who claims has it', `${placeOf(event)} by ${actor.id}`);
  if (takenFrom !== (other?.reviewer ?? null))
    violate(
      'one has a review',
      `${placeOf(event)} takes it from ${takenFrom}, and ${other?.reviewer} has it`,
    );
  if (other && !supervises(actor, reviews)) violate('one has a review', `${placeOf(event)} by ${actor.id}`);
  const leaseMs = Date.parse(leaseUntil) - Date.parse(recordedAt);
  if (Math.abs(leaseMs - reviews.leaseMinutes * MINUTE_MS) > 1)
    violate('leases are as the policy says', `${placeOf(event)}: ${leaseMs} ms`);
}

/** A claim is ended by who has it or by a supervisor; one whose lease is over only by a command with a key, which must leave something. */
export function checkRelease(
  review: LedgerReview,
  event: Extract<Committed, { type: 'ReviewReleased' }>,
  { reviews }: Policy,
  violate: Violate,
): void {
  const { recordedAt, actor } = event.metadata;
  const { reviewer, command } = event.data;
  const isThere = claimHolds(review, recordedAt) || command !== null;
  if (
    !isThere ||
    review.claim?.reviewer !== reviewer ||
    (actor.id !== reviewer && !supervises(actor, reviews))
  )
    violate('one has a review', `${placeOf(event)} of ${reviewer} by ${actor.id}`);
}

/** Whoever says something of a review has claimed it, and the lease is not over. */
export function checkHolder(
  review: LedgerReview | null,
  event: Extract<Committed, { type: 'ReviewDecided' }> | (Committed & ActionOutcomeResolved),
  reviewer: string,
  violate: Violate,
): void {
  const { recordedAt, actor } = event.metadata;
  const holds = review !== null && claimHolds(review, recordedAt) && review.claim?.reviewer === reviewer;
  if (holds && actor.id === reviewer) return;
  const has = review?.claim ? `${review.claim.reviewer} until ${review.claim.leaseUntil}` : 'nobody';
  violate('who decides has the review', `${placeOf(event)} at ${recordedAt} by ${reviewer}; ${has} has it`);
}

const supervises = ({ roles }: Actor, { supervisors }: Policy['reviews']): boolean =>
  supervisors.some((role) => roles.includes(role));

/** The queue and deadline of the policy of whoever hands a task over. */
export function checkRouting(
  event: Extract<Committed, { type: 'RoutedToManual' }>,
  { queues, defaultQueue }: Policy,
  priority: LedgerPriority,
  violate: Violate,
): void {
  const { codes, queue, dueBy } = event.data;
  const target = queues.find((entry) => entry.codes.some((code) => codes.includes(code))) ?? defaultQueue;
  if (queue === target.queue && isDue(dueBy, event, target, priority)) return;
  violate('deadlines are as the policy says', `${placeOf(event)}: ${queue} until ${dueBy}`);
}

/** A deadline is told once, when it has passed, and only brings the task to more people. */
export function checkOverdue(
  { review }: LedgerTask,
  event: Extract<Committed, { type: 'ReviewOverdue' }>,
  { queues, defaultQueue }: Policy,
  priority: LedgerPriority,
  violate: Violate,
): void {
  const { queue, dueBy, escalatedTo } = event.data;
  if (queue !== review?.queue || dueBy !== review.deadline || event.left > 0)
    violate('a deadline passes once', `${placeOf(event)}: ${dueBy}, and it was ${review?.deadline}`);
  if (event.clockSaid < dueBy)
    violate('a deadline passes once', `${placeOf(event)} at ${event.clockSaid}, due ${dueBy}`);
  const targets = [...queues, defaultQueue];
  const name = targets.find((target) => target.queue === queue)?.escalateTo;
  const next = targets.find((target) => target.queue === name);
  const isNext =
    next && escalatedTo
      ? escalatedTo.queue === next.queue && isDue(escalatedTo.dueBy, event, next, priority)
      : !next && !escalatedTo;
  if (!isNext) violate('deadlines are as the policy says', `${placeOf(event)} goes to ${escalatedTo?.queue}`);
}

type LedgerPriority = keyof Policy['defaultQueue']['dueMinutesByPriority'];

function isDue(
  dueBy: string,
  { clockSaid }: Committed,
  { dueMinutes, dueMinutesByPriority }: Policy['defaultQueue'],
  priority: LedgerPriority,
): boolean {
  const minutes = dueMinutesByPriority[priority] ?? dueMinutes;
  return Math.abs(Date.parse(dueBy) - Date.parse(clockSaid) - minutes * MINUTE_MS) <= 1;
}
