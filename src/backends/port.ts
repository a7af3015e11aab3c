import type { AttemptResult } from '../domain/vocabulary.ts';

/** One call to a backend for one action. */
export type BackendCall = {
  readonly actionId: string;
  /** The same for every attempt of one action; sent as `Idempotency-Key`. */
  readonly idempotencyKey: string;
  readonly caseId: string;
  readonly taskId: string;
  readonly intent: string;
  readonly attempt: number;
  /** The case's attributes, personal ones in clear. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /**
   * An instant of the monotonic clock (`Clock.monotonicMs`): from then on nothing is sent, and the call has ended. The attempt's
   * deadline, so that whoever waits for it in vain may call the outcome unknown.
   */
  readonly deadlineMs: number;
};

export type BackendAnswer = {
  readonly result: AttemptResult;
  /** A short stable word for what went wrong, such as TIMEOUT, HTTP_503, CONNECTION_REFUSED; null on success. */
  readonly errorType: string | null;
  /** SHA-256 of the response body as received (at most the first 1 MiB), hexadecimal; null without one. */
  readonly responseDigest: string | null;
  readonly durationMs: number;
};

export type Backend = {
  /** The route target that this backend serves. */
  readonly route: string;
  readonly kind: 'http' | 'simulated';
  readonly idempotent: boolean;
  /** The longest time one call may take, in milliseconds; the attempt's deadline is computed from it. */
  readonly timeoutMs: number;
  /**
   * Whether an attempt may start now; false while the backend is known to be down (its circuit breaker is open). When it is to be
   * tried again, one of those who ask is told yes.
   */
  readonly available: () => boolean;
  /** One line for the start banner. */
  readonly describe: () => string;
  /**
   * Calls the backend once, or not at all while it is not `available`. Never rejects, and has ended after `timeoutMs` and at
   * `deadlineMs`: whatever is not certain is UNKNOWN.
   */
  readonly call: (call: BackendCall) => Promise<BackendAnswer>;
  /**
   * Asks what became of an earlier call with the same idempotency key: SUCCEEDED or FAILED where the backend is sure, else UNKNOWN.
   * Changes nothing, never rejects, and never takes longer than `timeoutMs`; `deadlineMs`, which is about the attempt, does not bind it.
   * Goes out even while the backend is not `available`. Null where the backend offers no such thing.
   */
  readonly lookUp: ((call: BackendCall) => Promise<BackendAnswer>) | null;
};
