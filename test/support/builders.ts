import { readFileSync } from 'node:fs';
import { type Case, emptyCase, evolve } from '../../src/domain/case.ts';
import type { Decision } from '../../src/domain/decision.ts';
import type {
  ActionExecuted,
  ActionOutcomeResolved,
  ActionStarted,
  CaseErased,
  CaseEvent,
  CaseOpened,
  CaseStateChanged,
  CommandKey,
  DecisionRecommended,
  GuardrailEvaluated,
  RetryScheduled,
  RoutedToManual,
  TaskReceived,
} from '../../src/domain/events.ts';
import type { Facts } from '../../src/domain/facts.ts';
import { EVALUATOR_VERSION, evaluateGuardrails, limitsFor } from '../../src/domain/guardrails.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import type { Place } from '../../src/domain/task.ts';
import type { BackendFacts, JudgeContext } from '../../src/domain/verdicts.ts';

/** A file under config/, as text. */
export const configText = (file: string): string =>
  readFileSync(new URL(`../../config/${file}`, import.meta.url), 'utf8');

export const playbook = parsePlaybook(configText('playbook.yaml'), 'config/playbook.yaml');
export const policy = parsePolicy(configText('policy.yaml'), 'config/policy.yaml', playbook);

export const CASE = 'C1001';
export const AT = '2026-01-01T00:00:00.000Z';
/** AT, so many milliseconds later. */
export const later = (milliseconds: number): string => new Date(Date.parse(AT) + milliseconds).toISOString();
/** A UUIDv7 that only its number tells apart. */
export const uuid = (n: number): string => `019b0000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
/** The id of the n-th task of CASE. */
export const taskId = (n = 1): string => `${CASE}~${n.toString(16).padStart(32, '0')}`;

export const calm = { negated: false, uncertain: false, severalRequests: false, instructsSystem: false };

/** A recommendation that the default policy executes. */
export const decision = (changes: Partial<Decision> = {}): Decision => ({
  intent: 'RETRY_EXTERNAL_CALL',
  nextStep: 'AUTOMATED_EXECUTION',
  routeTarget: 'PARTNER_API',
  retryStrategy: 'NONE',
  riskScore: 0.1,
  confidence: 0.95,
  reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
  ...changes,
});

type FactChanges = { readonly [Group in keyof Facts]?: Partial<Facts[Group]> };

/** Facts that pass every rule of the default policy, with changes. */
export const facts = (changes: FactChanges = {}): Facts => ({
  decision: { ...decision(), source: 'model', ...changes.decision },
  case: { state: 'OPEN', priority: 'MEDIUM', retryCount: 1, lastErrorType: 'TIMEOUT', ...changes.case },
  task: { channel: 'SYSTEM', userRole: 'OPS', attempt: 1, ...changes.task },
  signals: { ...calm, ...changes.signals },
  automation: { paused: false, ...changes.automation },
  limits: { ...limitsFor(policy, playbook, 'RETRY_EXTERNAL_CALL'), ...changes.limits } as Facts['limits'],
});

export const opened = (changes: Partial<CaseOpened['data']> = {}): CaseOpened => ({
  type: 'CaseOpened',
  data: {
    priority: 'MEDIUM',
    lastErrorType: 'TIMEOUT',
    retryCount: 1,
    attributes: {},
    personalAttributes: {},
    contentHash: 'content',
    ...changes,
  },
});

export const stateChanged = (
  to: CaseStateChanged['data']['to'],
  changes: Partial<CaseStateChanged['data']> = {},
): CaseStateChanged => ({
  type: 'CaseStateChanged',
  data: { from: 'OPEN', to, reason: 'asked for', command: null, ...changes },
});

export const received = (n = 1, changes: Partial<TaskReceived['data']> = {}): TaskReceived => ({
  type: 'TaskReceived',
  data: {
    taskId: taskId(n),
    description: { sealed: `text ${n}` },
    channel: 'SYSTEM',
    userRole: 'OPS',
    idempotencyKeyHash: `key ${n}`,
    requestHash: `request ${n}`,
    ...changes,
  },
});

export const recommended = (
  n = 1,
  changes: Partial<Decision> = {},
  source: DecisionRecommended['data']['source'] = 'model',
): DecisionRecommended => ({
  type: 'DecisionRecommended',
  data: {
    taskId: taskId(n),
    decision: decision(changes),
    source,
    fallbackCause: source === 'fallback' ? 'HTTP 500' : null,
    provider: 'scripted',
    model: 'scripted-1',
    promptHash: null,
    playbookHash: playbook.hash,
    usage: null,
    durationMs: 12,
    rawText: null,
  },
});

/** The verdict of the default policy over the given facts. */
export const evaluated = (n = 1, over: Facts = facts()): GuardrailEvaluated => ({
  type: 'GuardrailEvaluated',
  data: {
    taskId: taskId(n),
    ...evaluateGuardrails(policy, over),
    policyVersion: policy.version,
    policyHash: policy.hash,
    playbookHash: playbook.hash,
    evaluator: EVALUATOR_VERSION,
    attempt: over.task.attempt,
    authority: { kind: 'policy' },
    facts: over,
    shadow: null,
  },
});

/** A verdict that permits the n-th task's attempt. */
export const permitted = (n = 1, attempt = 1): GuardrailEvaluated =>
  evaluated(n, facts({ task: { attempt } }));

/** How long an attempt may take in `context()`. */
export const ATTEMPT_MS = 6_000;

export const started = (n = 1, attempt = 1, changes: Partial<ActionStarted['data']> = {}): ActionStarted => ({
  type: 'ActionStarted',
  data: {
    taskId: taskId(n),
    actionId: uuid(n),
    attempt,
    backend: 'PARTNER_API',
    intent: 'RETRY_EXTERNAL_CALL',
    idempotencyKey: uuid(n),
    deadlineAt: later(ATTEMPT_MS),
    simulated: false,
    idempotent: true,
    lookup: false,
    authority: { kind: 'policy' },
    ...changes,
  },
});

export const executed = (
  result: ActionExecuted['data']['result'],
  n = 1,
  attempt = 1,
  changes: Partial<ActionExecuted['data']> = {},
): ActionExecuted => ({
  type: 'ActionExecuted',
  data: {
    taskId: taskId(n),
    actionId: uuid(n),
    attempt,
    result,
    errorType: result === 'SUCCEEDED' ? null : 'HTTP_503',
    responseDigest: null,
    durationMs: 30,
    simulated: false,
    ...changes,
  },
});

export const resolved = (
  result: ActionOutcomeResolved['data']['result'],
  n = 1,
  attempt = 1,
  changes: Partial<ActionOutcomeResolved['data']> = {},
): ActionOutcomeResolved => ({
  type: 'ActionOutcomeResolved',
  data: {
    taskId: taskId(n),
    actionId: uuid(n),
    attempt,
    result,
    errorType: result === 'SUCCEEDED' ? null : 'HTTP_422',
    responseDigest: null,
    source: 'LATE_ANSWER',
    review: null,
    ...changes,
  },
});

export const retryScheduled = (
  n = 1,
  attempt = 2,
  changes: Partial<RetryScheduled['data']> = {},
): RetryScheduled => ({
  type: 'RetryScheduled',
  data: { taskId: taskId(n), attempt, dueAt: later(2_000), reason: 'ATTEMPT_FAILED', ...changes },
});

/** Routed to the queue and deadline that the default policy names for the codes, at AT. */
export const routed = (
  n: number,
  codes: readonly string[],
  queue = 'operations',
  dueMinutes = 480,
): RoutedToManual => ({
  type: 'RoutedToManual',
  data: { taskId: taskId(n), codes, queue, dueBy: later(dueMinutes * 60_000) },
});

export const cancelled = (n = 1, reason = 'CASE_CLOSED'): CaseEvent => ({
  type: 'TaskCancelled',
  data: { taskId: taskId(n), reason },
});

export const erased = (command: CommandKey | null = null): CaseErased => ({
  type: 'CaseErased',
  data: { reason: 'SUBJECT_REQUEST', command },
});

/** A backend that is idempotent, without a lookup, and up. */
export const backendFacts = (changes: Partial<BackendFacts> = {}): BackendFacts => ({
  attemptMs: ATTEMPT_MS,
  simulated: false,
  idempotent: true,
  lookup: false,
  available: () => true,
  ...changes,
});

/** What verdicts are computed from: the default policy and playbook, at AT. */
export const context = (changes: Partial<JudgeContext> = {}): JudgeContext => ({
  policy,
  shadow: null,
  playbook,
  signals: calm,
  paused: () => false,
  now: AT,
  wallNow: changes.now ?? AT,
  newActionId: uuid(1),
  backend: () => backendFacts(),
  mayStart: true,
  ...changes,
});

/** Where the n-th event of a stream stands, n from 0. */
export const place = (n: number): Place => ({
  id: uuid(1_000 + n),
  revision: n,
  position: BigInt(n),
  recordedAt: AT,
  actorId: 'test',
});

/** The case after these events. */
export const caseAfter = (events: readonly CaseEvent[], start = emptyCase(CASE)): Case =>
  events.reduce((current, event) => evolve(current, event, place(current.revision + 1)), start);
