import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/** Counts a request. Throws ProblemError too-many-requests when it is one too many. */
export type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

const WINDOW_MS = 60_000;
/** Several callers may share an address: an office, a cluster. */
const CALLERS_OF_AN_ADDRESS = 5;
/** Callers and addresses that are counted at one time; beyond that the one that was quiet the longest is forgotten. */
const MOST_COUNTED = 10_000;
/** What has to be answered also when somebody else asks too much. */
const UNLIMITED: readonly string[] = ['/healthz', '/readyz'];

const NO_LIMIT: Limit = async () => {};

/**
 * Limits how much one address may send, before anything else is done for it. To be registered before any route.
 *
 * @param perMinute requests of one caller; 0 for no limit
 * @param authenticated whether callers are; if not, they are told apart by address alone
 * @returns what limits an authenticated caller
 */
export async function registerRateLimits(
  app: FastifyInstance,
  perMinute: number,
  authenticated: boolean,
): Promise<Limit> {
  if (perMinute === 0) return NO_LIMIT;
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, cache: MOST_COUNTED });
  const perAddress = app.createRateLimit({
    max: authenticated ? perMinute * CALLERS_OF_AN_ADDRESS : perMinute,
  });
  const perCaller = app.createRateLimit({ max: perMinute, keyGenerator: callerOf });
  app.addHook('onRequest', async (request, reply) => {
    if (!UNLIMITED.includes(request.routeOptions.url ?? '')) {
      stopOrTell(await perAddress(request), reply, 'from this address');
    }
  });
  return async (request, reply) => stopOrTell(await perCaller(request), reply, 'from this caller');
}

const callerOf = ({ caller }: FastifyRequest): string => {
  if (caller === null) throw new Error('nobody was authenticated yet');
  return `${caller.actor.kind} ${caller.actor.id}`;
};

type Count = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>;

/** The headers are those of draft-ietf-httpapi-ratelimit-headers-06, which clients know. */
function stopOrTell(count: Count, reply: FastifyReply, from: string): void {
  if (count.isAllowed) return;
  const { max, remaining, ttlInSeconds, isExceeded } = count;
  reply.headers({
    'RateLimit-Limit': max,
    'RateLimit-Remaining': remaining,
    'RateLimit-Reset': ttlInSeconds,
  });
  if (!isExceeded) return;
  reply.header('Retry-After', ttlInSeconds);
  throw new ProblemError(
    'too-many-requests',
    `more than ${max} requests came ${from} within a minute; nothing was done`,
  );
}
