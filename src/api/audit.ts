import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { OUTCOMES } from '../domain/vocabulary.ts';
import type { AuditRow } from '../projections/audit.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition, decodeCursor, pageOf } from './pages.ts';
import { ProblemError } from './problems.ts';
import * as schemas from './schemas.ts';

const outcome = z.enum(OUTCOMES);

const caseEntry = z
  .strictObject({
    id: z.string().describe('Id of the event that settled the task'),
    case_id: schemas.caseId,
    outcome,
    intent: z.string().nullable(),
    route_target: z.string().nullable(),
    confidence: z.number().nullable(),
    created_at: schemas.time,
  })
  .meta({ id: 'CaseAuditEntry' });

const logEntry = z
  .strictObject({
    id: z.string().describe('Id of the event that settled the task'),
    caseId: schemas.caseId,
    taskId: schemas.taskId,
    outcome,
    intent: z.string().nullable(),
    routeTarget: z.string().nullable(),
    confidence: z.number().nullable(),
    actor: z.string().describe('Who submitted the task'),
    createdAt: schemas.time,
  })
  .meta({ id: 'AuditEntry' });

/** Most entries that one case's audit trail answers with. */
const MAX_CASE_ENTRIES = 10_000;

/** GET /audit and /audit/{case_id}: what became of each task. */
export function registerAudit(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/audit/:case_id',
    {
      schema: {
        operationId: 'getCaseAudit',
        summary: 'The settled tasks of one case, newest first',
        tags: ['audit'],
        params: z.strictObject({ case_id: schemas.caseId }),
        querystring: z.strictObject({ atLeast: schemas.pageQuery.atLeast }),
        response: {
          200: z
            .strictObject({ case_id: schemas.caseId, entries: z.array(caseEntry) })
            .describe('The audit trail'),
          ...schemas.problems(400, 404, 503),
        },
      },
    },
    async ({ params, query }) => {
      await awaitPosition(deps, query.atLeast);
      const rows = await deps.readModels.audit({
        filter: { case_id: params.case_id },
        limit: MAX_CASE_ENTRIES,
        after: null,
      });
      if (rows.length === 0) await mustExist(deps, params.case_id);
      return { case_id: params.case_id, entries: rows.map(caseEntryView) };
    },
  );

  routes.get(
    '/audit',
    {
      schema: {
        operationId: 'listAudit',
        summary: 'The audit log: settled tasks of all cases, newest first',
        tags: ['audit'],
        querystring: z.strictObject({
          ...schemas.pageQuery,
          from: schemas.time.optional().describe('Settled at this time or later'),
          to: schemas.time.optional().describe('Settled before this time'),
          outcome: outcome.optional(),
          intent: z.string().max(64).optional(),
          actor: z.string().max(200).optional().describe('Who submitted the task'),
        }),
        response: {
          200: z.strictObject({ entries: z.array(logEntry), next: schemas.next }).describe('One page'),
          ...schemas.problems(400, 503),
        },
      },
    },
    async ({ query }) => {
      await awaitPosition(deps, query.atLeast);
      const rows = await deps.readModels.audit({
        filter: { outcome: query.outcome, intent: query.intent, actor_id: query.actor },
        from: query.from,
        to: query.to,
        limit: query.limit + 1,
        after: decodeCursor(query.cursor, z.number()),
      });
      const page = pageOf(rows, query.limit, (row) => row.settled_position);
      return { entries: page.rows.map(logEntryView), next: page.next };
    },
  );
}

async function mustExist(deps: ApiDependencies, caseId: string): Promise<void> {
  if ((await deps.cases.load(caseId)).opened) return;
  throw new ProblemError('case-not-found', `there is no case ${caseId}`, [
    { field: 'case_id', message: 'names no case' },
  ]);
}

const caseEntryView = (row: AuditRow): z.infer<typeof caseEntry> => ({
  id: settled(row.event_id),
  case_id: row.case_id,
  outcome: settled(row.outcome),
  intent: row.intent,
  route_target: row.route_target,
  confidence: row.confidence,
  created_at: settled(row.settled_at),
});

const logEntryView = (row: AuditRow): z.infer<typeof logEntry> => ({
  id: settled(row.event_id),
  caseId: row.case_id,
  taskId: row.task_id,
  outcome: settled(row.outcome),
  intent: row.intent,
  routeTarget: row.route_target,
  confidence: row.confidence,
  actor: row.actor_id,
  createdAt: settled(row.settled_at),
});

function settled<T>(value: T | null): T {
  if (value === null) throw new Error('an audit entry without the event that settled it');
  return value;
}
