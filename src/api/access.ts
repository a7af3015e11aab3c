import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Caller, Scope } from '../auth/caller.ts';
import { CredentialsRefusedError } from '../auth/errors.ts';
import { permissionOf } from './permissions.ts';
import { fieldError, ProblemError } from './problems.ts';
import type { Limit } from './rateLimits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent it; null where nobody was asked. */
    caller: Caller | null;
  }
}

/**
 * Lets every request at its route or refuses it, by the one matrix in permissions.ts, before its body is read. To be registered
 * before any route.
 *
 * @param authenticate null where callers are not authenticated: then everybody is let at everything
 * @param limitCaller counts what an authenticated caller sends
 */
export function registerAccess(
  app: FastifyInstance,
  authenticate: Authenticate | null,
  limitCaller: Limit,
): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) permissionOf(each, url);
  });
  if (authenticate === null) return;
  app.addHook('onRequest', async (request, reply) => {
    const permission = permissionOf(request.method, request.routeOptions.url ?? '');
    if (permission === 'anybody') return;
    const caller = await authenticated(authenticate, request, reply);
    request.caller = caller;
    await limitCaller(request, reply);
    if (!caller.scopes.includes(permission)) throw lacks(permission, reply);
  });
}

async function authenticated(
  authenticate: Authenticate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Caller> {
  if (request.raw.rawHeaders.filter(isAuthorization).length > 1) {
    // Only the first would be looked at here, and perhaps another one by a proxy in front.
    throw fieldError('invalid-input', 'Authorization', 'is there more than once; send it once');
  }
  try {
    return await authenticate(request.headers.authorization);
  } catch (error) {
    if (!(error instanceof CredentialsRefusedError)) throw error;
    const why = error.missing
      ? ''
      : `, error="invalid_token", error_description="${quotable(error.message)}"`;
    challenge(reply, why);
    throw new ProblemError(error.missing ? 'authentication-required' : 'credentials-refused', error.message);
  }
}

/** Names and values come in turn. */
const isAuthorization = (text: string, index: number): boolean =>
  index % 2 === 0 && text.toLowerCase() === 'authorization';

const quotable = (text: string): string => text.replaceAll(/["\\]/g, '');

function lacks(scope: Scope, reply: FastifyReply): ProblemError {
  challenge(reply, `, error="insufficient_scope", scope="${scope}"`);
  return new ProblemError('not-permitted', `this needs the scope ${scope}, which the caller does not have`);
}

/** How to authenticate, and what was wrong (RFC 6750, section 3). */
const challenge = (reply: FastifyReply, why: string): FastifyReply =>
  reply.header('WWW-Authenticate', `Bearer realm="case-orchestrator"${why}`);
