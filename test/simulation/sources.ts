import { type Playbook, parsePlaybook } from '../../src/domain/playbook.ts';
import { type Policy, parsePolicy } from '../../src/domain/policy.ts';

/** What a simulated backend is declared to be, by the route that it serves. */
export const ROUTES = {
  PLAIN: { idempotent: false, lookup: false },
  ASKABLE: { idempotent: false, lookup: true },
  REPEATABLE: { idempotent: true, lookup: false },
  FORGIVING: { idempotent: true, lookup: true },
} as const;
export type Route = keyof typeof ROUTES;
export const ROUTE_NAMES = Object.keys(ROUTES) as Route[];

const playbookText = (version: string, routes: readonly Route[]): string => `
name: simulation
version: "${version}"
fallbackRoute: PLAIN
reasonCodes: [TRANSIENT_TIMEOUT_PATTERN, UNKNOWN]
prompt: Recommend what to do.
intents:
  RETRY_EXTERNAL_CALL:
    description: A call that failed for a passing reason should be made again.
    automatable: true
    routes: [${routes.join(', ')}]
    defaults: { nextStep: AUTOMATED_EXECUTION, routeTarget: PLAIN, retryStrategy: BACKOFF, riskScore: 0.1, reasonCode: TRANSIENT_TIMEOUT_PATTERN }
  MANUAL_REVIEW:
    description: A person has to look at it.
    automatable: false
    defaults: { nextStep: MANUAL_REVIEW, routeTarget: PLAIN, retryStrategy: NONE, riskScore: 0.6, reasonCode: UNKNOWN }
  ESCALATE:
    description: Somebody with more authority has to take over.
    automatable: false
    defaults: { nextStep: MANUAL_REVIEW, routeTarget: PLAIN, retryStrategy: NONE, riskScore: 0.7, reasonCode: UNKNOWN }
backends:
${ROUTE_NAMES.map((route) => `  ${route}: { kind: simulated, idempotent: ${ROUTES[route].idempotent}, lookup: ${ROUTES[route].lookup} }`).join('\n')}
`;

type Rules = {
  readonly version: string;
  readonly routes: readonly Route[];
  readonly minConfidence: number;
  readonly maxAttempts: number;
  readonly retries: string;
};

const policyText = ({ version, routes, minConfidence, maxAttempts, retries }: Rules): string => `
name: simulation
version: "${version}"
roles: [OPS, AGENT]
channels: [SYSTEM, EMAIL]
limits: { minConfidence: ${minConfidence}, maxRiskScore: 0.3, maxRetryCount: 5, maxAttempts: ${maxAttempts} }
permissions:
  RETRY_EXTERNAL_CALL: { roles: [OPS], routes: [${routes.join(', ')}] }
guardrails:
  - { name: confidence, code: CONFIDENCE_TOO_LOW, expression: decision.confidence >= limits.minConfidence, message: Not certain enough., overridable: true }
  - { name: risk, code: RISK_TOO_HIGH, expression: decision.riskScore <= limits.maxRiskScore, message: Too much risk., overridable: true }
  - { name: case-open, code: CASE_NOT_OPEN, expression: case.state == "OPEN", message: The case is not open., overridable: false }
  - { name: retry-count, code: RETRY_LIMIT_REACHED, expression: case.retryCount < limits.maxRetryCount, message: Failed too often., overridable: true }
  - { name: next-step, code: REVIEW_RECOMMENDED, expression: decision.nextStep == "AUTOMATED_EXECUTION", message: A person is asked for., overridable: true }
  - { name: role, code: ROLE_NOT_ALLOWED, expression: task.userRole in limits.roles, message: Not this role., overridable: false }
  - { name: not-negated, code: TEXT_NEGATED, expression: "!signals.negated", message: It should not be done., overridable: true }
retries: ${retries}
queues:
  - { queue: failures, dueMinutes: 120, codes: [ACTION_OUTCOME_UNKNOWN, ACTION_FAILED, BACKEND_UNAVAILABLE, RETRY_BUDGET_EXHAUSTED] }
defaultQueue: { queue: operations, dueMinutes: 480 }
`;

const PLAYBOOKS = [
  playbookText('1', ROUTE_NAMES),
  playbookText(
    '2',
    ROUTE_NAMES.filter((route) => route !== 'ASKABLE'),
  ),
];
const SHORT = '{ firstPauseSeconds: 0.3, longestPauseSeconds: 1, budgetMinutes: 0.1, whenBackendDown: WAIT }';
const LONG = '{ firstPauseSeconds: 0.5, longestPauseSeconds: 2, budgetMinutes: 1, whenBackendDown: WAIT }';
const PERSON =
  '{ firstPauseSeconds: 0.3, longestPauseSeconds: 1, budgetMinutes: 1, whenBackendDown: MANUAL }';
const wide = ROUTE_NAMES;
const narrow = ROUTE_NAMES.filter((route) => route !== 'ASKABLE');
const POLICIES = [
  policyText({ version: '1', routes: wide, minConfidence: 0.8, maxAttempts: 3, retries: LONG }),
  policyText({ version: '2', routes: wide, minConfidence: 0.8, maxAttempts: 4, retries: SHORT }),
  policyText({ version: '3', routes: wide, minConfidence: 0.8, maxAttempts: 3, retries: PERSON }),
];
/** Policies that allow less, and fit both playbooks. */
const NARROW_POLICIES = [
  policyText({ version: '4', routes: narrow, minConfidence: 0.8, maxAttempts: 3, retries: LONG }),
  policyText({
    version: '5',
    routes: ['PLAIN', 'REPEATABLE'],
    minConfidence: 0.9,
    maxAttempts: 2,
    retries: LONG,
  }),
];

type Sources = readonly (readonly [Policy, Playbook])[];

const [first, second] = PLAYBOOKS.map((text, index) => parsePlaybook(text, `playbook ${index + 1}`)) as [
  Playbook,
  Playbook,
];
const compile = (texts: readonly string[], playbook: Playbook): Sources =>
  texts.map((text) => [parsePolicy(text, 'policy', playbook), playbook] as const);

/** Policies with the playbook that they fit: what most processes are started with. */
export const USUAL_SOURCES: Sources = compile(POLICIES, first);
/** What else a process may be started with. */
export const OTHER_SOURCES: Sources = [
  ...compile(NARROW_POLICIES, first),
  ...compile(NARROW_POLICIES, second),
];

const byHash = new Map(
  [...USUAL_SOURCES, ...OTHER_SOURCES].map((pair) => [`${pair[0].hash} ${pair[1].hash}`, pair]),
);

/** The policy of a hash, compiled against the playbook of another; null where the simulation has none. */
export const compiledSources = (
  policyHash: string,
  playbookHash: string,
): readonly [Policy, Playbook] | null => byHash.get(`${policyHash} ${playbookHash}`) ?? null;
