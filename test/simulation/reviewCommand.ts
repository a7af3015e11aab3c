import type { DecisionAsked, OutcomeAsked } from '../../src/commands/reviews.ts';
import type { Actor } from '../../src/domain/events.ts';

/** What a reviewer asks for. */
export type Asked =
  | { readonly kind: 'claim'; readonly takeover: boolean }
  | { readonly kind: 'release' }
  | { readonly kind: 'decide'; readonly decision: DecisionAsked }
  | { readonly kind: 'outcome'; readonly outcome: OutcomeAsked };

export type ReviewCommand = {
  readonly caseId: string;
  readonly taskId: string;
  readonly actor: Actor;
  /** With a key it is sent again where no answer comes, and now and then once more. */
  readonly sentKey: string | null;
  readonly asked: Asked;
};
