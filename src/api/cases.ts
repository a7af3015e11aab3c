import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { openCase } from '../commands/openCase.ts';
import type { Case } from '../domain/case.ts';
import type { CaseRow } from '../projections/cases.ts';
import { attributesInClear } from '../vault/personalTexts.ts';
import { actorOf } from './actor.ts';
import { asOfAnswer, asOfMoment, asOfView, caseAsOf } from './asOf.ts';
import type { ApiDependencies } from './dependencies.ts';
import { etag, idempotencyHeaders, markReplayed, traceparentOf } from './headers.ts';
import { type Order, positionKey, readPage } from './pages.ts';
import { fieldError } from './problems.ts';
import * as schemas from './schemas.ts';

const attributeName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_]{0,63}$/,
    'must have names of at most 64 letters, digits and _, a letter first',
  );
const attributeText = schemas.writtenText(1024);
const attributeNumber = z
  .number()
  .refine((number) => !Number.isInteger(number) || Number.isSafeInteger(number), {
    error: 'must be a number that JSON keeps exactly (up to 2^53 - 1); send a larger one as text',
  });
const attributeValue = z.union([attributeText, attributeNumber, z.boolean()], {
  error: 'must be text, a finite number, true or false',
});
const errorType = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 characters out of A-Z a-z 0-9 . _ -');

const newCase = z
  .strictObject({
    caseId: schemas.caseId,
    priority: schemas.priority.default('MEDIUM'),
    lastErrorType: errorType.nullable().default(null),
    retryCount: z.int().min(0).max(1_000_000).default(0).describe('An imported case may start above 0'),
    attributes: z
      .record(attributeName, attributeValue)
      .default({})
      .describe('Not personal; backends may use them'),
    personalAttributes: z
      .record(attributeName, attributeText)
      .default({})
      .describe('Personal text, stored encrypted; backends may use it'),
  })
  .meta({
    id: 'NewCase',
    examples: [{ caseId: 'C1001', priority: 'MEDIUM', lastErrorType: 'TIMEOUT', retryCount: 1 }],
  });

const caseSummary = z
  .strictObject({
    caseId: schemas.caseId,
    state: schemas.caseState,
    priority: schemas.priority,
    retryCount: z.int(),
    lastErrorType: z.string().nullable(),
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    erasedAt: schemas.time.nullable().describe('When its key was destroyed; null where it was not'),
    openedAt: schemas.time,
    updatedAt: schemas.time,
    revision: schemas.revision,
  })
  .meta({ id: 'CaseSummary' });

const caseDetail = caseSummary
  .extend({
    personalAttributes: z
      .record(z.string(), z.string().nullable())
      .describe('In clear; null where the key was destroyed'),
    position: schemas.position,
    tasks: z.array(
      z.strictObject({
        taskId: schemas.taskId,
        status: schemas.taskStatus,
        outcome: schemas.outcome,
        receivedAt: schemas.time,
      }),
    ),
  })
  .meta({ id: 'Case' });

const caseAnswer = caseDetail.extend({ asOf: asOfAnswer }).meta({ id: 'CaseAsOf' });

const NEWEST_FIRST: Order<CaseRow, number> = { keys: positionKey, keysOf: (row) => row.opened_position };

/** POST /cases, GET /cases and /cases/{caseId}. */
export function registerCases(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.post(
    '/cases',
    {
      schema: {
        operationId: 'openCase',
        summary: 'Open a case',
        description:
          'The case id is what makes a repeat harmless, with or without an Idempotency-Key: the same content again ' +
          'answers 200 with the same case, other content is a 409.',
        tags: ['cases'],
        headers: idempotencyHeaders,
        body: newCase,
        response: {
          200: caseDetail.describe('The case was open already, with this content'),
          201: caseDetail.describe('The case was opened'),
          ...schemas.problems(400, 409, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { current, replayed } = await openCase(
        deps,
        request.body,
        actorOf(request),
        traceparentOf(request),
      );
      if (replayed) markReplayed(reply);
      else reply.code(201);
      reply.header('Location', `/cases/${current.caseId}`).header('ETag', etag(current.revision));
      return detailView(deps, current);
    },
  );

  routes.get(
    '/cases',
    {
      schema: {
        operationId: 'listCases',
        summary: 'List cases, newest first',
        tags: ['cases'],
        querystring: z.strictObject({
          ...schemas.pageQuery,
          state: schemas.caseState.optional(),
          priority: schemas.priority.optional(),
        }),
        response: {
          200: z.strictObject({ cases: z.array(caseSummary), next: schemas.next }).describe('One page'),
          ...schemas.problems(400),
        },
      },
    },
    async ({ query }) => {
      const filter = { state: query.state, priority: query.priority };
      const { rows, next } = await readPage(deps, query, NEWEST_FIRST, (page) =>
        deps.readModels.cases({ filter, ...page }),
      );
      return { cases: rows.map(summaryView), next };
    },
  );

  routes.get(
    '/cases/:caseId',
    {
      schema: {
        operationId: 'getCase',
        summary: 'One case, with its tasks',
        description:
          "Read from the case's own stream, so it never trails. The ETag is what If-Match wants; a case as it was has none.",
        tags: ['cases'],
        params: z.strictObject({ caseId: schemas.caseId }),
        querystring: schemas.streamQuery.extend({ asOf: asOfMoment }),
        response: { 200: caseAnswer.describe('The case'), ...schemas.problems(400, 404) },
      },
    },
    async ({ params, query }, reply) => {
      if (query.asOf) {
        const then = await caseAsOf(deps, params.caseId, query.asOf);
        return { ...(await detailView(deps, then)), asOf: asOfView(then) };
      }
      const current = await findCase(deps, params.caseId);
      reply.header('ETag', etag(current.revision));
      return detailView(deps, current);
    },
  );
}

/** A case that must have been opened; `field` is the input that names it. Throws ProblemError case-not-found. */
export async function findCase(deps: ApiDependencies, caseId: string, field = 'caseId'): Promise<Case> {
  const current = await deps.cases.load(caseId);
  if (current.opened) return current;
  throw fieldError('case-not-found', field, 'names no case');
}

async function detailView(deps: ApiDependencies, current: Case): Promise<z.infer<typeof caseDetail>> {
  const { caseId, opened, state, retryCount, lastErrorType, updatedAt, revision } = current;
  if (!opened || updatedAt === null) throw new Error(`case ${caseId} was never opened`);
  const personalAttributes = attributesInClear(opened, await deps.vault.of(caseId));
  return {
    caseId,
    state,
    priority: opened.priority,
    retryCount,
    lastErrorType,
    attributes: opened.attributes,
    personalAttributes,
    erasedAt: current.erased?.at ?? null,
    openedAt: opened.at,
    updatedAt,
    revision,
    position: deps.positions.encode(current.position),
    tasks: [...current.tasks.values()].map(({ taskId, status, outcome, receivedAt }) => ({
      taskId,
      status,
      outcome,
      receivedAt,
    })),
  };
}

const summaryView = (row: CaseRow): z.infer<typeof caseSummary> => ({
  caseId: row.case_id,
  state: row.state,
  priority: row.priority,
  retryCount: row.retry_count,
  lastErrorType: row.last_error_type,
  attributes: row.attributes,
  erasedAt: row.erased_at,
  openedAt: row.opened_at,
  updatedAt: row.updated_at,
  revision: row.revision,
});
