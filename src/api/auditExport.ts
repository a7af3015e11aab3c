import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { EXPORT_FORMATS, exportAudit } from '../export/auditExport.ts';
import { auditFilter, auditQuery } from './audit.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition } from './pages.ts';
import * as schemas from './schemas.ts';

const MEDIA_TYPES = { csv: 'text/csv', jsonl: 'application/jsonl' } as const;
const PARAMETERS = { csv: '; charset=utf-8; header=present', jsonl: '' } as const;
/** A client that takes nothing for so long is gone. */
const IDLE_MS = 60_000;

/** Of no type: the schema says text, and a stream of it is sent. */
const RESPONSE: Record<string, unknown> = {
  200: {
    description: 'All entries, oldest first',
    headers: {
      'Parked-Cases': {
        description:
          'Cases that are left out of the read models, and of this, because an event could not be projected',
        schema: { type: 'integer' },
      },
    },
    content: Object.fromEntries(Object.values(MEDIA_TYPES).map((type) => [type, { schema: z.string() }])),
  },
  ...schemas.problems(400),
};

/** GET /export/audit. Not under /audit/, where every name is that of a case. */
export function registerAuditExport(
  app: FastifyInstance,
  deps: Pick<ApiDependencies, 'readModels' | 'store' | 'positions'>,
): void {
  const { readModels, store, positions } = deps;
  app.withTypeProvider<ZodTypeProvider>().get(
    '/export/audit',
    {
      schema: {
        operationId: 'exportAudit',
        summary: 'The audit log as CSV or JSON lines, whole, oldest first',
        description: DESCRIPTION,
        tags: ['audit'],
        querystring: z.strictObject({
          format: z.enum(EXPORT_FORMATS).default('csv'),
          ...auditFilter,
          atLeast: schemas.pageQuery.atLeast,
        }),
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const { format, atLeast } = request.query;
      await awaitPosition(deps, atLeast);
      const upTo = (await store.lastPosition()) ?? 0n;
      await awaitPosition(deps, positions.encode(upTo));
      const chunks = exportAudit(readModels.settled, { ...auditQuery(request.query), format, upTo });
      // What fails before anything was sent is answered with a problem.
      const first = await chunks.next();
      reply
        .type(`${MEDIA_TYPES[format]}${PARAMETERS[format]}`)
        .header('Content-Disposition', `attachment; filename="audit.${format}"`)
        .header('Parked-Cases', await readModels.parkedCases());
      if (request.method === 'HEAD') return reply.send();
      const stream = Readable.from(following(first, chunks), { objectMode: false });
      // An end would look like that of the file, to a client or proxy that speaks HTTP/1.0.
      stream.once('error', () => request.raw.socket.resetAndDestroy());
      reply.raw.setTimeout(IDLE_MS, () => reply.raw.destroy());
      return reply.send(stream);
    },
  );
}

async function* following(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void>,
): AsyncGenerator<string, void> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

const DESCRIPTION = `
Everything that was settled before the request, in the order in which it was settled, with the columns of an AuditEntry. It is read and
sent page by page, only as fast as it is taken.

- CSV is that of RFC 4180, with a header. A field that begins with = + - @, a tab or a line break has an apostrophe in front, so has what
  begins so behind a semicolon, so that a spreadsheet takes it for text and no formula; JSON lines have every text as it is.
- Whatever goes wrong on the way ends in a broken connection: what came whole is whole.
`.trim();
