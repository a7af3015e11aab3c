import type { Attempt } from '../domain/attempts.ts';
import type { Clock } from '../runtime/clock.ts';
import { atMost } from './atMost.ts';
import type { CaseStore } from './caseStore.ts';

/** How long to wait for a change that another process may make, before looking again. */
export const LOOK_AGAIN_MS = 200;
/** The same while another process's attempt is open, which takes its time. */
export const LOOK_AT_ATTEMPT_MS = 1_000;
/** The same for those who stand in a line. */
const LOOK_FROM_LINE_MS = 2_000;

/** A task's place among those of its case that wait for an action to end. */
export type Place = {
  /** Waits until there may be something new for this task. */
  readonly wait: () => Promise<void>;
  readonly leave: () => void;
};

/** @param shutdown ends the waiting */
export function createPlace(
  {
    cases,
    clock,
    shutdown,
  }: { readonly cases: CaseStore; readonly clock: Clock; readonly shutdown: AbortSignal },
  caseId: string,
): Place {
  let head: Promise<void> | null = null;
  let leave: (() => void) | null = null;
  let left = false;
  return {
    wait: async () => {
      if (leave) return cases.nextChange(caseId, LOOK_AGAIN_MS);
      // Having come to the head of the line it looks at once. Now and then before that, too: it may be this very task whose
      // attempt another process has started and not ended, for which everybody before it waits.
      head ??= cases.standInLine(caseId).then((leaveLine) => {
        leave = leaveLine;
        if (left) leaveLine();
      });
      await atMost(clock, head, LOOK_FROM_LINE_MS, shutdown);
    },
    leave: () => {
      left = true;
      leave?.();
    },
  };
}

/**
 * How long this process still waits for an attempt of another one, in milliseconds. By the monotonic clock, and from when it first saw the attempt:
 * no wall clock, its own or the other's, makes an attempt look over before it is.
 */
export function createPatience(clock: Clock): (attempt: Attempt) => number {
  let seen: { readonly number: number; readonly atMs: number } | null = null;
  return (attempt) => {
    const { attempt: number } = attempt.started;
    if (seen?.number !== number) seen = { number, atMs: clock.monotonicMs() };
    return seen.atMs + attemptMs(attempt) - clock.monotonicMs();
  };
}

/** How long an attempt may take from its start to its deadline, in milliseconds. */
export const attemptMs = ({ started, startedAt }: Attempt): number =>
  Date.parse(started.deadlineAt) - Date.parse(startedAt);
