import type { FallbackReason } from '../domain/decision.ts';
import type { AttemptResult, DecisionSource, Outcome } from '../domain/vocabulary.ts';

/** What the loop reports to whoever counts. */
export type Observer = {
  readonly taskSettled: (outcome: Outcome) => void;
  readonly recommended: (source: DecisionSource, durationMs: number) => void;
  readonly fellBack: (reason: FallbackReason) => void;
  readonly backendCalled: (route: string, result: AttemptResult, durationMs: number) => void;
  readonly appendConflict: () => void;
};
