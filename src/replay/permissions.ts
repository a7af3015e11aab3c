import { actionOf, isSameAction } from '../domain/attempts.ts';
import type { ActionStarted, CaseEvent, GuardrailEvaluated, Recorded } from '../domain/events.ts';
import type { Findings } from './findings.ts';

type Event = Recorded<CaseEvent>;

/**
 * Rule 2, read off the stream and not from the fold: an action starts directly behind the verdict that permits it, in the same append,
 * and a reviewer's verdict stands directly behind the reviewer's decision; every verdict is followed by what follows from it.
 *
 * @param events of one case by revision; undefined where one cannot be read
 * @param isCut whether the stream goes on behind them
 */
export function verifyPermissions(
  events: readonly (Event | undefined)[],
  isCut: boolean,
  findings: Findings,
): void {
  events.forEach((event, index) => {
    const [before, next] = [events[index - 1], events[index + 1]];
    if (event?.type === 'ActionStarted') {
      const problem = startProblem(event, before) ?? approvalProblem(event, before, events[index - 2]);
      if (problem !== null) findings.mismatch('PERMISSION', event, problem);
    }
    if (event?.type === 'GuardrailEvaluated') {
      const isLast = index === events.length - 1;
      if (!(isLast && isCut) && !isConsequence(event, next))
        findings.mismatch('PERMISSION', event, 'what follows from the verdict is not directly behind it');
    }
  });
}

function startProblem(event: Recorded<ActionStarted>, verdict: Event | undefined): string | null {
  const { data } = event;
  if (verdict?.type !== 'GuardrailEvaluated') return 'no verdict is directly before it';
  const { taskId, attempt, authority, facts } = verdict.data;
  if (verdict.data.verdict !== 'EXECUTE') return 'the verdict directly before it does not permit it';
  if (taskId !== data.taskId || attempt !== data.attempt)
    return 'the verdict directly before it is of another task or attempt';
  if (facts.decision.intent !== data.intent || facts.decision.routeTarget !== data.backend)
    return 'the verdict directly before it is about another action';
  if (reviewerOf(authority) !== reviewerOf(data.authority))
    return 'the verdict directly before it is on the word of another';
  return isOneAppend(verdict, event) ? null : 'the verdict directly before it was not appended with it';
}

function approvalProblem(
  { data: { authority, ...action } }: Recorded<ActionStarted>,
  verdict: Event | undefined,
  approval: Event | undefined,
): string | null {
  if (authority.kind === 'policy' || verdict?.type !== 'GuardrailEvaluated') return null;
  if (approval?.type !== 'ReviewDecided' || !isOneAppend(approval, verdict))
    return "no reviewer's decision is directly before its verdict";
  const { data } = approval;
  if (data.reviewer !== authority.reviewer || data.taskId !== action.taskId)
    return "the reviewer's decision before it is of another reviewer or task";
  const { actor } = approval.metadata;
  if (actor.id !== data.reviewer || actor.kind === 'anonymous')
    return "the reviewer's decision before it is not by that reviewer, authenticated";
  if (!['APPROVED', 'EDITED'].includes(data.resolution) || data.awaitsSecond)
    return "the reviewer's decision before it lets nothing be executed";
  return isSameAction(data.action, actionOf(action)) && hasOverrides(verdict, data.overrides)
    ? null
    : "it is not what the reviewer's decision says";
}

const hasOverrides = (
  { data: { authority } }: Recorded<GuardrailEvaluated>,
  named: readonly string[],
): boolean => authority.kind === 'reviewer' && authority.overrides.join() === named.join();

function isConsequence(verdict: Recorded<GuardrailEvaluated>, next: Event | undefined): boolean {
  const expected = verdict.data.verdict === 'EXECUTE' ? 'ActionStarted' : 'RoutedToManual';
  if (next?.type !== expected || !('taskId' in next.data)) return false;
  return next.data.taskId === verdict.data.taskId && isOneAppend(verdict, next);
}

/** Events of one append have one time, and each is caused by the one before it; that is all a stream says about appends. */
const isOneAppend = (before: Event, after: Event): boolean =>
  after.metadata.causationId === before.id && after.metadata.recordedAt === before.metadata.recordedAt;

const reviewerOf = (authority: ActionStarted['data']['authority']): string | null =>
  authority.kind === 'reviewer' ? authority.reviewer : null;
