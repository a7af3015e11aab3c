import type { FastifyRequest } from 'fastify';
import type { Actor } from '../domain/events.ts';

/** Who sent a request, from authentication alone (rule 10): nobody known, as long as no authentication is configured. */
export const actorOf = (request: FastifyRequest): Actor => request.caller?.actor ?? ANONYMOUS;

const ANONYMOUS: Actor = { kind: 'anonymous', id: 'anonymous', roles: [], authMethod: 'none' };
