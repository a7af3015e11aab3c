import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RegisteredSource } from '../commands/sources.ts';
import type { ApiDependencies } from './dependencies.ts';
import { fieldError } from './problems.ts';
import * as schemas from './schemas.ts';

const policyView = z
  .strictObject({
    hash: z.string().describe('SHA-256 of the source text'),
    name: z.string(),
    version: z.string(),
    registeredAt: schemas.time.describe('When it entered the log, before its first use'),
    source: z.string().describe('The YAML text, byte for byte'),
  })
  .meta({ id: 'Policy' });

/** GET /policy and /policy/{hash}. */
export function registerPolicy(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/policy',
    {
      schema: {
        operationId: 'getPolicyInForce',
        summary: 'The policy in force',
        tags: ['policy'],
        querystring: schemas.streamQuery,
        response: { 200: policyView.describe('The policy'), ...schemas.problems(400, 404) },
      },
    },
    () => findPolicy(deps, deps.policy.hash),
  );

  routes.get(
    '/policy/:hash',
    {
      schema: {
        operationId: 'getPolicy',
        summary: 'Any policy that ever was in force, by its hash',
        tags: ['policy'],
        params: z.strictObject({
          hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
        }),
        querystring: schemas.streamQuery,
        response: { 200: policyView.describe('The policy'), ...schemas.problems(400, 404) },
      },
    },
    ({ params }) => findPolicy(deps, params.hash),
  );
}

async function findPolicy(deps: ApiDependencies, hash: string): Promise<RegisteredSource> {
  const policy = await deps.sources.policy(hash);
  if (policy) return policy;
  throw fieldError('policy-not-found', 'hash', 'names no policy that was ever in force');
}
