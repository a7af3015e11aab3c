import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { OUTCOMES } from '../domain/vocabulary.ts';
import { auditEntry } from '../export/auditEntry.ts';
import type { AuditRow } from '../projections/audit.ts';
import { findCase } from './cases.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition, filled, type Order, positionKey, readPage } from './pages.ts';
import { fieldError } from './problems.ts';
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

const auditAsOf = schemas.queryTime
  .optional()
  .describe('As the audit log was then: what was settled at this time or before');

/** Query parameters that choose entries of the audit log. */
export const auditFilter = {
  from: schemas.queryTime.optional().describe('Settled at this time or later'),
  to: schemas.queryTime.optional().describe('Settled before this time'),
  asOf: auditAsOf,
  outcome: outcome.optional(),
  intent: schemas.queryText.optional(),
  actor: schemas.queryText.optional().describe('Who submitted the task'),
};

type AuditFilter = { readonly [Name in keyof typeof auditFilter]?: z.output<(typeof auditFilter)[Name]> };

/** What those parameters ask of the read model. */
export const auditQuery = ({ outcome, intent, actor, from, to, asOf }: AuditFilter) => ({
  filter: { outcome, intent, actor_id: actor },
  from,
  to,
  asOf,
});

const NEWEST_FIRST: Order<AuditRow, number> = {
  keys: positionKey,
  keysOf: (row) => filled(row.settled_position),
};
/** Rows in one read of a case's trail, which the answer holds whole. */
const TRAIL_PAGE = 1_000;

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
        querystring: z.strictObject({ atLeast: schemas.pageQuery.atLeast, asOf: auditAsOf }),
        response: {
          200: z
            .strictObject({ case_id: schemas.caseId, entries: z.array(caseEntry) })
            .describe('The audit trail'),
          ...schemas.problems(400, 404),
        },
      },
    },
    async ({ params, query }) => {
      await awaitPosition(deps, query.atLeast);
      const rows = await readTrail(deps, params.case_id, query.asOf);
      if (rows.length === 0) await mustBeThere(deps, params.case_id, query.asOf);
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
          ...auditFilter,
        }),
        response: {
          200: z.strictObject({ entries: z.array(logEntry), next: schemas.next }).describe('One page'),
          ...schemas.problems(400),
        },
      },
    },
    async ({ query }) => {
      const wanted = auditQuery(query);
      const { rows, next } = await readPage(deps, query, NEWEST_FIRST, (page) =>
        deps.readModels.audit({ ...wanted, ...page }),
      );
      return { entries: rows.map(auditEntry), next };
    },
  );
}

async function mustBeThere(deps: ApiDependencies, caseId: string, asOf: string | undefined): Promise<void> {
  const { opened } = await findCase(deps, caseId, 'case_id');
  if (asOf === undefined || !opened || opened.at <= asOf) return;
  throw fieldError('case-not-found', 'asOf', `is before the case was opened, at ${opened.at}`);
}

async function readTrail(
  deps: ApiDependencies,
  caseId: string,
  asOf: string | undefined,
): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for (;;) {
    const last = rows.at(-1);
    const page = await deps.readModels.audit({
      filter: { case_id: caseId },
      asOf,
      limit: TRAIL_PAGE,
      after: last ? NEWEST_FIRST.keysOf(last) : null,
    });
    rows.push(...page);
    if (page.length < TRAIL_PAGE) return rows;
  }
}

const caseEntryView = (row: AuditRow): z.infer<typeof caseEntry> => ({
  id: filled(row.event_id),
  case_id: row.case_id,
  outcome: filled(row.outcome),
  intent: row.intent,
  route_target: row.route_target,
  confidence: row.confidence,
  created_at: filled(row.settled_at),
});
