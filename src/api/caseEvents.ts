import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { CaseEvent, Recorded } from '../domain/events.ts';
import type { Json } from '../domain/hash.ts';
import { caseStream } from '../domain/identifiers.ts';
import { codec } from '../eventstore/codec.ts';
import { metadataSchema } from '../eventstore/schemas.ts';
import { wholeNumber } from '../input.ts';
import { personalTexts } from '../vault/personalTexts.ts';
import { asOfMoment, caseAsOf } from './asOf.ts';
import { findCase } from './cases.ts';
import type { ApiDependencies } from './dependencies.ts';
import * as schemas from './schemas.ts';

const recordedEvent = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    stream: z.string(),
    revision: schemas.revision,
    position: schemas.position,
    data: z.record(z.string(), schemas.json).describe('As recorded; personal text is sealed'),
    metadata: metadataSchema,
    personal: z
      .record(z.string(), z.string().nullable())
      .describe('Personal text of this event in clear; null where the key was destroyed'),
  })
  .meta({ id: 'RecordedEvent' });

/** GET /cases/{caseId}/events: the whole history as recorded. */
export function registerCaseEvents(app: FastifyInstance, deps: ApiDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/cases/:caseId/events',
    {
      schema: {
        operationId: 'listCaseEvents',
        summary: "A case's whole history as recorded, oldest first",
        tags: ['cases'],
        params: z.strictObject({ caseId: schemas.caseId }),
        querystring: schemas.streamQuery.extend({
          asOf: asOfMoment,
          fromRevision: wholeNumber(0, Number.MAX_SAFE_INTEGER, 0),
          limit: wholeNumber(1, 1000, 100).describe('Most events in one page'),
        }),
        response: {
          200: z
            .strictObject({
              caseId: schemas.caseId,
              events: z.array(recordedEvent),
              next: z.int().nullable().describe('fromRevision of the next page; null on the last'),
            })
            .describe('One page'),
          ...schemas.problems(400, 404),
        },
      },
    },
    async ({ params: { caseId }, query: { asOf, fromRevision, limit } }) => {
      const last = asOf ? (await caseAsOf(deps, caseId, asOf)).revision : Number.POSITIVE_INFINITY;
      const read = await deps.store.readStream(caseStream(caseId), fromRevision, limit + 1);
      if (read.length === 0) await findCase(deps, caseId);
      const page = read.filter(({ revision }) => revision <= last);
      const vault = await deps.vault.of(caseId);
      const events = page.slice(0, limit).map((stored) => {
        const event = codec.decode(stored) as Recorded<CaseEvent>;
        const { id, type, stream, revision } = event;
        const position = deps.positions.encode(event.position);
        const data = JSON.parse(stored.data) as Record<string, Json>;
        return {
          id,
          type,
          stream,
          revision,
          position,
          data,
          metadata: JSON.parse(stored.metadata) as z.output<typeof metadataSchema>,
          personal: personalTexts(event, vault),
        };
      });
      return { caseId, events, next: page.length > limit ? fromRevision + limit : null };
    },
  );
}
