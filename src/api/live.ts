import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDependencies } from './dependencies.ts';
import { createLiveFeed } from './liveFeed.ts';
import { type LiveStream, openLiveStream } from './liveStream.ts';
import { ProblemError } from './problems.ts';
import * as schemas from './schemas.ts';

const EVENT_STREAM = 'text/event-stream';
/** Most connections at one time. */
const MOST_CONNECTIONS = 200;
/** Most of them by one authenticated caller. */
const MOST_OF_ONE = 20;

const HEADERS = {
  // no-transform: what compresses also holds back.
  'Cache-Control': 'no-cache, no-store, no-transform',
  // nginx would hold it back.
  'X-Accel-Buffering': 'no',
} as const;

/** Of no type: the schema says text, and a stream of it is sent, each part of which was held against its own schema. */
const RESPONSE: Record<string, unknown> = {
  200: { description: 'The changes', content: { [EVENT_STREAM]: { schema: z.string() } } },
  ...schemas.problems(400),
};

const eventId = z.string().max(200).optional();

/** GET /live: changes of tasks and reviews as they come, as server-sent events. */
export function registerLive(app: FastifyInstance, deps: ApiDependencies): void {
  const { positions, readModels, clock } = deps;
  const feed = createLiveFeed(deps);
  const open = new Map<LiveStream, string | null>();
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    for (const { end } of open.keys()) end();
  });
  const refuseTooMany = (callerId: string | null): void => {
    if (closing) throw new ProblemError('shutting-down', 'connect to another process, or later');
    if (open.size >= MOST_CONNECTIONS) {
      throw new ProblemError('overloaded', `${MOST_CONNECTIONS} clients are connected; connect later`);
    }
    if (callerId === null) return;
    const ofCaller = [...open.values()].filter((id) => id === callerId).length;
    if (ofCaller >= MOST_OF_ONE)
      throw new ProblemError(
        'too-many-requests',
        `you have ${MOST_OF_ONE} connections; end one of them first`,
      );
  };

  app.withTypeProvider<ZodTypeProvider>().get(
    '/live',
    {
      schema: {
        operationId: 'getLive',
        summary: 'Changes of tasks and reviews as they come',
        description: DESCRIPTION,
        tags: ['reviews'],
        headers: z.object({
          'last-event-id': eventId.describe(
            'Id of the newest event that was seen: what came behind it is sent first',
          ),
        }),
        querystring: z.strictObject({
          queue: schemas.queryText.optional().describe('Only what waits, or has waited, in this queue'),
          caseId: schemas.caseId.optional(),
          lastEventId: eventId.describe('The same as Last-Event-ID, which counts where both are there'),
        }),
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const { caseId, queue, lastEventId } = request.query;
      const seen = startOf(request.headers['last-event-id'], lastEventId);
      const resumed = seen && positions.decode(seen.token, seen.field);
      const callerId = request.caller?.actor.id ?? null;
      refuseTooMany(callerId);
      reply.type(EVENT_STREAM).headers(HEADERS);
      if (request.method === 'HEAD') return reply.send();
      const after = resumed ?? (await readModels.position()) ?? 0n;
      refuseTooMany(callerId);
      const onError = (error: unknown): void => request.log.error({ err: error }, 'a live stream has ended');
      const live = openLiveStream(
        { feed, clock, encode: positions.encode, onError },
        { after, caseId, queue },
      );
      open.set(live, callerId);
      live.stream.once('close', () => open.delete(live));
      return reply.send(live.stream);
    },
  );
}

/** An empty id is what a client has that has seen none. */
function startOf(
  header: string | undefined,
  query: string | undefined,
): { readonly token: string; readonly field: string } | null {
  if (header) return { token: header, field: 'Last-Event-ID' };
  return query ? { token: query, field: 'lastEventId' } : null;
}

const DESCRIPTION = `
Server-sent events. \`task\` holds a TaskSummary and \`review\` a ReviewSummary, as the lists show them; they come in the order of the
read models, each row as it stands now: one that has changed twice meanwhile may come once.

- Connect first, and read the lists then: nothing is missed in between, and what comes twice is the same or newer.
- \`id\` is a position (see \`atLeast\`). A client that comes back with it as Last-Event-ID misses no row's newest state, however long it was away.
- A claim whose lease runs out brings no event: go by \`leaseUntil\`.
- With \`queue\` what leaves that queue is told as well.
- Every 15 seconds without an event a comment comes. Every connection ends after 15 minutes: connect again.
- 503 with Retry-After: too many are connected, or the service is shutting down. A browser's EventSource gives up at any answer but 200.
`.trim();
