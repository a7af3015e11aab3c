import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RegisteredSource } from '../commands/sources.ts';
import type { ApiDependencies } from './dependencies.ts';
import { awaitPosition } from './pages.ts';
import { fieldError, ProblemError } from './problems.ts';
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

const policyInForce = policyView
  .extend({
    shadow: policyView
      .nullable()
      .describe('The candidate that is evaluated beside it and never acted on; null without one'),
  })
  .meta({ id: 'PolicyInForce' });

const taskCount = z.int().min(0);
const shadowReport = z
  .strictObject({
    policy: policyView,
    tasks: z
      .strictObject({
        judged: taskCount.describe('Tasks that it was evaluated on since it entered the log'),
        same: taskCount.describe('Those on which it has said the same every time'),
        wouldExecute: taskCount.describe('Those that it would have executed where they went to a person'),
        wouldRoute: taskCount.describe('Those that it would have sent to a person where they were executed'),
        wouldRefuse: taskCount.describe('Those on which it would have refused what a reviewer approved'),
      })
      .describe(
        'Each task is counted once, under the most dangerous difference; GET /tasks?shadowDifference= lists them',
      ),
  })
  .meta({ id: 'ShadowReport' });

/** GET /policy, /policy/shadow and /policy/{hash}. */
export function registerPolicy(app: FastifyInstance, deps: ApiDependencies): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/policy',
    {
      schema: {
        operationId: 'getPolicyInForce',
        summary: 'The policy in force, and the shadow policy beside it',
        tags: ['policy'],
        querystring: schemas.streamQuery,
        response: { 200: policyInForce.describe('The policy'), ...schemas.problems(400, 404) },
      },
    },
    async () => ({
      ...(await findPolicy(deps, deps.policy.hash)),
      shadow: deps.shadow && (await findPolicy(deps, deps.shadow.hash)),
    }),
  );

  routes.get(
    '/policy/shadow',
    {
      schema: {
        operationId: 'getShadowPolicy',
        summary: 'How the shadow policy differs from what was decided, in numbers',
        tags: ['policy'],
        querystring: z.strictObject({ atLeast: schemas.pageQuery.atLeast }),
        response: { 200: shadowReport.describe('The numbers'), ...schemas.problems(400, 404) },
      },
    },
    async ({ query }) => {
      if (!deps.shadow) throw new ProblemError('no-shadow-policy', 'set SHADOW_POLICY and start again');
      await awaitPosition(deps, query.atLeast);
      const { hash } = deps.shadow;
      return { policy: await findPolicy(deps, hash), tasks: await countTasks(deps, hash) };
    },
  );

  routes.get(
    '/policy/:hash',
    {
      schema: {
        operationId: 'getPolicy',
        summary: 'Any policy that ever was in force or a shadow, by its hash',
        tags: ['policy'],
        params: z.strictObject({ hash: schemas.policyHash }),
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
  throw fieldError('policy-not-found', 'hash', 'names no policy that was ever in force or a shadow');
}

async function countTasks(
  { readModels }: ApiDependencies,
  hash: string,
): Promise<z.infer<typeof shadowReport>['tasks']> {
  const counts = await readModels.shadowDifferences(hash);
  const { NONE = 0, WOULD_EXECUTE = 0, WOULD_ROUTE = 0, WOULD_REFUSE = 0 } = counts;
  return {
    judged: NONE + WOULD_EXECUTE + WOULD_ROUTE + WOULD_REFUSE,
    same: NONE,
    wouldExecute: WOULD_EXECUTE,
    wouldRoute: WOULD_ROUTE,
    wouldRefuse: WOULD_REFUSE,
  };
}
