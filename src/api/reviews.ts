import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiDependencies } from './dependencies.ts';
import { fieldError } from './problems.ts';
import { reviewDetail, reviewView } from './reviewView.ts';
import * as schemas from './schemas.ts';
import { findTask } from './taskViews.ts';

/** GET /reviews/{taskId}: what a reviewer needs to see. */
export function registerReviews(app: FastifyInstance, deps: ApiDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/reviews/:taskId',
    {
      schema: {
        operationId: 'getReview',
        summary: 'Everything that a reviewer needs to see of one task',
        description:
          "Read from the case's own stream, so it never trails; `similar` alone is from the read models.",
        tags: ['reviews'],
        params: z.strictObject({ taskId: schemas.taskId }),
        querystring: schemas.streamQuery,
        response: { 200: reviewDetail.describe('The review'), ...schemas.problems(400, 404) },
      },
    },
    async ({ params }) => {
      const { caseId, task } = await findTask(deps, params.taskId);
      if (!task.review)
        throw fieldError('review-not-found', 'taskId', 'names a task that was not routed to a person');
      return reviewView(deps, caseId, task.taskId);
    },
  );
}
