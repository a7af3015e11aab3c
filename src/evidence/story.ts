import type { CaseEvent, GuardrailEvaluated, Recorded, VerdictAuthority } from '../domain/events.ts';
import type { PersonalTexts } from '../vault/personalTexts.ts';
import { timeText } from './timeText.ts';

/** One event, told to a person. */
export type Told = {
  /** A few words. */
  readonly what: string;
  /** Whole sentences, in plain text. */
  readonly sentences: readonly string[];
  /** What people wrote, in clear; null where it is withheld or erased. */
  readonly quotes: readonly { readonly by: string; readonly text: string | null }[];
  /** The verdict to be shown in full, where the event is one. */
  readonly verdict: GuardrailEvaluated['data'] | null;
};

/**
 * Tells an event of a case in words.
 *
 * @param texts its personal texts in clear; empty where they are withheld
 */
export function tell(event: Recorded<CaseEvent>, texts: PersonalTexts): Told {
  const { what, sentences } = wordsOf(event);
  const quotes = Object.entries(texts).map(([by, text]) => ({ by, text }));
  return { what, sentences, quotes, verdict: event.type === 'GuardrailEvaluated' ? event.data : null };
}

type Words = Pick<Told, 'what' | 'sentences'>;

function wordsOf(event: Recorded<CaseEvent>): Words {
  const who = event.metadata.actor.id;
  switch (event.type) {
    case 'CaseOpened':
      return say('Case opened', `${who} opened the case with priority ${event.data.priority}.`);
    case 'CaseStateChanged':
      return say(
        `Case is ${event.data.to}`,
        `${who} changed the case from ${event.data.from} to ${event.data.to}: ${event.data.reason}.`,
      );
    case 'CaseNoteAdded':
      return say('Note', `${who} added a note.`);
    case 'TaskReceived':
      return say(
        'Task received',
        `${who} asked for something, in the role ${event.data.userRole}, over ${event.data.channel}.`,
      );
    case 'DecisionRecommended':
      return recommended(event.data);
    case 'GuardrailEvaluated':
      return judged(event.data);
    case 'ActionStarted':
      return say(
        'Action started',
        `Attempt ${event.data.attempt} to carry out ${event.data.intent} over ${event.data.backend} began, allowed by ${authorityOf(event.data.authority)}.`,
        event.data.simulated ? 'The backend only simulates: nothing happened outside.' : '',
      );
    case 'ActionExecuted':
      return say(
        `Action ${event.data.result}`,
        `Attempt ${event.data.attempt} ended: ${RESULTS[event.data.result]}${event.data.errorType === null ? '' : ` (${event.data.errorType})`}.`,
      );
    case 'ActionOutcomeResolved':
      return say(
        'Outcome learnt',
        `More became known of attempt ${event.data.attempt}: ${RESULTS[event.data.result]}, according to ${event.data.review ? event.data.review.reviewer : SOURCES[event.data.source]}.`,
      );
    case 'RetryScheduled':
      return say(
        'Waiting',
        `Attempt ${event.data.attempt} was put off until ${timeText(event.data.dueAt)} (${event.data.reason}).`,
      );
    case 'RoutedToManual':
      return say(
        'Handed over to people',
        `The task went to the queue ${event.data.queue}, to be decided by ${timeText(event.data.dueBy)}: ${event.data.codes.join(', ')}.`,
      );
    default:
      return reviewWords(event, who);
  }
}

/** What is left of all events: one that is in neither list does not compile. */
type ReviewOrEnd = Extract<CaseEvent, { type: `Review${string}` | 'TaskCancelled' | 'CaseErased' }>;

function reviewWords(event: ReviewOrEnd, who: string): Words {
  switch (event.type) {
    case 'ReviewClaimed':
      return say(
        'Review claimed',
        `${event.data.reviewer} took the review until ${timeText(event.data.leaseUntil)}.`,
        event.data.takenFrom === null ? '' : `Before, ${event.data.takenFrom} had it.`,
      );
    case 'ReviewReleased':
      return say('Review released', `${who} ended the claim of ${event.data.reviewer}.`);
    case 'ReviewDecided':
      return say(
        `Review ${event.data.resolution}`,
        `${event.data.reviewer} decided ${event.data.resolution} (${event.data.reasonCode}) on what the case was at revision ${event.data.reviewedRevision}.`,
        event.data.action
          ? `To be done: ${event.data.action.intent} over ${event.data.action.routeTarget}.`
          : '',
        event.data.overrides.length > 0 ? `Overridden: ${event.data.overrides.join(', ')}.` : '',
        event.data.awaitsSecond ? 'It takes effect only with the approval of a second person.' : '',
      );
    case 'ReviewOverdue':
      return say(
        'Review overdue',
        `Nobody had decided in the queue ${event.data.queue} by ${timeText(event.data.dueBy)}.`,
        event.data.escalatedTo ? `It went on to the queue ${event.data.escalatedTo.queue}.` : '',
      );
    case 'TaskCancelled':
      return say('Task cancelled', `The task was cancelled: ${event.data.reason}.`);
    case 'CaseErased':
      return say(
        'Case erased',
        `${who} had the case erased (${event.data.reason}): the key of its personal texts was to be destroyed.`,
        'From then on nobody can read them, and all proofs hold.',
      );
  }
}

const say = (what: string, ...sentences: readonly string[]): Words => ({
  what,
  sentences: sentences.filter((sentence) => sentence !== ''),
});

const RESULTS = {
  SUCCEEDED: 'the backend did it',
  FAILED: 'the backend did not do it',
  UNKNOWN: 'it is not known whether the backend did it',
} as const;

const SOURCES = {
  LATE_ANSWER: 'an answer of the backend that came late',
  LOOKUP: 'the backend, which was asked',
  REVIEWER: 'a reviewer',
} as const;

function recommended(data: Extract<CaseEvent, { type: 'DecisionRecommended' }>['data']): Words {
  const { decision, source, fallbackCause, model, provider } = data;
  const { intent, routeTarget, confidence, riskScore, reasonCode } = decision;
  const recommender = model === null ? provider : `${provider} ${model}`;
  return say(
    'Recommendation',
    source === 'fallback'
      ? `${recommender} gave no usable recommendation (${fallbackCause ?? reasonCode}), so the task was to go to a person.`
      : `${recommender} recommended ${intent} over ${routeTarget}, with confidence ${confidence} and risk ${riskScore} (${reasonCode}).`,
    'A recommendation decides nothing by itself.',
  );
}

function judged({ verdict, guardrails, policyVersion, authority }: GuardrailEvaluated['data']): Words {
  const failed = guardrails.filter(({ passed }) => !passed).map(({ name }) => name);
  const overridden = authority.kind === 'reviewer' ? authority.overrides : [];
  return say(
    verdict === 'EXECUTE' ? 'Verdict: may be executed' : 'Verdict: a person must decide',
    `${guardrails.length} guardrails of policy version ${policyVersion} were evaluated, on the word of ${authorityOf(authority)}: ${failed.length === 0 ? 'all passed' : `${failed.join(', ')} did not pass`}.`,
    overridden.length > 0 ? `Overridden by the reviewer: ${overridden.join(', ')}.` : '',
  );
}

const authorityOf = (authority: Pick<VerdictAuthority, 'kind'> & { readonly reviewer?: string }): string =>
  authority.kind === 'reviewer' ? `the reviewer ${authority.reviewer ?? ''}` : 'the policy';
