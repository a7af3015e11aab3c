import { caseIdOfStream } from '../../domain/identifiers.ts';
import type { VerdictKind } from '../../domain/vocabulary.ts';
import type { ReadEvent } from '../../eventstore/port.ts';
import type { Judge, Judges, NotJudged } from './candidate.ts';
import { type RecordedVerdict, readVerdict } from './recordedVerdict.ts';

/** What the candidate makes of a recorded verdict. */
export type JudgedVerdict = {
  readonly kind: 'judged';
  readonly recorded: RecordedVerdict;
  readonly verdict: VerdictKind;
  /** Guardrails that make the candidate's verdict another one: they newly fail, or no longer do. Empty where it is the same. */
  readonly causes: readonly string[];
};

/** ISO 8601 times: the first included, the second not; null: no bound. */
export type Period = { readonly since: string | null; readonly until: string | null };

/** Judges stored verdicts; a promise only where a playbook has to be read first. Null: not of the period that was asked for. */
export type JudgeEvent = (event: ReadEvent) => Answer | Promise<Answer>;
export type Answer = JudgedVerdict | NotJudged | null;

export const createJudging =
  (judges: Judges, period: Period): JudgeEvent =>
  (event) => {
    const read = readVerdict(event);
    if (read.kind !== 'verdict') {
      if (read.recordedAt !== null && !isIn(period, read.recordedAt)) return null;
      const reason = read.kind === 'later' ? 'EVENT_OF_LATER_CODE' : 'UNREADABLE';
      return { kind: 'not judged', reason, detail: read.problem };
    }
    const { verdict: recorded } = read;
    if (!isIn(period, recorded.recordedAt)) return null;
    const judge = judges(recorded.playbookHash);
    return judge instanceof Promise
      ? judge.then((ready) => answer(ready, recorded))
      : answer(judge, recorded);
  };

function answer(judge: Judge, recorded: RecordedVerdict): Answer {
  const judgement = judge(recorded);
  if (judgement.kind === 'not judged') return judgement;
  const { verdict, blocking } = judgement;
  if (verdict === recorded.verdict) return { kind: 'judged', recorded, verdict, causes: [] };
  const causes = verdict === 'EXECUTE' ? recordedBlocking(recorded) : blocking;
  return causes ? { kind: 'judged', recorded, verdict, causes } : UNREADABLE;
}

const UNREADABLE: NotJudged = {
  kind: 'not judged',
  reason: 'UNREADABLE',
  detail: 'its results cannot be read',
};

/** The guardrails that kept a recorded verdict from EXECUTE; null where they cannot be read. */
const recordedBlocking = ({ rules, overrides }: RecordedVerdict): string[] | null =>
  rules()
    ?.filter(({ name, passed, overridable }) => !passed && !(overridable && overrides.includes(name)))
    .map(({ name }) => name) ?? null;

/** Recorded times have one form, so their order is that of their texts. */
const isIn = ({ since, until }: Period, recordedAt: string): boolean =>
  (since === null || recordedAt >= since) && (until === null || recordedAt < until);

/** Where a stored event stands, for people. */
export const spotOf = ({ stream, revision }: ReadEvent): { caseId: string; revision: number } => ({
  caseId: caseIdOfStream(stream) ?? stream,
  revision,
});
