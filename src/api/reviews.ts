import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ReviewRow } from '../projections/reviews.ts';
import { PERSONAL_FIELDS } from '../vault/vault.ts';
import type { ApiDependencies } from './dependencies.ts';
import { filled, type Order, positionKey, readPage } from './pages.ts';
import { fieldError } from './problems.ts';
import * as schemas from './schemas.ts';
import { findTask, taskDetail, taskView } from './taskViews.ts';

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

const reviewDetail = taskDetail
  .extend({
    description: z.string().nullable().describe("The task's text in clear; null where the key was destroyed"),
    manual: schemas.manual,
  })
  .meta({ id: 'Review' });

const MOST_URGENT_FIRST: Order<ReviewRow, readonly [string, number]> = {
  keys: z.tuple([z.iso.datetime(), positionKey]),
  keysOf: (row) => [filled(row.due_by), filled(row.routed_position)],
};

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
          queue: schemas.queryText.optional(),
          intent: schemas.queryText.optional(),
        }),
        response: {
          200: z.strictObject({ reviews: z.array(reviewSummary), next: schemas.next }).describe('One page'),
          ...schemas.problems(400),
        },
      },
    },
    async ({ query }) => {
      const filter = { queue: query.queue, intent: query.intent };
      const { rows, next } = await readPage(deps, query, MOST_URGENT_FIRST, ({ limit, after }) =>
        deps.readModels.reviews({
          filter,
          limit,
          after: after && { dueBy: after[0], position: after[1] },
        }),
      );
      return { reviews: rows.map(summaryView), next };
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
        querystring: schemas.streamQuery,
        response: { 200: reviewDetail.describe('The review'), ...schemas.problems(400, 404) },
      },
    },
    async ({ params }) => {
      const { caseId, task } = await findTask(deps, params.taskId);
      const { manual, ...view } = await taskView(deps, caseId, task);
      if (!manual)
        throw fieldError('review-not-found', 'taskId', 'names a task that was not routed to a person');
      const vault = await deps.vault.of(caseId);
      const description = vault ? vault.open(PERSONAL_FIELDS.description, task.description) : null;
      return { ...view, manual, description };
    },
  );
}

const summaryView = (row: ReviewRow): z.infer<typeof reviewSummary> => ({
  taskId: row.task_id,
  caseId: row.case_id,
  queue: filled(row.queue),
  codes: [...row.codes],
  intent: row.intent,
  dueBy: filled(row.due_by),
  routedAt: filled(row.routed_at),
});
