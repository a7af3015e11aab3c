import { sha256Hex } from './hash.ts';
import type { RetryRules } from './policy.ts';

/** A pause is at least this share of its full length; what is above it is spread by the jitter. */
const LEAST_SHARE = 0.5;

/**
 * How long the next attempt waits: exponential, capped, and spread so that tasks which failed together do not come back together.
 * Deterministic: the jitter is a function of task and pause.
 *
 * @param pauses how many pauses the task has had before
 * @param longestSeconds a bound besides the rules' own
 * @returns milliseconds
 */
export function pauseMs(
  rules: RetryRules,
  taskId: string,
  pauses: number,
  longestSeconds = rules.longestPauseSeconds,
): number {
  const full = Math.min(rules.firstPauseSeconds * 2 ** pauses, rules.longestPauseSeconds, longestSeconds);
  const share = LEAST_SHARE + (1 - LEAST_SHARE) * jitter(`${taskId}/${pauses}`);
  return Math.round(full * share * 1_000);
}

/** Whether a retry at `dueAt` is still within the time that a task has for its automation. */
export const withinBudget = (rules: RetryRules, receivedAt: string, dueAt: string): boolean =>
  Date.parse(dueAt) - Date.parse(receivedAt) <= rules.budgetMinutes * 60_000;

/** A number in [0, 1) that depends on the text only. */
const jitter = (text: string): number => Number.parseInt(sha256Hex(text).slice(0, 12), 16) / 2 ** 48;
