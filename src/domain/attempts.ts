import type { ActionExecuted, ActionOutcomeResolved, ActionStarted, ReviewedAction } from './events.ts';
import type { AttemptResult } from './vocabulary.ts';

/** One attempt: what was started and when, what came of it (null while it is open), and what became known later. */
export type Attempt = {
  readonly started: ActionStarted['data'];
  readonly startedAt: string;
  readonly executed: ActionExecuted['data'] | null;
  /** The newest thing that was learnt after UNKNOWN; null where nothing was. */
  readonly resolved: ActionOutcomeResolved['data'] | null;
};

/** What an attempt does: the intent, and over which route. */
export const actionOf = ({
  intent,
  backend,
}: Pick<ActionStarted['data'], 'intent' | 'backend'>): ReviewedAction => ({ intent, routeTarget: backend });

/** Whether two stand for the same thing to be done, whoever wants it. */
export const isSameAction = (a: ReviewedAction | null, b: ReviewedAction): boolean =>
  a?.intent === b.intent && a.routeTarget === b.routeTarget;

/** What is known of an attempt by now; null while it is open. */
export const resultOf = (attempt: Attempt): AttemptResult | null =>
  attempt.resolved?.result ?? attempt.executed?.result ?? null;

type WithAttempts = { readonly attempts: readonly Attempt[] };

/** Attempts of which nobody knows whether they did what was asked. */
export const unknownAttempts = (task: WithAttempts): readonly Attempt[] =>
  task.attempts.filter((attempt) => resultOf(attempt) === 'UNKNOWN');

/**
 * Whether one more attempt might do a second time what an attempt of unknown outcome has done already (rule 5): not where the backend
 * was declared idempotent at each of them, and still is.
 *
 * @param idempotent what the backend is declared to be now
 */
export function isBlind(task: WithAttempts, idempotent: boolean): boolean {
  const unknown = unknownAttempts(task);
  return unknown.length > 0 && !(idempotent && unknown.every(({ started }) => started.idempotent));
}

/**
 * Whether a result tells something new of an attempt that was recorded as UNKNOWN: certainty, or that not even a lookup could tell.
 * SUCCEEDED is believed also where a lookup or a person has said FAILED: the request was still on its way then.
 */
export function tellsMore({ executed, resolved }: Attempt, result: AttemptResult): boolean {
  if (executed?.result !== 'UNKNOWN') return false;
  if (resolved === null) return true;
  if (resolved.result === 'UNKNOWN') return result !== 'UNKNOWN';
  return resolved.result === 'FAILED' && resolved.source !== 'LATE_ANSWER' && result === 'SUCCEEDED';
}

/** The last attempt of a task; undefined before the first. */
export const lastAttempt = (task: WithAttempts): Attempt | undefined => task.attempts.at(-1);

/** Whether the last attempt was started and has no result yet. */
export const hasOpenAttempt = (task: WithAttempts): boolean => lastAttempt(task)?.executed === null;

/** The attempt with this number; undefined where it was not started. */
export const attemptOf = (task: WithAttempts, number: number): Attempt | undefined =>
  task.attempts.find(({ started }) => started.attempt === number);

/**
 * Attempts after the result of the open one.
 *
 * @throws Error when it is not the open one's
 */
export function closeAttempt(task: WithAttempts, executed: ActionExecuted['data']): Attempt[] {
  const open = lastAttempt(task);
  if (!open || open.executed || open.started.attempt !== executed.attempt) {
    throw new Error(`ActionExecuted for attempt ${executed.attempt}, which is not open`);
  }
  return [...task.attempts.slice(0, -1), { ...open, executed }];
}

/**
 * Attempts after more became known of one.
 *
 * @throws Error when it tells nothing new
 */
export function resolveAttempt(task: WithAttempts, resolved: ActionOutcomeResolved['data']): Attempt[] {
  const attempt = attemptOf(task, resolved.attempt);
  if (!attempt || !tellsMore(attempt, resolved.result)) {
    throw new Error(`ActionOutcomeResolved for attempt ${resolved.attempt}, of which it tells nothing new`);
  }
  return task.attempts.map((other) => (other === attempt ? { ...attempt, resolved } : other));
}
