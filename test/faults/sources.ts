import type { Decision } from '../../src/domain/decision.ts';

/** How long things may take in a run, in milliseconds unless the name says otherwise. */
export type Pace = {
  readonly backendTimeout: number;
  readonly modelTimeout: number;
  readonly firstPauseSeconds: number;
  readonly longestPauseSeconds: number;
  readonly budgetMinutes: number;
};

/** Two backends over http: one that does nothing twice for one key and can be asked, one of which nothing is promised. */
export const playbookText = (backendUrl: string, { backendTimeout }: Pace): string => `
name: faults
version: "1"
fallbackRoute: CORE_SYSTEM
reasonCodes: [TRANSIENT_TIMEOUT_PATTERN, UNKNOWN]
prompt: Recommend what to do.
intents:
  RETRY_EXTERNAL_CALL:
    description: A call that failed for a passing reason should be made again.
    automatable: true
    routes: [PARTNER_API, CORE_SYSTEM]
    defaults: { nextStep: AUTOMATED_EXECUTION, routeTarget: PARTNER_API, retryStrategy: BACKOFF, riskScore: 0.1, reasonCode: TRANSIENT_TIMEOUT_PATTERN }
  MANUAL_REVIEW:
    description: A person has to look at it.
    automatable: false
    defaults: { nextStep: MANUAL_REVIEW, routeTarget: CORE_SYSTEM, retryStrategy: NONE, riskScore: 0.6, reasonCode: UNKNOWN }
backends:
  PARTNER_API:
    kind: http
    method: POST
    url: ${backendUrl}/partner/{caseId}
    body: { task: "{taskId}" }
    idempotent: true
    timeoutMs: ${backendTimeout}
    breaker: { failures: 5, openMs: 1000 }
    allowPrivateHosts: [127.0.0.1]
    lookup: { url: "${backendUrl}/partner/effects/{idempotencyKey}" }
  CORE_SYSTEM:
    kind: http
    method: POST
    url: ${backendUrl}/core/{caseId}
    body: { task: "{taskId}" }
    idempotent: false
    timeoutMs: ${backendTimeout}
    breaker: { failures: 5, openMs: 1000 }
    allowPrivateHosts: [127.0.0.1]
`;

/** A policy whose budget for retries is short, so that everything settles soon after the last fault. */
export const policyText = (pace: Pace): string => `
name: faults
version: "1"
roles: [OPS]
channels: [SYSTEM]
limits: { minConfidence: 0.8, maxRetryCount: 8, maxAttempts: 4 }
permissions:
  RETRY_EXTERNAL_CALL: { roles: [OPS], routes: [PARTNER_API, CORE_SYSTEM] }
guardrails:
  - { name: confidence, code: CONFIDENCE_TOO_LOW, expression: decision.confidence >= limits.minConfidence, message: Not certain enough., overridable: true }
  - { name: case-open, code: CASE_NOT_OPEN, expression: case.state == "OPEN", message: The case is not open., overridable: false }
  - { name: retry-count, code: RETRY_LIMIT_REACHED, expression: case.retryCount < limits.maxRetryCount, message: Failed too often., overridable: true }
  - { name: next-step, code: REVIEW_RECOMMENDED, expression: decision.nextStep == "AUTOMATED_EXECUTION", message: A person is asked for., overridable: true }
  - { name: role, code: ROLE_NOT_ALLOWED, expression: task.userRole in limits.roles, message: Not this role., overridable: false }
retries: { firstPauseSeconds: ${pace.firstPauseSeconds}, longestPauseSeconds: ${pace.longestPauseSeconds}, budgetMinutes: ${pace.budgetMinutes}, whenBackendDown: WAIT }
defaultQueue: { queue: operations, dueMinutes: 480 }
`;

/** The text of the task with this number; the model reads the number. */
export const descriptionOf = (number: number): string =>
  `Partner API timed out, please retry for policy ${number}`;

const CONFIDENT: Decision = {
  intent: 'RETRY_EXTERNAL_CALL',
  nextStep: 'AUTOMATED_EXECUTION',
  routeTarget: 'PARTNER_API',
  retryStrategy: 'BACKOFF',
  riskScore: 0.1,
  confidence: 0.95,
  reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
};
const core = (retryStrategy: Decision['retryStrategy']): Decision => ({
  ...CONFIDENT,
  routeTarget: 'CORE_SYSTEM',
  retryStrategy,
});
/** What the model says of twenty tasks in a row. */
const DECISIONS: readonly Decision[] = [
  ...Array.from({ length: 8 }, () => CONFIDENT),
  { ...CONFIDENT, retryStrategy: 'IMMEDIATE' },
  { ...CONFIDENT, retryStrategy: 'NONE' },
  ...Array.from({ length: 6 }, () => core('BACKOFF')),
  core('IMMEDIATE'),
  core('NONE'),
  { ...CONFIDENT, confidence: 0.5 },
  { ...CONFIDENT, intent: 'MANUAL_REVIEW', nextStep: 'MANUAL_REVIEW' },
];

/** What the model says of a task with this text. */
export function decisionAbout(description: string): Decision {
  const number = Number(/policy (\d+)/.exec(description)?.[1] ?? 0);
  return DECISIONS[number % DECISIONS.length] ?? CONFIDENT;
}
