import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { caseIdOfTask } from '../domain/identifiers.ts';
import type { Task } from '../domain/task.ts';
import { OUTCOMES, TASK_STATUSES } from '../domain/vocabulary.ts';
import type { TaskRow } from '../projections/tasks.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition, decodeCursor, pageOf } from './pages.ts';
import { ProblemError } from './problems.ts';
import * as schemas from './schemas.ts';
import { attemptsView, isSimulated, manualView, verdictsView } from './taskViews.ts';

const taskSummary = z
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
    attempts: z.int(),
    channel: z.string(),
    userRole: z.string(),
    receivedAt: schemas.time,
    updatedAt: schemas.time,
    revision: schemas.revision,
  })
  .meta({ id: 'TaskSummary' });

const taskDetail = z
  .strictObject({
    taskId: schemas.taskId,
    caseId: schemas.caseId,
    status: schemas.taskStatus,
    outcome: schemas.outcome,
    decision: schemas.decision.nullable(),
    decisionSource: schemas.decisionSource,
    fallbackCause: z.string().nullable(),
    channel: z.string(),
    userRole: z.string(),
    receivedAt: schemas.time,
    revision: schemas.revision,
    position: schemas.position,
    verdicts: z.array(schemas.verdict),
    attempts: z.array(schemas.attempt),
    manual: schemas.manual.nullable(),
    simulated: z.boolean(),
  })
  .meta({ id: 'Task' });

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
        }),
        response: {
          200: z.strictObject({ tasks: z.array(taskSummary), next: schemas.next }).describe('One page'),
          ...schemas.problems(400, 503),
        },
      },
    },
    async ({ query }) => {
      await awaitPosition(deps, query.atLeast);
      const rows = await deps.readModels.tasks({
        filter: { status: query.status, outcome: query.outcome, case_id: query.caseId },
        limit: query.limit + 1,
        after: decodeCursor(query.cursor, z.number()),
      });
      const page = pageOf(rows, query.limit, (row) => row.received_position);
      return { tasks: page.rows.map(summaryView), next: page.next };
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
        response: { 200: taskDetail, ...schemas.problems(400, 404, 503) },
      },
    },
    async ({ params }) => {
      const { caseId, task } = await findTask(deps, params.taskId);
      return {
        taskId: task.taskId,
        caseId,
        status: task.status,
        outcome: task.outcome,
        decision: task.decision,
        decisionSource: task.decisionSource,
        fallbackCause: task.fallbackCause,
        channel: task.channel,
        userRole: task.userRole,
        receivedAt: task.receivedAt,
        revision: task.revision,
        position: deps.positions.encode(task.position),
        verdicts: verdictsView(task),
        attempts: attemptsView(task),
        manual: await manualView(deps.sources, task),
        simulated: isSimulated(task),
      };
    },
  );
}

/** A task by its id, from its case's stream. Throws ProblemError task-not-found. */
export async function findTask(
  deps: ApiDependencies,
  taskId: string,
): Promise<{ readonly caseId: string; readonly task: Task }> {
  const caseId = caseIdOfTask(taskId);
  const task = caseId === null ? undefined : (await deps.cases.load(caseId)).tasks.get(taskId);
  if (caseId === null || !task) {
    throw new ProblemError('task-not-found', 'there is no task with this id', [
      { field: 'taskId', message: 'names no task' },
    ]);
  }
  return { caseId, task };
}

const summaryView = (row: TaskRow): z.infer<typeof taskSummary> => ({
  taskId: row.task_id,
  caseId: row.case_id,
  status: row.status,
  outcome: row.outcome,
  intent: row.intent,
  routeTarget: row.route_target,
  confidence: row.confidence,
  reasonCode: row.reason_code,
  decisionSource: row.decision_source,
  attempts: row.attempts,
  channel: row.channel,
  userRole: row.user_role,
  receivedAt: row.received_at,
  updatedAt: row.updated_at,
  revision: row.revision,
});
