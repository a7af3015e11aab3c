import { StoreUnavailableError } from '../port.ts';

/** The server refused what was asked, and would again: not allowed, too large, a deleted stream. */
export class StoreRefusedError extends Error {
  readonly code = 'STORE_REFUSED';
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'StoreRefusedError';
  }
}

/** A call got no answer in its time: what was asked may or may not have happened. */
export class CallTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`No answer within ${Math.round(timeoutMs)} ms`);
    this.name = 'CallTimeoutError';
  }
}

/** A subscription ended although nobody ended it: the server closed it, or says nothing any more. */
export class SubscriptionDroppedError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'SubscriptionDroppedError';
  }
}

/**
 * - `passing`: the same call may succeed when it is made again; of a write nobody knows whether it happened
 * - `not-leader`: another node of the cluster has to be asked, and nothing happened
 * - `refused`: the same call would fail again, and nothing happened
 */
export type Failure = 'passing' | 'not-leader' | 'refused';

const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** CANCELLED is here like UNAVAILABLE: it is what a call gets first whose server dies. ABORTED is the server's own write timeout. */
const PASSING = new Set<string>([
  'CANCELLED',
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'ABORTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** After these the connection itself is suspect; the others are a server's answer over a connection that works. */
const CONNECTION_LOST = new Set<string>(['CANCELLED', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE']);

/**
 * What a failed call says. Read from the gRPC status and the server's `exception` trailer, never from the client's own
 * error classes: they turn half of the codes into "unknown" or "timeout", and some errors never become one of them.
 */
export function failureOf(error: unknown): Failure {
  if (exceptionOf(error) === 'not-leader') return 'not-leader';
  const code = codeOf(error);
  return code === null || PASSING.has(code) ? 'passing' : 'refused';
}

/** Whether a new connection should be made after this failure. What has no status, has not come from a server. */
export function losesConnection(error: unknown): boolean {
  const code = codeOf(error);
  return failureOf(error) === 'passing' && (code === null || CONNECTION_LOST.has(code));
}

/** The name of a gRPC status; null for an error that carries none (a timer, a failed cluster discovery). */
function codeOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'number' ? (CODES[code] ?? 'UNKNOWN') : null;
}

type Trailers = { readonly get: (name: string) => readonly unknown[] };

function exceptionOf(error: unknown): string | null {
  const trailers = error instanceof Error && 'metadata' in error ? (error.metadata as Trailers) : null;
  return trailers?.get('exception')[0]?.toString() ?? null;
}

/**
 * The error for a refusal that came as an answer. A server that is not ready, or has no leader, gives no code with it.
 *
 * @param reason the name of the server's message for it
 */
export const answeredFailure = (code: number, reason: string): Error =>
  Object.assign(new Error(reason), { code: code === 0 ? CODES.indexOf('UNAVAILABLE') : code, reason });

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const detail = error instanceof Error && 'reason' in error ? String(error.reason) : exceptionOf(error);
  if (code === null) return error instanceof Error ? error.message : 'unknown';
  return detail ? `${code}, ${detail}` : code;
}

/** The port's error for a failure that outlasted the patience. */
export const unavailable = (operation: string, cause: unknown): StoreUnavailableError =>
  new StoreUnavailableError(`KurrentDB did not answer (${operation}): ${reasonOf(cause)}`, cause);

/** The error for a failure that would come again. */
export const refused = (operation: string, cause: unknown): StoreRefusedError =>
  new StoreRefusedError(`KurrentDB refused (${operation}): ${reasonOf(cause)}`, cause);
