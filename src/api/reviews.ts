import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PERSONAL_FIELDS } from '../vault/vault.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition, decodeCursor, pageOf } from './pages.ts';
import { ProblemError } from './problems.ts';
import * as schemas from './schemas.ts';
import { findTask } from './tasks.ts';
import { attemptsView, manualView, verdictsView } from './taskViews.ts';

const reviewSummary = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    queue: z.string(),
    codes: z.array(z.string()),
    intent: z.string().nullable(),
    dueBy: schemas.time,
    routedAt: schemas.time,
  })
  .meta({ id: 'ReviewSummary' });

const reviewDetail = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status: schemas.taskStatus,
    outcome: schemas.outcome,
    description: z.string().nullable().describe("The task's text in clear; null where the key was destroyed"),
    channel: z.string(),
    userRole: z.string(),
    receivedAt: schemas.time,
    decision: schemas.decision.nullable(),
    decisionSource: schemas.decisionSource,
    fallbackCause: z.string().nullable(),
    manual: schemas.manual,
    verdicts: z.array(schemas.verdict),
    attempts: z.array(schemas.attempt),
    revision: schemas.revision,
    position: schemas.position,
  })
  .meta({ id: 'Review' });

const cursorKeys = z.tuple([z.string(), z.number()]);

/** GET /reviews and /reviews/{taskId}: the manual queue, to read. */
export function registerReviews(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/reviews',
    {
      schema: {
        operationId: 'listReviews',
        summary: 'Tasks that wait for a person, the most urgent first',
        tags: ['reviews'],
        querystring: z.strictObject({
          ...schemas.pageQuery,
          queue: z.string().max(64).optional(),
          intent: z.string().max(64).optional(),
        }),
        response: {
          200: z.strictObject({ reviews: z.array(reviewSummary), next: schemas.next }).describe('One page'),
          ...schemas.problems(400, 503),
        },
      },
    },
    async ({ query }) => {
      await awaitPosition(deps, query.atLeast);
      const after = decodeCursor(query.cursor, cursorKeys);
      const rows = await deps.readModels.reviews({
        filter: { queue: query.queue, intent: query.intent },
        limit: query.limit + 1,
        after: after && { dueBy: after[0], position: after[1] },
      });
      const page = pageOf(rows, query.limit, (row) => [row.due_by, row.routed_position]);
      const reviews = page.rows.map((row) => ({
        taskId: row.task_id,
        caseId: row.case_id,
        queue: row.queue ?? '',
        codes: [...row.codes],
        intent: row.intent,
        dueBy: row.due_by ?? '',
        routedAt: row.routed_at ?? '',
      }));
      return { reviews, next: page.next };
    },
  );

  routes.get(
    '/reviews/:taskId',
    {
      schema: {
        operationId: 'getReview',
        summary: 'Everything that a reviewer needs to see of one task',
        description: "Read from the case's own stream, so it never trails.",
        tags: ['reviews'],
        params: z.strictObject({ taskId: schemas.taskId }),
        response: { 200: reviewDetail, ...schemas.problems(400, 404, 503) },
      },
    },
    async ({ params }) => {
      const { caseId, task } = await findTask(deps, params.taskId);
      const manual = await manualView(deps.sources, task);
      if (!manual) {
        const message = 'was not routed to a person';
        throw new ProblemError('task-not-found', `this task ${message}`, [{ field: 'taskId', message }]);
      }
      const vault = await deps.vault.of(caseId);
      const { taskId, status, outcome, channel, userRole, receivedAt, decision, decisionSource } = task;
      return {
        taskId,
        caseId,
        status,
        outcome,
        description: vault ? vault.open(PERSONAL_FIELDS.description, task.description) : null,
        channel,
        userRole,
        receivedAt,
        decision,
        decisionSource,
        fallbackCause: task.fallbackCause,
        manual,
        verdicts: verdictsView(task),
        attempts: attemptsView(task),
        revision: task.revision,
        position: deps.positions.encode(task.position),
      };
    },
  );
}
