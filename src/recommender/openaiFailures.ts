import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import type { FallbackReason } from '../domain/decision.ts';
import { failed, type ModelFailure } from './outcome.ts';

/** Waiting time where the server names none; a limit that lasts longer outlives one recommendation. */
const DEFAULT_RETRY_DELAY_MS = 500;

/** The statuses that are about this one request, whatever it was: Bad Request, Content Too Large, Unprocessable Content. */
const ABOUT_THE_REQUEST = [400, 413, 422];

export type FailedCall = {
  readonly failure: ModelFailure;
  /** After how many milliseconds it may be tried again; null when that would be in vain. */
  readonly retryAfterMs: number | null;
  /** Whether the next call would most likely fail too, whatever it asks. */
  readonly outage: boolean;
};

/**
 * Sorts what the SDK threw into a fallback's reason. Messages of the SDK are never used: they may echo the task's text.
 */
export function sortFailure(error: unknown): FailedCall {
  // The time-out error is a connection error, and that one an API error: the order matters.
  if (error instanceof APIConnectionTimeoutError) {
    return {
      failure: failed('AI_TIMEOUT', 'the connection timed out'),
      retryAfterMs: DEFAULT_RETRY_DELAY_MS,
      outage: true,
    };
  }
  if (error instanceof APIConnectionError) {
    return {
      failure: failed('AI_UNAVAILABLE', connectionCause(error)),
      retryAfterMs: DEFAULT_RETRY_DELAY_MS,
      outage: true,
    };
  }
  if (error instanceof APIError && error.status !== undefined) return httpFailure(error, error.status);
  return { failure: failed('AI_UNAVAILABLE', connectionCause(error)), retryAfterMs: null, outage: true };
}

function httpFailure(error: APIError, status: number): FailedCall {
  const filtered = error.code === 'content_filter';
  const outOfQuota = error.code === 'insufficient_quota';
  const cause = `HTTP ${status}${filtered ? ' content_filter' : ''}${outOfQuota ? ' insufficient_quota' : ''}`;
  const passing = status === 408 || status === 409 || status === 429 || status >= 500;
  const retryAfterMs = passing && !outOfQuota ? retryDelay(error.headers) : null;
  const outage = !filtered && !ABOUT_THE_REQUEST.includes(status);
  return { failure: failed(reasonOf(status, filtered), cause), retryAfterMs, outage };
}

function reasonOf(status: number, filtered: boolean): FallbackReason {
  if (filtered) return 'AI_REFUSED';
  if (status === 429) return 'AI_RATE_LIMITED';
  return status === 408 || status === 504 ? 'AI_TIMEOUT' : 'AI_UNAVAILABLE';
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
