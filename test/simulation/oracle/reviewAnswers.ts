import type { CaseChanged } from '../../../src/commands/changeCase.ts';
import type { RefusedError } from '../../../src/domain/refusal.ts';
import type { ReviewCommand } from '../reviewCommand.ts';
import type { World } from '../world.ts';
import type { Book } from './book.ts';
import type { Committed } from './ledger.ts';
import type { Sight, Sights } from './sights.ts';

/** Holds what reviewers were shown and told against the log. */
export type ReviewAnswers = {
  readonly shown: (sight: Sight) => void;
  readonly answered: (command: ReviewCommand, answer: CaseChanged) => void;
  readonly refused: (command: ReviewCommand, refusal: RefusedError) => void;
  /** A command with a key that was answered, and what a repeat of it was told. */
  readonly repeated: (command: ReviewCommand, first: CaseChanged, repeat: CaseChanged | RefusedError) => void;
};

export function createReviewAnswers(
  { violate, count }: World,
  book: Book,
  sights: Pick<Sights, 'add'>,
): ReviewAnswers {
  const eventsOf = ({ caseId }: ReviewCommand): readonly Committed[] => book.cases.get(caseId)?.events ?? [];
  const textOf = ({ asked, taskId, actor }: ReviewCommand): string =>
    `${asked.kind} of ${taskId} by ${actor.id}`;

  return {
    shown: sights.add,
    answered: (command, { revision, position, replayed }) => {
      count(`reviewer/${command.asked.kind}${replayed ? 'Repeated' : ''}`);
      const events = eventsOf(command);
      const place = events[revision];
      const isThere = place?.position === position;
      // Without a key the answer may tell of what came after it.
      const found = events
        .slice(0, revision + 1)
        .some(
          (event) => isOf(command, event) && (command.sentKey === null || event.append === place?.append),
        );
      const isNothing = command.asked.kind === 'release' && command.sentKey === null && !found;
      if (!isThere || !(found || isNothing))
        violate('accepted is recorded', `${textOf(command)} at ${revision}, where there is ${place?.type}`);
    },
    refused: (command, { code, details }) => {
      count(`refusal/${code}`);
      for (const part of details.changed ?? []) count(`stale/${part}`);
      if (code === 'REVIEW_STALE' && !details.changed?.length)
        violate('who is refused is told why', `${textOf(command)}: nothing has changed`);
      if (code === 'GUARDRAILS_REFUSE' && !details.guardrails?.length)
        violate('who is refused is told why', `${textOf(command)}: no guardrail`);
      if (code !== 'REVIEW_CLAIMED') return;
      const { claim } = details;
      const isClaim = eventsOf(command).some(
        ({ type, data }) =>
          type === 'ReviewClaimed' &&
          data.taskId === command.taskId &&
          data.reviewer === claim?.reviewer &&
          data.leaseUntil === claim.leaseUntil,
      );
      if (!isClaim || claim?.reviewer === command.actor.id)
        violate('who is refused is told why', `${textOf(command)}: ${claim?.reviewer} has it`);
    },
    repeated: (command, first, repeat) => {
      if ('replayed' in repeat && repeat.revision === first.revision && repeat.position === first.position) {
        count('reviewer/repeat');
        return;
      }
      // Nothing can recognise a key whose hash was made with the key that was destroyed.
      const isErased = book.cases.get(command.caseId)?.isErased === true;
      if (isErased && 'code' in repeat && repeat.code === 'CASE_KEY_DESTROYED') return;
      const told = 'replayed' in repeat ? `revision ${repeat.revision}` : repeat.code;
      violate('an answer stays', `${textOf(command)}: revision ${first.revision}, then ${told}`);
    },
  };
}

function isOf({ taskId, actor, asked }: ReviewCommand, event: Committed): boolean {
  if (!('taskId' in event.data) || event.data.taskId !== taskId || event.metadata.actor.id !== actor.id)
    return false;
  switch (asked.kind) {
    case 'claim':
      return event.type === 'ReviewClaimed';
    case 'release':
      return event.type === 'ReviewReleased';
    case 'decide': {
      const { resolution, reviewedHash, action } = asked.decision;
      if (event.type !== 'ReviewDecided') return false;
      const { data } = event;
      const isSame = data.resolution === resolution && data.reviewedHash === reviewedHash;
      return isSame && (action === null || data.action?.routeTarget === action.routeTarget);
    }
    case 'outcome':
      return (
        event.type === 'ActionOutcomeResolved' &&
        event.data.attempt === asked.outcome.attempt &&
        event.data.result === asked.outcome.result &&
        event.data.review?.reviewer === actor.id
      );
  }
}
