import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { REVIEW_RESOLUTIONS } from '../domain/vocabulary.ts';
import { allQueues, REVIEW_SORTS, type ReviewSort } from '../projections/reviewQueries.ts';
import { isClaimed, REVIEW_STATUSES, type ReviewRow, reviewStatus } from '../projections/reviews.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition, filled, type Order, positionKey, readPage } from './pages.ts';
import * as schemas from './schemas.ts';

const resolution = z.enum([...REVIEW_RESOLUTIONS, 'OUTCOME_RECORDED']);
const status = z
  .enum(REVIEW_STATUSES)
  .describe(
    'OPEN: free for anybody. CLAIMED: somebody has it, until leaseUntil. WAITING_FOR_INFO: a reviewer asked for more. ' +
      'AWAITING_SECOND: one of two persons has approved it. CLOSED: nobody needs to look at it any more',
  );

export const reviewSummary = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status,
    queue: z.string(),
    codes: z.array(z.string()).describe('Why it was routed to a person'),
    intent: z.string().nullable().describe('The recommended intent'),
    riskScore: z.number().nullable(),
    confidence: z.number().nullable(),
    dueBy: schemas.time.describe(
      'Until when it is to be decided; past where that was missed and nothing follows',
    ),
    overdue: z
      .boolean()
      .describe('Whether a deadline has passed without a decision, in this queue or one before it'),
    routedAt: schemas.time,
    assignee: z.string().nullable().describe('Who has claimed it; null where no lease runs'),
    leaseUntil: schemas.time
      .nullable()
      .describe('When the claim ends by itself; nothing is recorded and no event is sent then'),
    firstApprover: z.string().nullable().describe('Who has approved it, where a second person is needed'),
    resolution: resolution.nullable().describe('What a reviewer decided last; null where nobody did'),
    reasonCode: z.string().nullable().describe('The reason given for it'),
    reviewer: z.string().nullable().describe('Who that was'),
    submittedBy: z.string().describe('Who submitted the task'),
    channel: z.string(),
    userRole: z.string(),
    updatedAt: schemas.time,
  })
  .meta({ id: 'ReviewSummary' });

const queueCount = z
  .strictObject({
    queue: z.string(),
    open: z.int(),
    claimed: z.int(),
    waitingForInfo: z.int(),
    awaitingSecond: z.int(),
    overdue: z.int().describe('Among all of them'),
    oldestDueBy: schemas.time
      .nullable()
      .describe('The earliest deadline, passed or not; null where nothing waits'),
  })
  .meta({ id: 'QueueCount' });

const filters = {
  status: status.optional().describe('Without it: every review that is not closed'),
  queue: schemas.queryText.optional(),
  intent: schemas.queryText.optional(),
  code: schemas.queryText.optional().describe('One of the codes that it was routed for'),
  assignee: schemas.queryText.optional().describe('Whose claim runs'),
  overdue: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  resolution: resolution.optional().describe('What a reviewer decided last'),
  dueBefore: schemas.queryTime.optional().describe('To be decided before this time'),
  routedAfter: schemas.queryTime.optional().describe('Routed to a person after this time'),
  routedBefore: schemas.queryTime.optional().describe('Routed to a person before this time'),
};

/** GET /reviews and /reviews/counts: the manual queue, to read. */
export function registerReviewList(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/reviews',
    {
      schema: {
        operationId: 'listReviews',
        summary: 'Tasks that wait for a person, and those that did',
        description:
          'A review that stays open and within the filter while all pages are read is on at least one of them; one that is ' +
          'escalated meanwhile may come twice.',
        tags: ['reviews'],
        querystring: z.strictObject({
          ...schemas.pageQuery,
          ...filters,
          sort: z
            .enum(REVIEW_SORTS)
            .default('dueBy')
            .describe('dueBy: the earliest deadline first. oldest, newest: by when they were routed'),
        }),
        response: {
          200: z.strictObject({ reviews: z.array(reviewSummary), next: schemas.next }).describe('One page'),
          ...schemas.problems(400),
        },
      },
    },
    async ({ query }) => {
      const { sort, limit, cursor, atLeast, ...filter } = query;
      const now = deps.clock.now();
      const { rows, next } = await readPage(deps, { limit, cursor, atLeast }, orderOf(sort), (page) =>
        deps.readModels.reviews({
          filter,
          sort,
          now,
          limit: page.limit,
          after: page.after && { dueBy: page.after[1], position: page.after[2] },
        }),
      );
      return { reviews: rows.map((row) => reviewSummaryView(row, now)), next };
    },
  );

  routes.get(
    '/reviews/counts',
    {
      schema: {
        operationId: 'countReviews',
        summary: 'How much waits in each queue',
        description:
          'Every queue of the policy in force, and every other one in which something waits, by name.',
        tags: ['reviews'],
        querystring: z.strictObject({ atLeast: schemas.pageQuery.atLeast }),
        response: {
          200: z.strictObject({ queues: z.array(queueCount) }).describe('The counts'),
          ...schemas.problems(400),
        },
      },
    },
    async ({ query }) => {
      await awaitPosition(deps, query.atLeast);
      return { queues: allQueues(deps.policy, await deps.readModels.reviewCounts(deps.clock.now())) };
    },
  );
}

/** A cursor holds its sort, so that it is none of another one. */
const orderOf = (sort: ReviewSort): Order<ReviewRow, readonly [ReviewSort, string, number]> => ({
  keys: z.tuple([z.literal(sort), z.iso.datetime(), positionKey]),
  keysOf: (row) => [sort, filled(row.due_by), filled(row.routed_position)],
});

/** @param now ISO 8601; a lease that has ended by then is not shown */
export function reviewSummaryView(row: ReviewRow, now: string): z.infer<typeof reviewSummary> {
  const claimed = isClaimed(row, now);
  return {
    taskId: row.task_id,
    caseId: row.case_id,
    status: reviewStatus(row, now),
    queue: filled(row.queue),
    codes: [...row.codes],
    intent: row.intent,
    riskScore: row.risk_score,
    confidence: row.confidence,
    dueBy: filled(row.due_by),
    overdue: row.overdue,
    routedAt: filled(row.routed_at),
    assignee: claimed ? row.assignee : null,
    leaseUntil: claimed ? row.lease_until : null,
    firstApprover: row.first_approver,
    resolution: row.resolution,
    reasonCode: row.reason_code,
    reviewer: row.reviewer,
    submittedBy: row.submitted_by,
    channel: row.channel,
    userRole: row.user_role,
    updatedAt: row.updated_at,
  };
}
