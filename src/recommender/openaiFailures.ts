import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { failed, type ModelFailure } from './outcome.ts';

/** Waiting time where the server names none; a limit that lasts longer outlives one recommendation. */
const DEFAULT_RETRY_DELAY_MS = 500;

/** A failed call, and after how many milliseconds it may be tried again; null when that would be in vain. */
export type FailedCall = { readonly failure: ModelFailure; readonly retryAfterMs: number | null };

/**
 * Sorts what the SDK threw into a fallback's reason. Messages of the SDK are never used: they may echo the task's text.
 */
export function sortFailure(error: unknown): FailedCall {
  // The time-out error is a connection error, and that one an API error: the order matters.
  if (error instanceof APIConnectionTimeoutError) {
    return {
      failure: failed('AI_TIMEOUT', 'the connection timed out'),
      retryAfterMs: DEFAULT_RETRY_DELAY_MS,
    };
  }
  if (error instanceof APIConnectionError) {
    return {
      failure: failed('AI_UNAVAILABLE', connectionCause(error)),
      retryAfterMs: DEFAULT_RETRY_DELAY_MS,
    };
  }
  if (error instanceof APIError && error.status !== undefined) return httpFailure(error, error.status);
  return { failure: failed('AI_UNAVAILABLE', connectionCause(error)), retryAfterMs: null };
}

function httpFailure(error: APIError, status: number): FailedCall {
  const filtered = error.code === 'content_filter';
  const outOfQuota = error.code === 'insufficient_quota';
  const cause = `HTTP ${status}${filtered ? ' content_filter' : ''}${outOfQuota ? ' insufficient_quota' : ''}`;
  const passing = status === 408 || status === 409 || status === 429 || status >= 500;
  const retryAfterMs = passing && !outOfQuota ? retryDelay(error.headers) : null;
  if (filtered) return { failure: failed('AI_REFUSED', cause), retryAfterMs };
  if (status === 429) return { failure: failed('AI_RATE_LIMITED', cause), retryAfterMs };
  if (status === 408 || status === 504) return { failure: failed('AI_TIMEOUT', cause), retryAfterMs };
  return { failure: failed('AI_UNAVAILABLE', cause), retryAfterMs };
}

/** What `Retry-After` asks for, in milliseconds: seconds, or a date, which is read against the server's own clock (RFC 9110). */
function retryDelay(headers: Headers | undefined): number {
  const header = headers?.get('retry-after') ?? '';
  if (header === '') return DEFAULT_RETRY_DELAY_MS;
  const seconds = Number(header);
  const delay = Number.isNaN(seconds)
    ? Date.parse(header) - Date.parse(headers?.get('date') ?? '')
    : seconds * 1000;
  return Number.isFinite(delay) ? Math.max(delay, 0) : DEFAULT_RETRY_DELAY_MS;
}

const CONNECTION_CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'connection reset',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
};

/** Words for the error code at the end of the chain of causes. */
function connectionCause(error: unknown): string {
  for (let link: unknown = error, depth = 0; link instanceof Error && depth < 5; depth += 1) {
    const code = 'code' in link && typeof link.code === 'string' ? link.code : '';
    const cause = CONNECTION_CAUSES[code];
    if (cause !== undefined) return cause;
    link = link.cause;
  }
  return 'connection failed';
}
