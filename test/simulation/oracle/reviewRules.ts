import type { ActionOutcomeResolved, CommandKey } from '../../../src/domain/events.ts';
import type { World } from '../world.ts';
import { checkApproval, checkBasis, checkReviewedStart, type Sources } from './approvalRules.ts';
import type { Book } from './book.ts';
import { checkClaim, checkHolder, checkOverdue, checkRelease, checkRouting } from './claimRules.ts';
import type { Committed, LedgerCase, LedgerTask } from './ledger.ts';
import { claimHolds, type LedgerReview } from './reviewLedger.ts';
import type { Sights } from './sights.ts';
import { placeOf } from './streamRules.ts';

/**
 * Holds what people do with reviews, and what follows from it, against the rules.
 *
 * @param sourcesOf what a process was started with
 * @returns told of each event of a case, before the book takes it in
 */
export function createReviewRules(
  world: World,
  book: Pick<Book, 'cases'>,
  sights: Sights,
  sourcesOf: (name: string) => Sources | undefined,
): (event: Committed) => void {
  const { violate, count } = world;
  const keys = new Set<string>();

  const checkKey = (event: Committed): void => {
    const key = commandOf(event);
    if (!key) return;
    const name = `${event.caseId} ${key.keyHash}`;
    if (keys.has(name)) violate('a key acts once', `${placeOf(event)} again`);
    keys.add(name);
  };
  const checkDecided = (
    ledgerCase: LedgerCase,
    task: LedgerTask,
    event: Extract<Committed, { type: 'ReviewDecided' }>,
    sources: Sources,
  ): void => {
    const sight = sights.behind(event.data);
    checkHolder(task.review, event, event.data.reviewer, violate);
    checkBasis(ledgerCase, event, sight, sights, sources, violate);
    const first = sight ? sights.standingAt(ledgerCase, sight, ledgerCase.revision) : null;
    checkApproval(task, event, first, sources, violate);
    countDecided(event, task, first !== null);
  };
  const countDecided = (
    { data: { resolution, awaitsSecond, action, overrides } }: Extract<Committed, { type: 'ReviewDecided' }>,
    { review }: LedgerTask,
    isStanding: boolean,
  ): void => {
    count(`decision/${resolution}`);
    if (awaitsSecond) count('decision/first');
    if (overrides.length > 0) count('decision/overrides');
    if (action && isStanding && !awaitsSecond) count('decision/second');
    if (action && review?.first && !isStanding) count('decision/firstLapsed');
  };

  const checkResolved = (
    ledgerCase: LedgerCase,
    { review }: LedgerTask,
    event: Committed & ActionOutcomeResolved,
    sources: Sources,
  ): void => {
    const word = event.data.review;
    if ((event.data.source === 'REVIEWER') !== (word !== null))
      violate('streams are legal', `${placeOf(event)}: ${event.data.source}`);
    if (!word) return;
    checkHolder(review, event, word.reviewer, violate);
    const sight = sights.withHash(event.data.taskId, word.reviewedHash);
    checkBasis(ledgerCase, event, sight, sights, sources, violate);
  };
  /** What happens to a task that a person has. */
  const checkReviewed = (
    { priority }: LedgerCase,
    task: LedgerTask,
    review: LedgerReview,
    event: Committed,
    { policy }: Sources,
  ): void => {
    switch (event.type) {
      case 'ReviewClaimed':
        count(`claim/${kindOfClaim(review, event)}`);
        checkClaim(review, event, policy, violate);
        return;
      case 'ReviewReleased':
        count(event.data.reviewer === event.metadata.actor.id ? 'claim/released' : 'claim/releasedByOther');
        checkRelease(review, event, policy, violate);
        return;
      case 'ReviewOverdue':
        count(event.data.escalatedTo ? 'overdue/escalated' : 'overdue/last');
        checkOverdue(task, event, policy, priority, violate);
        return;
      case 'GuardrailEvaluated':
        if (event.data.authority.kind === 'policy')
          violate('with a person nothing begins by itself', placeOf(event));
        return;
      case 'RetryScheduled':
        violate('with a person nothing begins by itself', placeOf(event));
        return;
      default:
    }
  };

  return (event) => {
    checkKey(event);
    const ledgerCase = book.cases.get(event.caseId);
    const sources = sourcesOf(event.by);
    if (!ledgerCase || !sources || !('taskId' in event.data)) return;
    const task = ledgerCase.tasks.get(event.data.taskId);
    if (!task) return;
    if (task.review) checkReviewed(ledgerCase, task, task.review, event, sources);
    if (event.type === 'RoutedToManual') checkRouting(event, sources.policy, ledgerCase.priority, violate);
    if (event.type === 'ReviewDecided') checkDecided(ledgerCase, task, event, sources);
    if (event.type === 'ActionStarted') checkReviewedStart(ledgerCase, task, event, violate);
    if (event.type === 'ActionOutcomeResolved') checkResolved(ledgerCase, task, event, sources);
  };
}

function kindOfClaim(
  review: LedgerReview,
  { data: { reviewer }, metadata: { recordedAt } }: Extract<Committed, { type: 'ReviewClaimed' }>,
): string {
  if (!review.claim) return 'new';
  if (!claimHolds(review, recordedAt)) return 'lapsed';
  return review.claim.reviewer === reviewer ? 'renewed' : 'takenOver';
}

function commandOf(event: Committed): CommandKey | null {
  switch (event.type) {
    case 'CaseStateChanged':
    case 'CaseNoteAdded':
    case 'ReviewClaimed':
    case 'ReviewReleased':
    case 'ReviewDecided':
      return event.data.command;
    case 'ActionOutcomeResolved':
      return event.data.review?.command ?? null;
    default:
      return null;
  }
}
