import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import { registerAudit } from './audit.ts';
import { registerCaseChanges } from './caseChanges.ts';
import { registerCaseEvents } from './caseEvents.ts';
import { registerCases } from './cases.ts';
import { registerCaseTask } from './caseTask.ts';
import type { ApiDependencies } from './dependencies.ts';
import { handleError, handleNotFound } from './errorHandler.ts';
import { registerHealth } from './health.ts';
import { registerHostGuard } from './hostGuard.ts';
import { parseJsonBody } from './jsonBody.ts';
import { registerPolicy } from './policy.ts';
import { registerReviews } from './reviews.ts';
import { registerTasks } from './tasks.ts';

/** Large enough that a text which is far too long still gets an answer that names its field. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

export type AppOptions = {
  readonly logger: FastifyBaseLogger;
  readonly newRequestId: () => string;
  readonly allowedHosts: readonly string[];
  readonly version: string;
};

/** The HTTP service, not listening yet. */
export async function buildApp(deps: ApiDependencies, options: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: handleError,
    genReqId: options.newRequestId,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 30_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(handleNotFound);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseJsonBody(body),
  );
  registerHostGuard(app, options.allowedHosts);
  logResponses(app);
  await registerDocs(app, options.version);
  for (const register of ROUTES) register(app, deps);
  return app;
}

const ROUTES = [
  registerCaseTask,
  registerTasks,
  registerReviews,
  registerCases,
  registerCaseChanges,
  registerCaseEvents,
  registerAudit,
  registerPolicy,
  registerHealth,
];

/** One line a request: what, how it went, how long; never what was in it. */
function logResponses(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    reply.header('X-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff');
  });
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
      },
      'request answered',
    );
  });
}

async function registerDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Case orchestrator',
        version,
        description:
          'A model recommends, versioned guardrails decide, people take over, and every fact is an event.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'tasks', description: 'Requests to do something about a case' },
        { name: 'reviews', description: 'The manual queue' },
        { name: 'cases', description: 'Cases and their histories' },
        { name: 'audit', description: 'What became of each task' },
        { name: 'policy', description: 'What may be executed without a person' },
        { name: 'operations', description: 'Health and metrics' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list' } });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
