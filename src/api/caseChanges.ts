import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { addNote, type CaseChanged, changeCaseState } from '../commands/changeCase.ts';
import type { CaseState } from '../domain/vocabulary.ts';
import type { ApiDependencies } from './dependencies.ts';
import {
  changeHeaders,
  envelopeOf,
  etag,
  expectedRevision,
  idempotencyHeaders,
  markReplayed,
} from './headers.ts';
import * as schemas from './schemas.ts';

const MAX_NOTE_BYTES = 8 * 1024;

const params = z.strictObject({ caseId: schemas.caseId });
const stateChange = z
  .strictObject({
    reason: schemas.reasonCode('; put text into a note'),
  })
  .prefault({})
  .meta({ id: 'StateChange' });
const note = z.strictObject({ text: schemas.writtenText(MAX_NOTE_BYTES) }).meta({ id: 'Note' });

const changed = z
  .strictObject({
    caseId: schemas.caseId,
    state: schemas.caseState,
    revision: schemas.revision,
    position: schemas.position,
  })
  .meta({ id: 'CaseChanged' });

const CHANGES: readonly { readonly verb: string; readonly to: CaseState; readonly summary: string }[] = [
  { verb: 'close', to: 'CLOSED', summary: 'Close a case; its open tasks are cancelled' },
  { verb: 'suspend', to: 'SUSPENDED', summary: 'Suspend a case; nothing is executed for it meanwhile' },
  { verb: 'reopen', to: 'OPEN', summary: 'Open a suspended or closed case again' },
];

/** POST /cases/{caseId}/close, /suspend, /reopen and /notes. */
export function registerCaseChanges(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  for (const { verb, to, summary } of CHANGES) {
    routes.post(
      `/cases/:caseId/${verb}`,
      {
        schema: {
          operationId: `${verb}Case`,
          summary,
          tags: ['cases'],
          params,
          headers: changeHeaders,
          body: stateChange,
          response: {
            200: changed.describe('The case was changed, or had been'),
            ...schemas.problems(400, 404, 409, 412, 413, 415, 422, 428),
          },
        },
      },
      async (request, reply) => {
        const expected = expectedRevision(request.headers['if-match']);
        const change = { to, reason: request.body.reason, expected };
        const result = await changeCaseState(deps, request.params.caseId, change, envelopeOf(request));
        return view(deps, result, reply);
      },
    );
  }

  routes.post(
    '/cases/:caseId/notes',
    {
      schema: {
        operationId: 'addCaseNote',
        summary: 'Add a note to a case; its text is stored encrypted',
        tags: ['cases'],
        params,
        headers: idempotencyHeaders,
        body: note,
        response: {
          200: changed.describe('The note was recorded before, under the same Idempotency-Key'),
          201: changed.describe('The note was recorded'),
          ...schemas.problems(400, 404, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const result = await addNote(deps, request.params.caseId, request.body.text, envelopeOf(request));
      if (!result.replayed) reply.code(201);
      return view(deps, result, reply);
    },
  );
}

function view(deps: ApiDependencies, result: CaseChanged, reply: FastifyReply): z.infer<typeof changed> {
  const { current, revision, position, replayed } = result;
  if (replayed) markReplayed(reply);
  reply.header('ETag', etag(current.revision));
  return {
    caseId: current.caseId,
    state: current.state,
    revision,
    position: deps.positions.encode(position),
  };
}
