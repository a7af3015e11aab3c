import { z } from 'zod';
import { NEXT_STEPS, RETRY_STRATEGIES } from '../domain/decision.ts';
import { SEAL_FORMAT } from '../domain/seal.ts';
import {
  ATTEMPT_RESULTS,
  CASE_STATES,
  DECISION_SOURCES,
  JUDGED_SOURCES,
  PAUSE_SCOPES,
  PRIORITIES,
  RESOLUTION_SOURCES,
  RETRY_REASONS,
  REVIEW_RESOLUTIONS,
  VERDICTS,
} from '../domain/vocabulary.ts';

/**
 * What is stored for each event type, apart from the domain's own types: executed on every read and every write. A field
 * that changes gets a new version and an upcaster (codec.ts), never an edit here.
 */
const sealed = z.strictObject({ sealed: z.string() });
const commandKey = z.strictObject({ keyHash: z.string(), requestHash: z.string() }).nullable();
const taskId = z.string();
const time = z.iso.datetime();
const unitInterval = z.number().min(0).max(1);
const count = z.int().min(0);

const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** What a seal says; its signature is over exactly this. */
export const sealStatement = z.strictObject({
  format: z.literal(SEAL_FORMAT),
  logId: z.string(),
  number: count,
  start: count,
  count: z.int().min(1),
  root: hash,
  last: z.strictObject({ stream: z.string(), revision: count, hash }),
  previous: hash.nullable(),
  sealedAt: time,
  keyId: hash,
});

const decision = z.strictObject({
  intent: z.string(),
  nextStep: z.enum(NEXT_STEPS),
  routeTarget: z.string(),
  retryStrategy: z.enum(RETRY_STRATEGIES),
  riskScore: unitInterval,
  confidence: unitInterval,
  reasonCode: z.string(),
});

const limits = z
  .object({
    maxAttempts: count,
    automatable: z.boolean(),
    roles: z.array(z.string()),
    routes: z.array(z.string()),
  })
  .catchall(z.union([z.number(), z.boolean(), z.array(z.string())]));

const facts = z.strictObject({
  decision: decision.extend({ source: z.enum(JUDGED_SOURCES) }),
  case: z.strictObject({
    state: z.enum(CASE_STATES),
    priority: z.enum(PRIORITIES),
    retryCount: count,
    lastErrorType: z.string(),
  }),
  task: z.strictObject({ channel: z.string(), userRole: z.string(), attempt: count }),
  signals: z.strictObject({
    negated: z.boolean(),
    uncertain: z.boolean(),
    severalRequests: z.boolean(),
    instructsSystem: z.boolean(),
  }),
  automation: z.strictObject({ paused: z.boolean() }),
  limits,
});

const guardrailResult = z.strictObject({
  name: z.string(),
  code: z.string(),
  passed: z.boolean(),
  overridable: z.boolean(),
  values: z.record(z.string(), z.json()),
  error: z.string().nullable(),
});

const policyAuthority = z.strictObject({ kind: z.literal('policy') });
const reviewer = z.string();
const note = sealed.nullable();

const automationChanged = z.strictObject({
  scope: z.enum(PAUSE_SCOPES),
  name: z.string().nullable(),
  reason: z.string(),
  command: commandKey,
});

const sourceRegistered = z.strictObject({
  name: z.string(),
  version: z.string(),
  hash: z.string(),
  source: z.string(),
});

export const storedSchemas = {
  LogCreated: z.strictObject({ logId: z.uuid() }),
  PolicyRegistered: sourceRegistered,
  PlaybookRegistered: sourceRegistered,
  AutomationPaused: automationChanged,
  AutomationResumed: automationChanged,
  CaseOpened: z.strictObject({
    priority: z.enum(PRIORITIES),
    lastErrorType: z.string().nullable(),
    retryCount: count,
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    personalAttributes: z.record(z.string(), sealed),
    contentHash: z.string(),
  }),
  CaseStateChanged: z.strictObject({
    from: z.enum(CASE_STATES),
    to: z.enum(CASE_STATES),
    reason: z.string(),
    command: commandKey,
  }),
  CaseNoteAdded: z.strictObject({ text: sealed, command: commandKey }),
  CaseErased: z.strictObject({ reason: z.string(), command: commandKey }),
  TaskReceived: z.strictObject({
    taskId,
    description: sealed,
    channel: z.string(),
    userRole: z.string(),
    idempotencyKeyHash: z.string(),
    requestHash: z.string(),
  }),
  DecisionRecommended: z.strictObject({
    taskId,
    decision,
    source: z.enum(DECISION_SOURCES),
    fallbackCause: z.string().nullable(),
    provider: z.string(),
    model: z.string().nullable(),
    promptHash: z.string().nullable(),
    playbookHash: z.string(),
    usage: z.strictObject({ inputTokens: count, outputTokens: count }).nullable(),
    durationMs: z.number().min(0),
    rawText: sealed.nullable(),
  }),
  GuardrailEvaluated: z.strictObject({
    taskId,
    verdict: z.enum(VERDICTS),
    policyVersion: z.string(),
    policyHash: z.string(),
    playbookHash: z.string(),
    evaluator: z.string(),
    attempt: z.int().min(1),
    authority: z.discriminatedUnion('kind', [
      policyAuthority,
      z.strictObject({ kind: z.literal('reviewer'), reviewer, overrides: z.array(z.string()) }),
    ]),
    facts,
    guardrails: z.array(guardrailResult),
    shadow: z
      .strictObject({
        policyVersion: z.string(),
        policyHash: z.string(),
        verdict: z.enum(VERDICTS),
        guardrails: z.array(guardrailResult),
        limits,
      })
      .nullable(),
  }),
  ActionStarted: z.strictObject({
    taskId,
    actionId: z.uuid(),
    attempt: z.int().min(1),
    backend: z.string(),
    intent: z.string(),
    idempotencyKey: z.string(),
    deadlineAt: time,
    simulated: z.boolean(),
    idempotent: z.boolean(),
    lookup: z.boolean(),
    authority: z.discriminatedUnion('kind', [
      policyAuthority,
      z.strictObject({ kind: z.literal('reviewer'), reviewer }),
    ]),
  }),
  ActionExecuted: z.strictObject({
    taskId,
    actionId: z.uuid(),
    attempt: z.int().min(1),
    result: z.enum(ATTEMPT_RESULTS),
    errorType: z.string().nullable(),
    responseDigest: z.string().nullable(),
    durationMs: z.number().min(0).nullable(),
    simulated: z.boolean(),
  }),
  ActionOutcomeResolved: z.strictObject({
    taskId,
    actionId: z.uuid(),
    attempt: z.int().min(1),
    result: z.enum(ATTEMPT_RESULTS),
    errorType: z.string().nullable(),
    responseDigest: z.string().nullable(),
    source: z.enum(RESOLUTION_SOURCES),
    review: z
      .strictObject({ reviewer, reasonCode: z.string(), note, reviewedHash: z.string(), command: commandKey })
      .nullable(),
  }),
  RetryScheduled: z.strictObject({
    taskId,
    attempt: z.int().min(1),
    dueAt: time,
    reason: z.enum(RETRY_REASONS),
  }),
  RoutedToManual: z.strictObject({
    taskId,
    codes: z.array(z.string()),
    queue: z.string(),
    dueBy: time,
  }),
  ReviewClaimed: z.strictObject({
    taskId,
    reviewer,
    leaseUntil: time,
    takenFrom: reviewer.nullable(),
    command: commandKey,
  }),
  ReviewReleased: z.strictObject({ taskId, reviewer, command: commandKey }),
  ReviewDecided: z.strictObject({
    taskId,
    reviewer,
    resolution: z.enum(REVIEW_RESOLUTIONS),
    reasonCode: z.string(),
    note,
    reviewedHash: z.string(),
    reviewedRevision: count,
    action: z.strictObject({ intent: z.string(), routeTarget: z.string() }).nullable(),
    overrides: z.array(z.string()),
    awaitsSecond: z.boolean(),
    command: commandKey,
  }),
  ReviewOverdue: z.strictObject({
    taskId,
    queue: z.string(),
    dueBy: time,
    escalatedTo: z.strictObject({ queue: z.string(), dueBy: time }).nullable(),
  }),
  TaskCancelled: z.strictObject({ taskId, reason: z.string() }),
  LogSealed: z.strictObject({ statement: sealStatement, signature: z.string() }),
};

export const metadataSchema = z.strictObject({
  actor: z.strictObject({
    kind: z.enum(['anonymous', 'system', 'person', 'service']),
    id: z.string(),
    roles: z.array(z.string()),
    authMethod: z.enum(['none', 'internal', 'oidc', 'api-key']),
  }),
  correlationId: z.string().nullable(),
  causationId: z.string().nullable(),
  recordedAt: time,
  schemaVersion: z.int().min(1),
  traceparent: z.string().nullable(),
  prevHash: z.string().nullable(),
  hash: z.string(),
});
