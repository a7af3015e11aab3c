import type { CaseEvent } from '../../domain/events.ts';
import type { AttemptResult } from '../../domain/vocabulary.ts';
import type { Fate } from './report.ts';

/** Events that say what became of a task. */
export const OUTCOME_EVENTS = [
  'ActionExecuted',
  'ActionOutcomeResolved',
  'ReviewDecided',
  'TaskCancelled',
] as const;

/** A task from its first flip on, as far as events have told. */
export type Followed = {
  readonly isToExecute: boolean;
  /** Results by attempt; null for an attempt at another action, which a person had put in its place. No map before the first. */
  results: Map<number, AttemptResult | null> | null;
  /** The newest decision that settled something. */
  settled: 'APPROVED' | 'EDITED' | 'REJECTED' | 'CANCELLED' | null;
  approved: boolean;
  edited: boolean;
  rejected: boolean;
  isSimulated: boolean;
};

/** A task of which nothing is known yet. Small: there may be very many at a time. */
export const follow = (isToExecute: boolean): Followed => ({
  isToExecute,
  results: null,
  settled: null,
  approved: false,
  edited: false,
  rejected: false,
  isSimulated: false,
});

/**
 * Learns from one more event about the task.
 *
 * @returns whether all is told: it succeeded, was rejected or cancelled; of one that would newly be a person's, also when it became one's
 */
export function learn(followed: Followed, event: CaseEvent): boolean {
  switch (event.type) {
    case 'ActionExecuted': {
      const { attempt, result, simulated } = event.data;
      keep(followed, attempt, followed.settled === 'EDITED' ? null : result);
      if (simulated) followed.isSimulated = true;
      return result === 'SUCCEEDED';
    }
    case 'ActionOutcomeResolved': {
      const { attempt, result } = event.data;
      const isOther = followed.results?.get(attempt) === null;
      if (!isOther) keep(followed, attempt, result);
      return result === 'SUCCEEDED';
    }
    case 'ReviewDecided':
      return decide(followed, event.data);
    case 'TaskCancelled':
      followed.settled = 'CANCELLED';
      return true;
    default:
      return false;
  }
}

function keep(followed: Followed, attempt: number, result: AttemptResult | null): void {
  followed.results ??= new Map();
  followed.results.set(attempt, result);
}

function decide(
  followed: Followed,
  { resolution, awaitsSecond }: Extract<CaseEvent, { type: 'ReviewDecided' }>['data'],
): boolean {
  if (resolution === 'INFO_REQUESTED' || awaitsSecond) return false;
  followed.settled = resolution;
  if (resolution === 'APPROVED') followed.approved = true;
  if (resolution === 'EDITED') followed.edited = true;
  if (resolution === 'REJECTED') followed.rejected = true;
  return resolution === 'REJECTED' || !followed.isToExecute;
}

/** What is known of it by now: the result of the action itself before what a person made of it. */
export function fateOf({ results, settled, isToExecute }: Followed): Fate {
  const known = [...(results?.values() ?? [])];
  for (const result of ['SUCCEEDED', 'UNKNOWN', 'FAILED'] as const) {
    if (known.includes(result)) return result;
  }
  // Of a task that the policy had let be executed, what a person decides later is no outcome of that.
  if (!isToExecute && settled !== 'CANCELLED') return 'NOTHING_KNOWN';
  return settled ?? 'NOTHING_KNOWN';
}

/** Whether an attempt at the action itself had failed, or its outcome had stayed unknown. */
export const hadFailed = ({ results }: Followed): boolean =>
  [...(results?.values() ?? [])].some((result) => result === 'FAILED' || result === 'UNKNOWN');
