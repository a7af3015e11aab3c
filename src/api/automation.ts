import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { PauseCommand } from '../commands/automation.ts';
import type { AutomationAnswer } from '../domain/automation.ts';
import { PAUSE_SCOPES } from '../domain/vocabulary.ts';
import { actorOf } from './actor.ts';
import type { ApiDependencies } from './dependencies.ts';
import { idempotencyHeaders, markReplayed, traceparentOf } from './headers.ts';
import * as schemas from './schemas.ts';

const scope = z.enum(PAUSE_SCOPES).describe('Everything, one intent, or one backend');

const change = z
  .strictObject({
    scope,
    name: z
      .string()
      .min(1, 'must not be empty')
      .max(200, 'must be at most 200 characters')
      .optional()
      .describe('The intent or the backend, as the playbook names it; left out with scope ALL'),
    reason: schemas.reasonCode(),
  })
  .meta({ id: 'AutomationChange' });

const automation = z
  .strictObject({
    pauses: z
      .array(
        z.strictObject({
          scope,
          name: z.string().nullable().describe('The intent or the backend; null for everything'),
          since: schemas.time,
          by: z.string().describe('Id of the actor who paused it'),
          reason: z.string(),
        }),
      )
      .describe('The pauses that hold, the oldest first; a task stops where any of them applies'),
    revision: z
      .int()
      .describe('How often it was changed: in the stream of these changes, counted from 0; -1 before'),
    position: schemas.position,
  })
  .meta({ id: 'Automation', description: 'The kill switch: what is not executed without a person just now' });

const CHANGES = [
  { verb: 'pause', summary: 'Route every task to a person: all, of one intent, or over one backend' },
  { verb: 'resume', summary: 'End a pause; tasks that were routed to a person stay there' },
] as const;

/** GET /automation, POST /automation/pause and /automation/resume. */
export function registerAutomation(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const view = ({ pauses, revision, position }: AutomationAnswer): z.infer<typeof automation> => ({
    pauses: [...pauses],
    revision,
    position: deps.positions.encode(position < 0n ? 0n : position),
  });

  routes.get(
    '/automation',
    {
      schema: {
        operationId: 'getAutomation',
        summary: 'What is paused',
        tags: ['operations'],
        querystring: schemas.streamQuery,
        response: {
          200: automation.describe('What is paused, from the log itself'),
          ...schemas.problems(400),
        },
      },
    },
    async () => view(await deps.automation.current()),
  );

  for (const { verb, summary } of CHANGES) {
    routes.post(
      `/automation/${verb}`,
      {
        schema: {
          operationId: `${verb}Automation`,
          summary,
          tags: ['operations'],
          headers: idempotencyHeaders,
          body: change,
          response: {
            200: automation.describe('What is paused now; for a repeat, what was after the first time'),
            ...schemas.problems(400, 413, 415, 422),
          },
        },
      },
      async (request, reply) => {
        const { answer, replayed } = await deps.automation[verb](commandOf(request));
        if (replayed) markReplayed(reply);
        return view(answer);
      },
    );
  }
}

const commandOf = (
  request: FastifyRequest & {
    readonly headers: z.infer<typeof idempotencyHeaders>;
    readonly body: z.infer<typeof change>;
  },
): PauseCommand => {
  const { scope: of, name = null, reason } = request.body;
  return {
    target: { scope: of, name },
    reason,
    actor: actorOf(request),
    traceparent: traceparentOf(request),
    sentKey: request.headers['idempotency-key'] ?? null,
  };
};
