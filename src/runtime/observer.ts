import type { FallbackReason } from '../domain/decision.ts';
import type { ActionOutcomeResolved } from '../domain/events.ts';
import type { AttemptResult, DecisionSource, Outcome, VerdictKind } from '../domain/vocabulary.ts';

/** Whether calls of a dependency go through; half open: one call is finding out. */
export type CircuitState = 'closed' | 'open' | 'halfOpen';

/** What the loop and the dependencies report to whoever counts. */
export type Observer = {
  readonly taskSettled: (outcome: Outcome) => void;
  readonly recommended: (source: DecisionSource, durationMs: number) => void;
  readonly fellBack: (reason: FallbackReason) => void;
  /** A verdict was recorded beside which a shadow policy was evaluated. */
  readonly shadowJudged: (verdict: VerdictKind, shadowVerdict: VerdictKind) => void;
  readonly backendCalled: (route: string, result: AttemptResult, durationMs: number) => void;
  /** More is known of an attempt that had been recorded as unknown. */
  readonly outcomeResolved: (resolved: ActionOutcomeResolved['data']) => void;
  /** A task that nobody drove was taken over, or its retry fell due. */
  readonly takenOver: (why: 'due' | 'dead' | 'unclaimed') => void;
  readonly appendConflict: () => void;
  /** A task waits because log or keys are not reached. */
  readonly storeAway: (error: Error) => void;
  /** The circuit breaker of a dependency has come into this state. */
  readonly circuit: (dependency: string, state: CircuitState) => void;
};
