import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { Authenticate } from '../auth/authenticate.ts';
import { registerAccess } from './access.ts';
import { registerAudit } from './audit.ts';
import { registerAuditExport } from './auditExport.ts';
import { registerAutomation } from './automation.ts';
import { registerCaseChanges } from './caseChanges.ts';
import { registerCaseEvents } from './caseEvents.ts';
import { registerCases } from './cases.ts';
import { registerCaseTask } from './caseTask.ts';
import { handleClientError } from './clientErrors.ts';
import type { ApiDependencies } from './dependencies.ts';
import { registerErasure } from './erasure.ts';
import { handleError } from './errorHandler.ts';
import { registerEvidence } from './evidence.ts';
import { registerHealth } from './health.ts';
import { registerHostGuard } from './hostGuard.ts';
import { parseJsonBody } from './jsonBody.ts';
import { registerLive } from './live.ts';
import { registerNotServed } from './notServed.ts';
import { registerOpenApi } from './openapi.ts';
import { registerPolicy } from './policy.ts';
import { refuseForeignPositions } from './positions.ts';
import { fieldError, ProblemError } from './problems.ts';
import { registerRateLimits } from './rateLimits.ts';
import { setResponseHeaders } from './responseHeaders.ts';
import { registerReviewChanges } from './reviewChanges.ts';
import { registerReviewList } from './reviewList.ts';
import { registerReviews } from './reviews.ts';
import { registerTasks } from './tasks.ts';
import { compileValidator } from './validation.ts';
import { registerVerification } from './verification.ts';

/** Large enough that a text which is far too long still gets an answer that names its field. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** As long as a request line may be, so that the route's own schema says what is wrong with a parameter. */
const MAX_PARAM_LENGTH = 16 * 1024;

export type AppOptions = {
  readonly logger: FastifyBaseLogger;
  readonly newRequestId: () => string;
  readonly allowedHosts: readonly string[];
  readonly version: string;
  /** Says who sends a request; null where nobody is asked. */
  readonly authenticate: Authenticate | null;
  /** Most requests of one caller in a minute; 0 for no limit. */
  readonly requestsPerMinute: number;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
};

/** The HTTP service, not listening yet. */
export async function buildApp(deps: ApiDependencies, options: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: handleError,
    clientErrorHandler: handleClientError,
    genReqId: options.newRequestId,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 30_000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    // These two are refused by hooks below, with a problem document.
    http: { requireHostHeader: false },
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    trustProxy: options.trustedProxies.length > 0 && [...options.trustedProxies],
  });
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  readJsonAlone(app);
  logAndStampAnswers(app);
  registerHostGuard(app, options.allowedHosts);
  const { authenticate, requestsPerMinute } = options;
  const limitCaller = await registerRateLimits(app, requestsPerMinute, authenticate !== null);
  refuseWhileClosing(app);
  registerNotServed(app);
  registerAccess(app, authenticate, limitCaller);
  await registerOpenApi(app, options.version, authenticate !== null);
  refuseForeignPositions(app, deps.positions);
  for (const register of ROUTES) register(app, deps);
  return app;
}

const ROUTES = [
  registerCaseTask,
  registerTasks,
  registerReviewList,
  registerReviews,
  registerReviewChanges,
  registerCases,
  registerCaseChanges,
  registerErasure,
  registerEvidence,
  registerCaseEvents,
  registerAudit,
  registerAuditExport,
  registerPolicy,
  registerVerification,
  registerAutomation,
  registerLive,
  registerHealth,
];

function readJsonAlone(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.headers['content-encoding'] !== undefined) {
        throw fieldError(
          'unsupported-media-type',
          'Content-Encoding',
          'must be left out; send the body as it is',
        );
      }
      return parseJsonBody(body, request.routeOptions.schema?.body);
    },
  );
}

/** One line a request: what, how it went, how long; never what was in it. */
function logAndStampAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    setResponseHeaders(request, reply);
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

/** What is in flight finishes; what still comes on open connections is sent elsewhere. */
function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async () => {
    if (closing) throw new ProblemError('shutting-down', 'send the request to another process, or later');
  });
}
