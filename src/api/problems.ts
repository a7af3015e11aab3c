import { z } from 'zod';
import { AuthenticationUnavailableError } from '../auth/errors.ts';
import { type RefusalCode, RefusedError } from '../domain/refusal.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import { classifyPostgresError } from '../postgres/errors.ts';

/** One input that is wrong, and how to mend it. */
const fieldProblem = z.strictObject({
  field: z.string().describe('Name of the field, header or parameter; body, query or path for all of it'),
  message: z.string().describe('What is wrong with it, and how to mend it'),
});

/** Problem details (RFC 9457). */
export const problemSchema = z
  .strictObject({
    type: z.string().describe('Stable identifier of the kind of problem'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable code of the kind of problem'),
    detail: z.string().optional(),
    errors: z.array(fieldProblem).optional().describe('For bad input: each field and what is wrong with it'),
    claim: z
      .strictObject({ reviewer: z.string(), leaseUntil: z.iso.datetime() })
      .optional()
      .describe('For REVIEW_CLAIMED: who has the review, and until when'),
    changed: z
      .array(z.string())
      .optional()
      .describe('For REVIEW_STALE: the parts of what was reviewed that have changed'),
    guardrails: z
      .array(z.strictObject({ name: z.string(), code: z.string(), overridable: z.boolean() }))
      .optional()
      .describe('For GUARDRAILS_REFUSE: those that stand against it'),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457)' });

export type Problem = z.infer<typeof problemSchema>;
export type FieldProblem = z.infer<typeof fieldProblem>;

/** Media type of problem details. */
export const PROBLEM_JSON = 'application/problem+json';

const KINDS = {
  'invalid-input': [400, 'The request holds bad input'],
  'malformed-request': [400, 'The request is not HTTP as this service speaks it'],
  'authentication-required': [401, 'The request must say who sends it'],
  'credentials-refused': [401, 'The key or token is refused'],
  'not-permitted': [403, 'The caller may not do this'],
  'role-not-held': [403, 'The caller does not have that role'],
  'reviewer-not-allowed': [403, 'This reviewer may not decide that'],
  'foreign-origin': [403, 'Requests from that origin are refused'],
  'case-not-found': [404, 'There is no such case'],
  'task-not-found': [404, 'There is no such task'],
  'review-not-found': [404, 'There is no such review'],
  'policy-not-found': [404, 'There is no such policy'],
  'no-shadow-policy': [404, 'No shadow policy is loaded'],
  'never-verified': [404, 'The log was never verified'],
  'route-not-found': [404, 'There is no such route'],
  'method-not-allowed': [405, 'The route does not serve this method'],
  'request-timeout': [408, 'The request did not arrive in time'],
  'case-exists': [409, 'The case exists already, with other content'],
  'nothing-is-sealed': [409, 'Nothing is sealed here'],
  'log-not-as-sealed': [409, 'The log is not what was sealed'],
  'case-key-destroyed': [409, 'The key of the case is gone'],
  'state-not-allowed': [409, "The case's state does not allow this"],
  'review-not-open': [409, 'The review is over, or its task is acting'],
  'review-claimed': [409, 'Another reviewer has claimed the review'],
  'review-not-claimed': [409, 'The review must be claimed first'],
  'review-stale': [409, 'What was reviewed has changed'],
  'guardrails-refuse': [409, 'Guardrails refuse it'],
  'outcome-unknown': [409, 'An earlier attempt may have done it already'],
  'action-open': [409, 'Another action of the case is open'],
  'revision-stale': [412, 'The case has changed since you read it'],
  'body-too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The body must be application/json'],
  'foreign-host': [421, 'This service is not addressed by that name'],
  'idempotency-key-reused': [422, 'The idempotency key came first with another request'],
  'precondition-required': [428, 'The request must say which revision it was made for'],
  'too-many-requests': [429, 'Too many requests'],
  'headers-too-large': [431, "The request's headers are too large"],
  'internal-error': [500, 'Something went wrong here'],
  overloaded: [503, 'Too much is in flight'],
  'authentication-unavailable': [503, 'Callers cannot be authenticated at the moment'],
  'store-unavailable': [503, 'The event store cannot be reached'],
  'read-model-behind': [503, 'The read models have not got there yet'],
  'not-ready': [503, 'The service is not ready'],
  'backend-unavailable': [503, 'Nothing can be sent to the backend at the moment'],
  'shutting-down': [503, 'The service is shutting down'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemKind = keyof typeof KINDS;

/** An answer that is a problem; thrown by routes. */
export class ProblemError extends Error {
  readonly kind: ProblemKind;
  readonly errors: readonly FieldProblem[];
  constructor(kind: ProblemKind, detail: string, errors: readonly FieldProblem[] = []) {
    super(detail);
    this.name = 'ProblemError';
    this.kind = kind;
    this.errors = errors;
  }
}

/** The problem of one field (body, query or path for all of it): `field message` is a sentence that tells how to mend it. */
export const fieldError = (kind: ProblemKind, field: string, message: string): ProblemError =>
  fieldsError(kind, [{ field, message }]);

/** The problem of several fields. */
export const fieldsError = (kind: ProblemKind, errors: readonly FieldProblem[]): ProblemError =>
  new ProblemError(kind, sentence(errors), errors);

const sentence = (errors: readonly FieldProblem[]): string =>
  errors.map(({ field, message }) => `${field} ${message}`).join('; ');

/** Makes the document of a kind of problem. */
export function problem(kind: ProblemKind, detail?: string, errors: readonly FieldProblem[] = []): Problem {
  const [status, title] = KINDS[kind];
  return {
    type: `urn:case-orchestrator:problem:${kind}`,
    title,
    status,
    code: kind.toUpperCase().replaceAll('-', '_'),
    ...(detail === undefined ? {} : { detail }),
    ...(errors.length === 0 ? {} : { errors: [...errors] }),
  };
}

const REFUSALS: Readonly<Record<RefusalCode, ProblemKind>> = {
  ROLE_NOT_HELD: 'role-not-held',
  CASE_NOT_FOUND: 'case-not-found',
  INVALID_INPUT: 'invalid-input',
  IDEMPOTENCY_KEY_REUSED: 'idempotency-key-reused',
  CASE_EXISTS: 'case-exists',
  CASE_KEY_DESTROYED: 'case-key-destroyed',
  REVISION_STALE: 'revision-stale',
  STATE_NOT_ALLOWED: 'state-not-allowed',
  REVIEW_NOT_FOUND: 'review-not-found',
  REVIEW_NOT_OPEN: 'review-not-open',
  REVIEW_CLAIMED: 'review-claimed',
  REVIEW_NOT_CLAIMED: 'review-not-claimed',
  REVIEW_STALE: 'review-stale',
  REVIEWER_NOT_ALLOWED: 'reviewer-not-allowed',
  GUARDRAILS_REFUSE: 'guardrails-refuse',
  OUTCOME_UNKNOWN: 'outcome-unknown',
  ACTION_OPEN: 'action-open',
  BACKEND_UNAVAILABLE: 'backend-unavailable',
};

function detailsOf({ details: { claim, changed, guardrails } }: RefusedError): Partial<Problem> {
  return {
    ...(claim && { claim: { ...claim } }),
    ...(changed && { changed: [...changed] }),
    ...(guardrails && { guardrails: guardrails.map((each) => ({ ...each })) }),
  };
}

/** The problem that an error of this project means to a client; null for an error that is nobody's fault but ours. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof ProblemError) return problem(error.kind, error.message, error.errors);
  if (error instanceof RefusedError) {
    const errors = error.field === null ? [] : [{ field: error.field, message: error.message }];
    const detail = error.code === 'INVALID_INPUT' ? sentence(errors) : error.message;
    return { ...problem(REFUSALS[error.code], detail, errors), ...detailsOf(error) };
  }
  if (error instanceof AuthenticationUnavailableError) {
    return problem('authentication-unavailable', 'send the same request again: nothing was done');
  }
  if (error instanceof StoreUnavailableError || classifyPostgresError(error) === 'unavailable') {
    return problem('store-unavailable', 'send the same request again: what was recorded already is answered');
  }
  return null;
}
