import type { FallbackReason } from '../domain/decision.ts';
import type { AttemptResult, Outcome } from '../domain/vocabulary.ts';

/** Time, from outside. */
export type Clock = {
  /** Now, ISO 8601 in UTC with milliseconds. */
  readonly now: () => string;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number;
  /** Resolves after the given milliseconds, or at once when `signal` aborts. Never rejects. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
};

/** Structured logging; never personal text, never a secret. */
export type Logger = {
  readonly info: (fields: Record<string, unknown>, message: string) => void;
  readonly warn: (fields: Record<string, unknown>, message: string) => void;
  readonly error: (fields: Record<string, unknown>, message: string) => void;
};

/** What the loop reports to whoever counts. */
export type Observer = {
  readonly taskSettled: (outcome: Outcome) => void;
  readonly recommended: (source: 'model' | 'local' | 'fallback', durationMs: number) => void;
  readonly fellBack: (reason: FallbackReason) => void;
  readonly backendCalled: (route: string, result: AttemptResult, durationMs: number) => void;
  readonly appendConflict: () => void;
};
