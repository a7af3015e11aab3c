import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { verificationReport } from '../replay/report.ts';
import type { ApiDependencies } from './dependencies.ts';
import { ProblemError } from './problems.ts';
import * as schemas from './schemas.ts';

/** GET /verification. */
export function registerVerification(app: FastifyInstance, deps: ApiDependencies): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/verification',
    {
      schema: {
        operationId: 'getVerification',
        summary: 'What the last verification of the log has found (`npm run verify`)',
        tags: ['audit'],
        querystring: schemas.streamQuery,
        response: { 200: verificationReport.describe('The last report'), ...schemas.problems(400, 404) },
      },
    },
    async () => {
      const report = await deps.lastVerification();
      if (report) return report;
      throw new ProblemError('never-verified', 'run `npm run verify` against the database of this service');
    },
  );
}
