import type { CaseEvent } from '../../domain/events.ts';
import type { Codec } from '../../eventstore/codec.ts';
import type { ReadEvent } from '../../eventstore/port.ts';
import { type Followed, fateOf, follow, hadFailed, learn, OUTCOME_EVENTS } from './fate.ts';
import { FATES, type Fate, type Flip, type Score } from './report.ts';

/** Follows tasks from their first flip to their end, and scores them. */
export type FollowUp = {
  /**
   * Takes in the flip of a task. Only the first one of a task is followed.
   *
   * @param isListed whether it is to be told what became of it; of others no more is kept than must be
   */
  readonly begin: (flip: Flip, isToExecute: boolean, isListed: boolean) => Promise<void> | undefined;
  /** Takes in an event about an outcome. */
  readonly see: (event: ReadEvent) => void;
  /** Ends it: what is not known by now is not. */
  readonly finish: () => {
    readonly newlyExecuted: Score;
    readonly newlyRouted: Score;
    readonly outcomesNotRead: number;
  };
};

export type FollowUpParts = {
  readonly codec: Codec;
  /** How many tasks are kept in memory until they end. */
  readonly mostFollowed: number;
  /** The case of a flip, whole. */
  readonly readCase: (flip: Flip) => Promise<readonly ReadEvent[]>;
  /** Whether the candidate flips this stored verdict, which stands before the task's flip. */
  readonly isFlip: (event: ReadEvent) => Promise<boolean>;
};

export function createFollowUp({ codec, mostFollowed, readCase, isFlip }: FollowUpParts): FollowUp {
  const followed = new Map<string, Followed & { readonly listed: Flip | null }>();
  const scores = { toExecute: emptyScore(), toManual: emptyScore() };
  let notRead = 0;

  const settle = (one: Followed, listed: Flip | null): void => {
    const score = one.isToExecute ? scores.toExecute : scores.toManual;
    const fate = fateOf(one);
    if (listed) listed.fate = fate;
    score.tasks += 1;
    score.fates[fate] += 1;
    for (const key of ['approved', 'edited', 'rejected'] as const) if (one[key]) score[key] += 1;
    if (fate === 'SUCCEEDED' && hadFailed(one)) score.succeededAfterFailure += 1;
    if (one.isSimulated) score.simulated += 1;
  };
  const told = (event: ReadEvent): CaseEvent | null => {
    try {
      return codec.decode(event) as CaseEvent;
    } catch {
      notRead += 1;
      return null;
    }
  };
  const isFlippedBefore = async (events: readonly ReadEvent[], { revision }: Flip): Promise<boolean> => {
    for (const event of events) {
      if (event.type === 'GuardrailEvaluated' && event.revision < revision && (await isFlip(event)))
        return true;
    }
    return false;
  };
  /** Where memory is used up: what is before and behind the flip is read from the case at once. */
  const readThrough = async (flip: Flip, isToExecute: boolean, isListed: boolean): Promise<void> => {
    const events = (await readCase(flip)).filter((event) => taskOf(event) === flip.taskId);
    if (await isFlippedBefore(events, flip)) return;
    const one = follow(isToExecute);
    const isToldBy = (event: ReadEvent): boolean => {
      const outcome = told(event);
      return outcome !== null && learn(one, outcome);
    };
    events.filter(({ type, revision }) => isOutcome(type) && revision > flip.revision).some(isToldBy);
    settle(one, isListed ? flip : null);
  };

  return {
    begin: (flip, isToExecute, isListed) => {
      if (followed.has(flip.taskId)) return undefined;
      if (followed.size >= mostFollowed) return readThrough(flip, isToExecute, isListed);
      followed.set(flip.taskId, { ...follow(isToExecute), listed: isListed ? flip : null });
      return undefined;
    },
    see: (event) => {
      const taskId = followed.size > 0 ? taskOf(event) : null;
      const one = taskId === null ? undefined : followed.get(taskId);
      const outcome = one && told(event);
      if (!one || !outcome || !learn(one, outcome)) return;
      settle(one, one.listed);
      followed.delete(taskId ?? '');
    },
    finish: () => {
      for (const one of followed.values()) settle(one, one.listed);
      return { newlyExecuted: scores.toExecute, newlyRouted: scores.toManual, outcomesNotRead: notRead };
    },
  };
}

const emptyScore = (): Score => ({
  tasks: 0,
  fates: Object.fromEntries(FATES.map((fate) => [fate, 0])) as Record<Fate, number>,
  succeededAfterFailure: 0,
  approved: 0,
  edited: 0,
  rejected: 0,
  simulated: 0,
});

const isOutcome = (type: string): boolean => (OUTCOME_EVENTS as readonly string[]).includes(type);

/** The task that an event is about, whatever else it holds; null where it is about none. */
function taskOf(event: ReadEvent): string | null {
  try {
    const { taskId } = JSON.parse(event.data) as { readonly taskId?: unknown };
    return typeof taskId === 'string' ? taskId : null;
  } catch {
    return null;
  }
}
