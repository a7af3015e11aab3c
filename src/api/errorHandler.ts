import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { fieldError, PROBLEM_JSON, type Problem, problem, problemOf } from './problems.ts';
import { setResponseHeaders } from './responseHeaders.ts';

const RETRY_AFTER_SECONDS = '1';

/** Turns any error into a problem document; details of our own faults go to the log, never to the client. */
export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const document = problemOf(error) ?? frameworkProblem(error);
  if (document.status === 500) request.log.error({ err: error }, 'a request failed');
  if (document.status === 503) {
    request.log.warn({ code: document.code, reason: error.message }, 'a request was turned away');
    reply.header('Retry-After', RETRY_AFTER_SECONDS);
  }
  return setResponseHeaders(request, reply)
    .code(document.status)
    .type(PROBLEM_JSON)
    .serializer(JSON.stringify)
    .send(document);
}

/** The framework's own refusals, in the words of this service. */
function frameworkProblem(error: FastifyError): Problem {
  const known = FRAMEWORK_PROBLEMS[error.code];
  if (known) return problemOf(fieldError(...known)) ?? problem('internal-error');
  const isClients = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return problem(isClients ? 'malformed-request' : 'internal-error');
}

const FRAMEWORK_PROBLEMS: Readonly<Record<string, Parameters<typeof fieldError>>> = {
  FST_ERR_BAD_URL: ['invalid-input', 'path', 'is not validly percent-encoded'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid-input', 'path', 'is too long'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'body', 'is larger than this service reads'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid-input', 'Content-Length', "is not the body's length"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Content-Type', 'must be application/json'],
};
