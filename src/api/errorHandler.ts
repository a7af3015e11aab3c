import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type FieldProblem, PROBLEM_JSON, type Problem, problem, problemOf } from './problems.ts';

const RETRY_AFTER_SECONDS = '1';

/** Turns any error into a problem document; details of our own faults go to the log, never to the client. */
export function handleError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const document = documentOf(error);
  if (document.status >= 500) request.log.error({ err: error }, 'a request failed');
  return sendProblem(reply, document);
}

/** Answers a route that does not exist. */
export const handleNotFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendProblem(reply, problem('route-not-found', `${request.method} is not served at this path; see /docs`));

/** Sends a problem document with its status. */
export function sendProblem(reply: FastifyReply, document: Problem): FastifyReply {
  if (document.status === 503) reply.header('Retry-After', RETRY_AFTER_SECONDS);
  return reply.code(document.status).type(PROBLEM_JSON).serializer(JSON.stringify).send(document);
}

function documentOf(error: FastifyError): Problem {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map((issue) => fieldProblem(issue, error.validationContext ?? 'body'));
    const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ');
    return problem('invalid-input', detail, errors);
  }
  return problemOf(error) ?? frameworkProblem(error);
}

function frameworkProblem(error: FastifyError): Problem {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('body-too-large', 'the body is larger than this service reads', [
        { field: 'body', message: 'is too large' },
      ]);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('unsupported-media-type', undefined, [
        { field: 'Content-Type', message: 'must be application/json' },
      ]);
  }
  const isClients = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return isClients ? problem('invalid-input', 'the request could not be read') : problem('internal-error');
}

type Issue = {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: unknown;
};

function fieldProblem(issue: Issue, context: string): FieldProblem {
  const path = issue.instancePath.split('/').filter((part) => part !== '');
  if (issue.keyword === 'unrecognized_keys') {
    return { field: [...path, unknownKey(issue)].join('.'), message: 'is not a known field; leave it out' };
  }
  const field = path.join('.') || context;
  return { field, message: issue.message ?? 'is not valid' };
}

/** The name of a field that a client made up, as far as it can be one. */
function unknownKey({ params }: Issue): string {
  const key = (params as { keys?: readonly string[] }).keys?.[0] ?? '';
  return /^[\w.-]{1,64}$/.test(key) ? key : '(unreadable name)';
}
