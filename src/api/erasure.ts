import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { eraseCase } from '../commands/eraseCase.ts';
import type { ApiDependencies } from './dependencies.ts';
import { envelopeOf, etag, idempotencyHeaders, markReplayed } from './headers.ts';
import * as schemas from './schemas.ts';

const erasure = z
  .strictObject({
    reason: schemas
      .reasonCode('; a text about persons could not be erased here')
      .unwrap()
      .describe('Why; a code'),
  })
  .meta({ id: 'Erasure', examples: [{ reason: 'SUBJECT_REQUEST' }] });

const erased = z
  .strictObject({
    caseId: schemas.caseId,
    state: schemas.caseState,
    erasedAt: schemas.time,
    reason: z.string().describe('As it was recorded'),
    revision: schemas.revision,
    position: schemas.position,
  })
  .meta({ id: 'CaseErased' });

/** POST /cases/{caseId}/erase. */
export function registerErasure(app: FastifyInstance, deps: ApiDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().post(
    '/cases/:caseId/erase',
    {
      schema: {
        operationId: 'eraseCase',
        summary: "Destroy a case's key: nobody reads its personal text again",
        description:
          'Closes the case and cancels its open tasks. There is no way back. A case that is erased already is answered as ' +
          'erased, whatever the Idempotency-Key and the reason. While an action of the case is open, or what an attempt has done ' +
          'is being found out, it is a 409 (ACTION_OPEN, OUTCOME_UNKNOWN): send it again.',
        tags: ['cases'],
        params: z.strictObject({ caseId: schemas.caseId }),
        headers: idempotencyHeaders,
        body: erasure,
        response: {
          200: erased.describe('The case is erased: its key is gone'),
          ...schemas.problems(400, 404, 409, 413, 415, 422),
        },
      },
    },
    async (request, reply) => {
      const { caseId } = request.params;
      const result = await eraseCase(deps, caseId, request.body.reason, envelopeOf(request));
      if (result.replayed) markReplayed(reply);
      reply.header('ETag', etag(result.current.revision));
      const { at, reason, revision, position } = result.erased;
      return {
        caseId,
        state: result.current.state,
        erasedAt: at,
        reason,
        revision,
        position: deps.positions.encode(position),
      };
    },
  );
}
