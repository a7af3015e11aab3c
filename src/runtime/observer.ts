import type { FallbackReason } from '../domain/decision.ts';
import type { ActionExecuted } from '../domain/events.ts';
import type { AttemptResult, DecisionSource, Outcome } from '../domain/vocabulary.ts';

/** What the loop reports to whoever counts. */
export type Observer = {
  readonly taskSettled: (outcome: Outcome) => void;
  readonly recommended: (source: DecisionSource, durationMs: number) => void;
  readonly fellBack: (reason: FallbackReason) => void;
  readonly backendCalled: (route: string, result: AttemptResult, durationMs: number) => void;
  /** A backend's answer came when somebody had recorded the attempt as unknown already: it is in no event. */
  readonly resultTooLate: (taskId: string, executed: ActionExecuted['data']) => void;
  readonly appendConflict: () => void;
};
