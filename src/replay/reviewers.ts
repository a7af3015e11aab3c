import { isSameAction } from '../domain/attempts.ts';
import {
  type ActionOutcomeResolved,
  type CaseEvent,
  type GuardrailEvaluated,
  isTaskEvent,
  type Recorded,
  type ReviewDecided,
} from '../domain/events.ts';
import type { Findings } from './findings.ts';

type Event = Recorded<CaseEvent>;

/** An approval that lets something be executed, with its verdict, and the approval of another person that it may complete. */
export type Approval = {
  readonly event: Recorded<ReviewDecided>;
  readonly verdict: Recorded<GuardrailEvaluated>;
  readonly first: Recorded<ReviewDecided> | null;
};

type Desk = {
  readonly submittedBy: string;
  claim: { readonly reviewer: string; readonly leaseUntil: string } | null;
  first: Recorded<ReviewDecided> | null;
};

/**
 * The rules for reviewers that need no policy, read off the stream and not from the fold: whoever decides a review, or says what an
 * attempt did, has recorded that themselves under a claim of their own that still ran; whoever approves is authenticated and has not
 * submitted the task; what a final approval permits stands directly behind it.
 *
 * @param events of one case by revision; undefined where one cannot be read
 * @param isCut whether the stream goes on behind them
 * @returns final approvals that have a verdict
 */
export function verifyReviewers(
  events: readonly (Event | undefined)[],
  isCut: boolean,
  findings: Findings,
): Approval[] {
  const desks = new Map<string, Desk>();
  const approvals: Approval[] = [];
  events.forEach((event, index) => {
    if (!event || !isTaskEvent(event)) return;
    const desk = desks.get(event.data.taskId) ?? { submittedBy: '', claim: null, first: null };
    for (const problem of problemsOf(event, desk)) findings.mismatch('PERMISSION', event, problem);
    const verdict = verdictOf(event, events[index + 1]);
    const isEnd = isCut && index === events.length - 1;
    if (isFinal(event) && verdict) approvals.push({ event, verdict, first: desk.first });
    if (isFinal(event) && !verdict && !isEnd)
      findings.mismatch('PERMISSION', event, 'its verdict is not directly behind it');
    desks.set(event.data.taskId, deskAfter(desk, event));
  });
  return approvals;
}

function deskAfter(desk: Desk, event: Event): Desk {
  switch (event.type) {
    case 'TaskReceived':
      return { submittedBy: event.metadata.actor.id, claim: null, first: null };
    case 'RoutedToManual':
      return { ...desk, claim: null, first: null };
    case 'ReviewClaimed':
      return { ...desk, claim: event.data };
    case 'ReviewReleased':
      return { ...desk, claim: null };
    case 'ReviewDecided':
      return { ...desk, claim: null, first: firstAfter(desk, event) };
    default:
      return desk;
  }
}

/** A question for more information leaves a first approval standing; every other decision takes its place or ends it. */
function firstAfter({ first }: Desk, event: Recorded<ReviewDecided>): Desk['first'] {
  if (event.data.awaitsSecond) return event;
  return event.data.resolution === 'INFO_REQUESTED' ? first : null;
}

function problemsOf(event: Event, desk: Desk): string[] {
  switch (event.type) {
    case 'ReviewClaimed':
      return recordedBy(event, event.data.reviewer, 'the claim');
    case 'ReviewDecided': {
      const { reviewer } = event.data;
      const found = [...recordedBy(event, reviewer, 'the decision'), ...claimProblems(event, reviewer, desk)];
      return isApproval(event) ? [...found, ...approverProblems(event, desk)] : found;
    }
    case 'ActionOutcomeResolved':
      return outcomeProblems(event, desk);
    default:
      return [];
  }
}

function outcomeProblems(event: Recorded<ActionOutcomeResolved>, desk: Desk): string[] {
  const { review, source } = event.data;
  if ((review !== null) !== (source === 'REVIEWER')) return ['its source is not who says so'];
  if (review === null) return [];
  return [
    ...recordedBy(event, review.reviewer, 'the outcome'),
    ...claimProblems(event, review.reviewer, desk),
  ];
}

const recordedBy = ({ metadata }: Event, reviewer: string, what: string): string[] =>
  metadata.actor.id === reviewer ? [] : [`${what} was recorded by another one than its reviewer`];

function claimProblems({ metadata }: Event, reviewer: string, { claim }: Desk): string[] {
  if (claim === null) return ['nobody had claimed the review'];
  if (claim.reviewer !== reviewer) return ['another reviewer had claimed the review'];
  return metadata.recordedAt < claim.leaseUntil ? [] : ['the claim of its reviewer was over'];
}

function approverProblems({ data, metadata }: Recorded<ReviewDecided>, desk: Desk): string[] {
  return [
    ...(metadata.actor.kind === 'anonymous' ? ['its reviewer was not authenticated'] : []),
    ...(data.reviewer === desk.submittedBy ? ['its reviewer has submitted the task'] : []),
  ];
}

const isApproval = ({ data }: Recorded<ReviewDecided>): boolean =>
  data.resolution === 'APPROVED' || data.resolution === 'EDITED';
const isFinal = (event: Event): event is Recorded<ReviewDecided> =>
  event.type === 'ReviewDecided' && isApproval(event) && !event.data.awaitsSecond;

function verdictOf({ type, data }: Event, next: Event | undefined): Recorded<GuardrailEvaluated> | null {
  if (type !== 'ReviewDecided' || next?.type !== 'GuardrailEvaluated') return null;
  if (next.data.taskId !== data.taskId) return null;
  const { authority, facts } = next.data;
  const isItsOwn = authority.kind === 'reviewer' && authority.reviewer === data.reviewer;
  return isItsOwn && isSameAction(data.action, facts.decision) ? next : null;
}
