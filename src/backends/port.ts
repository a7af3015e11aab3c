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
  /** One line for the start banner. */
  readonly describe: () => string;
  /**
   * Calls the backend once. Never rejects and never takes longer than `timeoutMs`: whatever is not certain is UNKNOWN.
   */
  readonly call: (call: BackendCall) => Promise<BackendAnswer>;
};
