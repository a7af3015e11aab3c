import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { SealAlarmError } from '../seals/alarm.ts';
import type { ApiDependencies } from './dependencies.ts';
import { fieldError, ProblemError } from './problems.ts';
import * as schemas from './schemas.ts';

/** What the page may do where a browser opens it from here: be looked at. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/** GET /cases/{caseId}/evidence. */
export function registerEvidence(app: FastifyInstance, deps: ApiDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/cases/:caseId/evidence',
    {
      schema: {
        operationId: 'getEvidence',
        summary: 'One file that proves what happened to a case',
        description:
          'A page for people that holds, for programs, the events, their chain, the policies and playbooks, and the proof that all of it is in signed ' +
          'seals. `npm run verify-evidence` checks it from the public key alone. What is not sealed yet is sealed now.',
        tags: ['audit'],
        params: z.strictObject({ caseId: schemas.caseId }),
        querystring: schemas.streamQuery.extend({
          personal: z
            .enum(['clear', 'withheld'])
            .default('withheld')
            .describe('Whether personal text is in the file in clear'),
        }),
        response: {
          200: {
            description: 'The file, to be kept byte for byte',
            content: { 'text/html': { schema: z.string() } },
          },
          ...schemas.problems(400, 404, 409),
        },
      },
    },
    async ({ params: { caseId }, query: { personal } }, reply) => {
      if (!deps.evidence)
        throw new ProblemError('nothing-is-sealed', 'set SIGNING_KEY: evidence rests on signed seals');
      const file = await deps.evidence(caseId, personal).catch(asProblem);
      if (file === null) throw fieldError('case-not-found', 'caseId', 'names no case');
      return reply
        .type('text/html; charset=utf-8')
        .header('Content-Disposition', `attachment; filename="evidence-${caseId}.html"`)
        .header('Content-Security-Policy', CONTENT_SECURITY_POLICY)
        .serializer(String)
        .send(file);
    },
  );
}

function asProblem(error: unknown): never {
  if (error instanceof SealAlarmError) throw new ProblemError('log-not-as-sealed', error.message);
  throw error;
}
