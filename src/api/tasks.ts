import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { OUTCOMES, SHADOW_DIFFERENCES, TASK_STATUSES } from '../domain/vocabulary.ts';
import type { TaskRow } from '../projections/tasks.ts';
import { asOfAnswer, asOfMoment, asOfView, taskAsOf } from './asOf.ts';
import type { ApiDependencies } from './dependencies.ts';
import { type Order, positionKey, readPage } from './pages.ts';
import * as schemas from './schemas.ts';
import { findTask, taskDetail, taskView } from './taskViews.ts';

const shadowDifference = z
  .enum(SHADOW_DIFFERENCES)
  .describe(
    'The most dangerous way in which its newest shadow policy has differed: WOULD_EXECUTE what went to a person, WOULD_ROUTE to a person ' +
      'what was executed, WOULD_REFUSE what a reviewer has approved',
  );

export const taskSummary = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status: schemas.taskStatus,
    outcome: schemas.outcome,
    intent: z.string().nullable(),
    routeTarget: z.string().nullable(),
    confidence: z.number().nullable(),
    reasonCode: z.string().nullable(),
    decisionSource: schemas.decisionSource,
    shadowPolicy: z
      .string()
      .nullable()
      .describe('Hash of the newest shadow policy that was evaluated on it; null where none was'),
    shadowDifference: shadowDifference.nullable(),
    attempts: z.int(),
    dueAt: schemas.time
      .nullable()
      .describe(
        'While the status is RETRY_SCHEDULED: when the next attempt is due. While it is IN_REVIEW: until when a person is to decide',
      ),
    channel: z.string(),
    userRole: z.string(),
    receivedAt: schemas.time,
    updatedAt: schemas.time,
    revision: schemas.revision,
  })
  .meta({ id: 'TaskSummary' });

const taskAnswer = taskDetail.extend({ asOf: asOfAnswer }).meta({ id: 'TaskAsOf' });

const NEWEST_FIRST: Order<TaskRow, number> = { keys: positionKey, keysOf: (row) => row.received_position };

/** GET /tasks and /tasks/{taskId}. */
export function registerTasks(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/tasks',
    {
      schema: {
        operationId: 'listTasks',
        summary: 'List tasks, newest first',
        tags: ['tasks'],
        querystring: z.strictObject({
          ...schemas.pageQuery,
          status: z.enum(TASK_STATUSES).optional(),
          outcome: z.enum(OUTCOMES).optional(),
          caseId: schemas.caseId.optional(),
          shadowDifference: shadowDifference.optional(),
          shadowPolicy: schemas.policyHash.optional(),
        }),
        response: {
          200: z.strictObject({ tasks: z.array(taskSummary), next: schemas.next }).describe('One page'),
          ...schemas.problems(400),
        },
      },
    },
    async ({ query }) => {
      const filter = {
        status: query.status,
        outcome: query.outcome,
        case_id: query.caseId,
        shadow_difference: query.shadowDifference,
        shadow_policy: query.shadowPolicy,
      };
      const { rows, next } = await readPage(deps, query, NEWEST_FIRST, (page) =>
        deps.readModels.tasks({ filter, ...page }),
      );
      return { tasks: rows.map(taskSummaryView), next };
    },
  );

  routes.get(
    '/tasks/:taskId',
    {
      schema: {
        operationId: 'getTask',
        summary: 'One task: status, outcome, decision, verdicts and attempts',
        description: "Read from the case's own stream, so it never trails.",
        tags: ['tasks'],
        params: z.strictObject({ taskId: schemas.taskId }),
        querystring: schemas.streamQuery.extend({ asOf: asOfMoment }),
        response: { 200: taskAnswer.describe('The task'), ...schemas.problems(400, 404) },
      },
    },
    async ({ params, query }) => {
      if (query.asOf) {
        const { current, task } = await taskAsOf(deps, params.taskId, query.asOf);
        return { ...(await taskView(deps, current.caseId, task)), asOf: asOfView(current) };
      }
      const { caseId, task } = await findTask(deps, params.taskId);
      return taskView(deps, caseId, task);
    },
  );
}

export const taskSummaryView = (row: TaskRow): z.infer<typeof taskSummary> => ({
  taskId: row.task_id,
  caseId: row.case_id,
  status: row.status,
  outcome: row.outcome,
  intent: row.intent,
  routeTarget: row.route_target,
  confidence: row.confidence,
  reasonCode: row.reason_code,
  decisionSource: row.decision_source,
  shadowPolicy: row.shadow_policy,
  shadowDifference: row.shadow_difference,
  attempts: row.attempts,
  dueAt: row.due_at,
  channel: row.channel,
  userRole: row.user_role,
  receivedAt: row.received_at,
  updatedAt: row.updated_at,
  revision: row.revision,
});
