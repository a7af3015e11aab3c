import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CommandEnvelope } from '../commands/changeCase.ts';
import { actorOf } from './actor.ts';
import { fieldError } from './problems.ts';

/** A key as a structured field string (RFC 8941), or bare; both name the same key. */
const idempotencyKey = z
  .string()
  .transform((header, context) => {
    const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)?.[1]?.replaceAll(/\\(["\\])/g, '$1');
    if (quoted !== undefined && /^[\x20-\x7e]{1,255}$/.test(quoted)) return quoted;
    if (/^[\x21\x23-\x7e]{1,255}$/.test(header)) return header;
    const message = 'must be 1 to 255 visible ASCII characters, quoted or bare';
    context.issues.push({ code: 'custom', message, input: header });
    return z.NEVER;
  })
  .optional()
  .describe('Identifies the request within its case; quoted or bare, 1 to 255 visible ASCII characters');

/** Headers of every POST. */
export const idempotencyHeaders = z.object({ 'idempotency-key': idempotencyKey });

/** Headers of every POST that needs to know which revision it was made for. */
export const changeHeaders = idempotencyHeaders.extend({
  'if-match': z
    .string()
    .regex(/^"\d{1,15}"$/, 'must be one strong entity tag, such as "7"')
    .optional()
    .describe("The case's ETag; without it the answer is 428")
    .meta({ examples: ['"7"'] }),
});

/** A strong entity tag for a revision (RFC 9110). */
export const etag = (revision: number): string => `"${revision}"`;

/**
 * The revision that a valid If-Match names.
 *
 * @throws ProblemError precondition-required without the header
 */
export function expectedRevision(ifMatch: string | undefined): number {
  if (ifMatch === undefined) {
    throw fieldError('precondition-required', 'If-Match', "is missing; send the case's ETag");
  }
  return Number(ifMatch.slice(1, -1));
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

/** Who sends a command, and under which idempotency key. */
export const envelopeOf = (
  request: FastifyRequest & { readonly headers: z.infer<typeof idempotencyHeaders> },
): CommandEnvelope => ({
  actor: actorOf(request),
  traceparent: traceparentOf(request),
  sentKey: request.headers['idempotency-key'] ?? null,
});
