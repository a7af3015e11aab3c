import { type Case, emptyCase, fold } from '../domain/case.ts';
import type { CaseEvent, GuardrailEvaluated, Recorded } from '../domain/events.ts';
import { caseIdOfTask } from '../domain/identifiers.ts';
import { verifyActions } from './actions.ts';
import { verifyApproval } from './approvals.ts';
import { falseFacts } from './facts.ts';
import type { Findings } from './findings.ts';
import { verifyPermissions } from './permissions.ts';
import type { Policies } from './policies.ts';
import type { Decoded } from './readEvents.ts';
import { verifyReviewers } from './reviewers.ts';
import { verifyShadow } from './shadows.ts';
import { verifyVerdict } from './verdicts.ts';

/**
 * Verifies what one case's stream tells: that it folds, that rules 2 and 5 and those for reviewers hold, that every verdict rests on what was so and comes out
 * again to the byte.
 *
 * @param events from the stream's first on
 * @param isCut whether the stream goes on behind them
 * @returns how many verdicts were evaluated again
 */
export async function verifyCase(
  caseId: string,
  events: readonly Decoded[],
  isCut: boolean,
  policies: Policies,
  findings: Findings,
): Promise<number> {
  const readable = events.map((each) => (each.kind === 'event' ? each.event : undefined));
  const cases = refold(caseId, events, approvedOn(readable), findings);
  verifyPermissions(readable, isCut, findings);
  const approvals = verifyReviewers(readable, isCut, findings);
  verifyActions(readable, findings);
  let evaluated = 0;
  for (const event of readable) {
    if (event?.type !== 'GuardrailEvaluated') continue;
    const verdict = event as Recorded<GuardrailEvaluated>;
    const compiled = await policies(verdict.data.policyHash, verdict.data.playbookHash);
    if (verifyVerdict(verdict, compiled, findings)) evaluated += 1;
    const approval = approvals.find(({ verdict: { revision } }) => revision === verdict.revision);
    if (approval && compiled.kind === 'compiled')
      verifyApproval(approval, compiled, (revision) => cases.get(revision), findings);
    await verifyShadow(verdict, policies, findings);
  }
  return evaluated;
}

/** Revisions at which approvals that take effect were shown, and those just before them. */
const approvedOn = (events: readonly (Recorded<CaseEvent> | undefined)[]): ReadonlySet<number> =>
  new Set(
    events.flatMap((event) =>
      event?.type === 'ReviewDecided' && event.data.action !== null && !event.data.awaitsSecond
        ? [event.revision - 1, event.data.reviewedRevision]
        : [],
    ),
  );

/**
 * Folds as far as it goes. What stands behind the first event that cannot be folded rests on nothing known, and is counted.
 *
 * @returns the case as it was at the revisions that are wanted
 */
function refold(
  caseId: string,
  events: readonly Decoded[],
  wanted: ReadonlySet<number>,
  findings: Findings,
): ReadonlyMap<number, Case> {
  let current = emptyCase(caseId);
  const cases = new Map<number, Case>();
  for (const [index, each] of events.entries()) {
    const next = step(current, each, findings);
    if (next === null) {
      const behind = events[index + 1]?.raw;
      if (behind) findings.notReplayed('BEHIND_WHAT_CANNOT_BE_FOLDED', behind, events.length - index - 1);
      return cases;
    }
    current = next;
    if (wanted.has(current.revision)) cases.set(current.revision, current);
  }
  return cases;
}

/** The case after one more event; null where there is none. */
function step(current: Case, each: Decoded, findings: Findings): Case | null {
  if (each.kind !== 'event') {
    if (each.kind === 'later') findings.notReplayed('EVENT_OF_LATER_CODE', each.raw);
    else findings.mismatch('UNREADABLE', each.raw, each.problem);
    return null;
  }
  const { event } = each;
  for (const problem of falseFacts(current, event)) findings.mismatch('FACTS', event, problem);
  if ('taskId' in event.data && caseIdOfTask(event.data.taskId) !== current.caseId)
    findings.mismatch('LEGALITY', event, 'it is about a task of another case');
  try {
    return fold(current, [event]);
  } catch (error) {
    findings.mismatch('LEGALITY', event, error instanceof Error ? error.message : 'it cannot be folded');
    return null;
  }
}
