import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ProblemError } from './problems.ts';

/** Headers of every POST. */
export const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .describe('Identifies the request within its case; quoted or bare, 1 to 255 visible ASCII characters'),
});

/**
 * The idempotency key that a request carries, quoted (as a structured field string, RFC 8941) or bare; null without one.
 *
 * @throws ProblemError invalid-input
 */
export function sentIdempotencyKey(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  const text = String(header).trim();
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
  const key = quoted ?? text;
  if (/^[\x20-\x7e]{1,255}$/.test(key) && (quoted !== undefined || !text.includes('"'))) return key;
  throw invalidHeader('Idempotency-Key', 'must be 1 to 255 visible ASCII characters, quoted or bare');
}

/** A strong entity tag for a revision (RFC 9110). */
export const etag = (revision: number): string => `"${revision}"`;

/**
 * The revision that If-Match names.
 *
 * @throws ProblemError precondition-required without the header, invalid-input for one that is no entity tag of ours
 */
export function expectedRevision(request: FastifyRequest): number {
  const header = request.headers['if-match'];
  if (header === undefined) {
    const message = "is missing; send the case's ETag";
    throw new ProblemError('precondition-required', `If-Match ${message}`, [{ field: 'If-Match', message }]);
  }
  const revision = /^"(\d{1,15})"$/.exec(header.trim())?.[1];
  if (revision === undefined) throw invalidHeader('If-Match', 'must be one strong entity tag, such as "7"');
  return Number(revision);
}

/** Marks an answer that was recorded before. */
export const markReplayed = (reply: FastifyReply): FastifyReply =>
  reply.header('Idempotency-Replayed', 'true');

/** The W3C trace context that a request carries, where it is well-formed; null without one. */
export function traceparentOf(request: FastifyRequest): string | null {
  const header = request.headers.traceparent;
  return typeof header === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(header)
    ? header
    : null;
}

const invalidHeader = (field: string, message: string): ProblemError =>
  new ProblemError('invalid-input', `${field} ${message}`, [{ field, message }]);
