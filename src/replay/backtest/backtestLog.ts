import { caseIdOfStream, caseStream } from '../../domain/identifiers.ts';
import type { Playbook } from '../../domain/playbook.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Codec } from '../../eventstore/codec.ts';
import type { EventStore, ReadEvent } from '../../eventstore/port.ts';
import { readWhole } from '../../eventstore/wholeStream.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { LogReader } from '../readEvents.ts';
import { SELECTION_BIAS } from './bias.ts';
import { createJudges } from './candidate.ts';
import { createCounts, directionOf } from './counts.ts';
import { createDays } from './days.ts';
import { OUTCOME_EVENTS } from './fate.ts';
import { createFollowUp } from './followUp.ts';
import { type Answer, createJudging, type JudgedVerdict, type Period, spotOf } from './judging.ts';
import { createNotJudged } from './notJudged.ts';
import type { BacktestReport } from './report.ts';
import { readAhead } from './windows.ts';

export type BacktestDependencies = {
  readonly store: LogReader & Pick<EventStore, 'readTypes'>;
  readonly codec: Codec;
  /** Null where the log does not say. */
  readonly logId: string | null;
  readonly clock: Clock;
};

/** What is asked: which verdicts (those recorded in a period, of some cases), and under which policy. */
export type Backtest = Period & {
  readonly candidate: Policy;
  /** To judge every verdict with; null: each with the playbook that it was made with. */
  readonly playbook: Playbook | null;
  /** Which cases to look at; left out: all. */
  readonly isWanted?: (caseId: string) => boolean;
  /** How many flipped tasks are kept in memory until they end; the cases of others are read one by one. */
  readonly mostFollowed?: number;
};

/** How far a backtest has got. */
export type BacktestProgress = { readonly verdicts: number; readonly position: bigint; readonly end: bigint };

const TYPES = ['GuardrailEvaluated', ...OUTCOME_EVENTS];
/** Less than 100 MB. */
const MOST_FOLLOWED = 200_000;

/**
 * Judges every recorded verdict of a log again, under a candidate policy, from its recorded facts. Reads only, in the log's order and in
 * memory that does not grow with it.
 *
 * @throws what the store throws: then nothing is said
 */
export async function backtestLog(
  deps: BacktestDependencies,
  asked: Backtest,
  onProgress: (progress: BacktestProgress) => void,
): Promise<BacktestReport> {
  const { store, clock, logId } = deps;
  const { candidate, playbook, since, until, isWanted = () => true } = asked;
  const startedAt = clock.now();
  const start = clock.monotonicMs();
  const end = await store.lastPosition();
  const taking = createTaking(deps, asked, end);

  for await (const { events, reached } of readAhead(store, TYPES, end)) {
    for (const event of events) {
      const caseId = caseIdOfStream(event.stream);
      if (caseId === null || !isWanted(caseId)) continue;
      const busy = taking.take(event);
      if (busy) await busy;
    }
    onProgress({ verdicts: taking.verdicts(), position: reached, end: end ?? reached });
  }

  const durationMs = Math.max(1, Math.round(clock.monotonicMs() - start));
  return {
    logId,
    candidate: nameOf(candidate),
    playbook: playbook && nameOf(playbook),
    since,
    until,
    startedAt,
    finishedAt: clock.now(),
    durationMs,
    verdictsPerMinute: Math.round((taking.verdicts() * 60_000) / durationMs),
    upTo: end === null ? null : String(end),
    ...taking.finish(),
    selectionBias: [...SELECTION_BIAS],
  };
}

const nameOf = ({ name, version, hash }: Policy | Playbook): BacktestReport['candidate'] => ({
  name,
  version,
  hash,
});

/** Takes in one event after the other; where it gives a promise, the next event has to wait for it. */
function createTaking({ store, codec }: BacktestDependencies, asked: Backtest, end: bigint | null) {
  const { candidate, playbook, mostFollowed = MOST_FOLLOWED } = asked;
  const judge = createJudging(createJudges(store, codec, candidate, playbook), asked);
  const [policy, reviewers] = [createCounts(candidate), createCounts(candidate)];
  const notJudged = createNotJudged();
  const days = createDays();
  let verdicts = 0;
  const followUp = createFollowUp({
    codec,
    mostFollowed,
    readCase: async ({ caseId }) =>
      (await readWhole(store, caseStream(caseId))).filter(({ position }) => end !== null && position <= end),
    isFlip: async (event) => {
      const answer = await judge(event);
      return (
        answer?.kind === 'judged' &&
        !answer.recorded.isReviewers &&
        answer.verdict !== answer.recorded.verdict
      );
    },
  });

  const count = (judged: JudgedVerdict): Promise<void> | undefined => {
    const { recorded, verdict } = judged;
    if (recorded.isReviewers) {
      reviewers.add(judged);
      return undefined;
    }
    const flipped = policy.add(judged);
    days.add(recorded.recordedAt, flipped && directionOf(verdict));
    return flipped ? followUp.begin(flipped.flip, verdict === 'EXECUTE', flipped.isListed) : undefined;
  };
  const conclude = (event: ReadEvent, answer: Answer): Promise<void> | undefined => {
    if (answer === null) return undefined;
    verdicts += 1;
    if (answer.kind === 'judged') return count(answer);
    notJudged.add(answer.reason, answer.detail, spotOf(event));
    return undefined;
  };
  return {
    take: (event: ReadEvent): Promise<void> | undefined => {
      if (event.type !== 'GuardrailEvaluated') {
        followUp.see(event);
        return undefined;
      }
      const answer = judge(event);
      return answer instanceof Promise
        ? answer.then((ready) => conclude(event, ready))
        : conclude(event, answer);
    },
    verdicts: () => verdicts,
    finish: () => ({
      verdicts,
      policy: policy.summary(),
      reviewers: reviewers.summary(),
      ...followUp.finish(),
      days: days.rows(),
      notJudged: notJudged.rows(),
    }),
  };
}
