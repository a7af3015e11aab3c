import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDependencies } from './dependencies.ts';
import { ProblemError } from './problems.ts';
import { problems } from './schemas.ts';

/** How long readiness waits for the read models to hold what the log holds. */
const CATCH_UP_MS = 2_000;

const ready = z.strictObject({
  status: z.literal('ready'),
  store: z.string(),
  projections: z.strictObject({ leads: z.boolean(), parkedCases: z.int() }),
});

/** GET /healthz, /readyz and /metrics. */
export function registerHealth(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/healthz',
    {
      schema: {
        operationId: 'getLiveness',
        summary: 'Whether the process lives',
        tags: ['operations'],
        response: {
          200: z.strictObject({ status: z.literal('alive') }).describe('It lives'),
          ...problems(400),
        },
      },
    },
    async () => ({ status: 'alive' as const }),
  );

  routes.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the store is reachable and the read models have caught up',
        tags: ['operations'],
        response: { 200: ready.describe('It is ready'), ...problems(400) },
      },
    },
    async () => {
      await deps.store.ping();
      const projections = deps.projections();
      if (projections.stopped !== null) {
        throw new ProblemError('not-ready', `projections have stopped: ${projections.stopped}`);
      }
      const last = await deps.store.lastPosition();
      if (last !== null && !(await deps.readModels.caughtUp(last, CATCH_UP_MS))) {
        throw new ProblemError('not-ready', 'the read models trail behind the log');
      }
      const parkedCases = await deps.readModels.parkedCases();
      return {
        status: 'ready' as const,
        store: deps.store.kind,
        projections: { leads: projections.leads, parkedCases },
      };
    },
  );

  routes.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        summary: 'Prometheus metrics',
        tags: ['operations'],
        response: {
          200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } },
          ...problems(400),
        },
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await deps.metrics();
      return reply.type(contentType).serializer(String).send(text);
    },
  );
}
