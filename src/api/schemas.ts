import { z } from 'zod';
import { NEXT_STEPS, RETRY_STRATEGIES } from '../domain/decision.ts';
import type { Json } from '../domain/hash.ts';
import { caseIdSchema } from '../domain/identifiers.ts';
import {
  ATTEMPT_RESULTS,
  CASE_STATES,
  DECISION_SOURCES,
  OUTCOMES,
  PRIORITIES,
  RESOLUTION_SOURCES,
  RETRY_REASONS,
  TASK_STATUSES,
  VERDICTS,
} from '../domain/vocabulary.ts';
import { filterText, timeText, wholeNumber } from '../input.ts';
import { PROBLEM_JSON, problemSchema } from './problems.ts';

export const caseId = caseIdSchema.describe('Id of the case');
export const taskId = z
  .string()
  .regex(
    /^[A-Za-z0-9._-]{1,64}~[0-9a-f]{32}$/,
    'must be a task id: a case id, ~ and 32 lower-case hexadecimal digits',
  )
  .describe('Id of the task: {caseId}~{hash}');
export const time = z.iso.datetime().describe('ISO 8601, UTC');
/** A time in a query, as the read models write theirs. */
export const queryTime = timeText.describe('ISO 8601 with its offset');
export const position = z
  .string()
  .describe('Opaque position in the log; give it as ?atLeast= to read your own writes');
export const revision = z.int().describe("Revision in the case's stream, counted from 0");
export const policyHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
  .describe('SHA-256 of a policy, as GET /policy tells it');
export const outcome = z
  .enum(OUTCOMES)
  .nullable()
  .describe('What became of the task, settled once; null until then');
export const taskStatus = z.enum(TASK_STATUSES).describe('Where the task stands now');
export const caseState = z.enum(CASE_STATES);
export const priority = z.enum(PRIORITIES);

/** Why something was changed. @param elsewhere where text goes instead */
export const reasonCode = (elsewhere = ''): z.ZodDefault<z.ZodString> =>
  z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/, `must be a code in UPPER_SNAKE_CASE, at most 64 characters${elsewhere}`)
    .default('UNSPECIFIED');

/** Text that a person wrote: well-formed, without NUL, within a number of UTF-8 bytes. */
export const writtenText = (maxBytes: number): z.ZodType<string> =>
  z
    .string()
    .refine((text) => text.trim() !== '', 'must not be empty')
    .refine(
      (text) => Buffer.byteLength(text, 'utf8') <= maxBytes,
      `must be at most ${maxBytes} bytes in UTF-8`,
    )
    .refine((text) => !text.includes('\0'), 'must not hold NUL characters')
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode, without lone surrogates')
    // For the contract alone: the bytes are what counts.
    .meta({ minLength: 1, maxLength: maxBytes });

/** A text in a query that rows are filtered by. */
export const queryText = filterText;

/** Any JSON value. Not z.json(), whose recursion has no name that the contract could refer to. */
export const json: z.ZodType<Json> = z
  .lazy(() =>
    z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
  )
  .meta({ id: 'Json', description: 'Any JSON value' });

export const decision = z
  .strictObject({
    intent: z.string(),
    nextStep: z.enum(NEXT_STEPS),
    routeTarget: z.string(),
    retryStrategy: z.enum(RETRY_STRATEGIES),
    riskScore: z.number().min(0).max(1),
    confidence: z.number().min(0).max(1),
    reasonCode: z.string(),
  })
  .meta({ id: 'Decision', description: 'The recommendation; it permits nothing' });

export const guardrailResult = z
  .strictObject({
    name: z.string(),
    code: z.string(),
    passed: z.boolean(),
    overridable: z.boolean().describe('Whether a reviewer may override it'),
    values: z.record(z.string(), json).describe('Every value that the rule read'),
    error: z.string().nullable().describe('Why the rule could not be evaluated; it then counts as failed'),
  })
  .meta({ id: 'GuardrailResult' });

export const manual = z
  .strictObject({
    queue: z.string(),
    dueBy: time,
    codes: z.array(z.string()),
    reasons: z.array(
      z.strictObject({
        guardrail: z.string(),
        message: z.string(),
        actual: json,
        required: z.string(),
      }),
    ),
  })
  .meta({ id: 'Manual', description: 'Where the task waits for a person, and why' });

/** On whose word something is permitted. */
const authority = z.enum(['policy', 'reviewer']);
const reviewer = z.string().nullable().describe('The reviewer whose word it is; null for the policy');

export const verdict = z
  .strictObject({
    verdict: z.enum(VERDICTS),
    attempt: z.int(),
    authority,
    reviewer,
    overrides: z.array(z.string()).describe('Guardrails that failed and that the reviewer has overridden'),
    policyVersion: z.string(),
    policyHash: z.string(),
    playbookHash: z.string(),
    evaluator: z.string(),
    guardrails: z.array(guardrailResult),
    shadow: z
      .strictObject({
        verdict: z.enum(VERDICTS),
        policyVersion: z.string(),
        policyHash: z.string(),
        guardrails: z.array(guardrailResult),
      })
      .nullable()
      .describe('What a shadow policy said of the same facts; never acted on. Null where none was loaded'),
  })
  .meta({ id: 'Verdict' });

/** The pause before a task's next attempt. */
export const retry = z
  .strictObject({
    attempt: z.int().describe('The attempt that is to come'),
    dueAt: time,
    reason: z.enum(RETRY_REASONS),
  })
  .meta({ id: 'Retry' });

export const attempt = z
  .strictObject({
    actionId: z.string(),
    attempt: z.int(),
    backend: z.string(),
    intent: z.string(),
    authority,
    reviewer,
    deadlineAt: time,
    result: z
      .enum(ATTEMPT_RESULTS)
      .nullable()
      .describe('As it was recorded first; null while the attempt is open'),
    resolved: z
      .strictObject({
        result: z.enum(ATTEMPT_RESULTS).describe('UNKNOWN where a lookup could not tell either'),
        errorType: z.string().nullable(),
        source: z.enum(RESOLUTION_SOURCES),
        reviewer: z.string().nullable().describe('Who says so, with source REVIEWER'),
        reasonCode: z.string().nullable(),
      })
      .nullable()
      .describe('What became known later of an attempt whose result was UNKNOWN'),
    errorType: z.string().nullable(),
    durationMs: z.number().nullable(),
    simulated: z.boolean().nullable(),
  })
  .meta({ id: 'Attempt' });

export const decisionSource = z.enum(DECISION_SOURCES).nullable();

const problemContent = (description: string): unknown => ({
  description,
  content: { [PROBLEM_JSON]: { schema: problemSchema } },
});

const PROBLEM_DESCRIPTIONS = {
  400: 'Bad input; errors names each field',
  401: 'Who sends it is not known, or not believed, where the service asks',
  403: 'The caller may not do this, or the Origin header names a foreign origin',
  404: 'Not found',
  409: 'The state does not allow it',
  412: 'The case has changed since it was read',
  413: 'The body is too large',
  415: 'The body is not JSON',
  421: 'The Host header names a host that this service does not serve',
  422: 'The idempotency key came first with another request',
  428: 'If-Match is missing',
  429: 'Too many requests, where the service counts them; try again after Retry-After',
  503: 'Unavailable for the moment; try again after Retry-After',
  default: 'Any other problem; code tells which',
} as const;

const ANY_ROUTE = [401, 403, 421, 429, 503, 'default'] as const;
type Described = keyof typeof PROBLEM_DESCRIPTIONS;

/** Response declarations for problems, by status: those given, and those of any route. */
export const problems = (
  ...statuses: Exclude<Described, (typeof ANY_ROUTE)[number]>[]
): Record<string, unknown> =>
  Object.fromEntries(
    [...statuses, ...ANY_ROUTE].map((status) => [status, problemContent(PROBLEM_DESCRIPTIONS[status])]),
  );

const positionToken = z.string().max(200).optional();
/** Query of a GET that is answered from a stream; more parameters go beside it. See `refuseForeignPositions`. */
export const streamQuery = z.strictObject({
  atLeast: positionToken.describe(
    'A position of this store; nothing to wait for, since the log itself is read',
  ),
});

const MAX_PAGE = 200;
/** Query parameters of every list. */
export const pageQuery = {
  limit: wholeNumber(1, MAX_PAGE, 50).describe('Most entries in one page'),
  cursor: z.string().max(200).optional().describe('From `next` of the page before'),
  atLeast: positionToken.describe('Wait until the read model holds this position'),
};
export const next = z.string().nullable().describe('Cursor of the next page; null on the last');
