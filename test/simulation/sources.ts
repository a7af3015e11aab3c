import { type Playbook, parsePlaybook } from '../../src/domain/playbook.ts';
import { type Policy, parsePolicy, type QueueTarget } from '../../src/domain/policy.ts';

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
  /** How people work: deadlines, and the block `reviews`. */
  readonly people: string;
};

const policyText = ({ version, routes, minConfidence, maxAttempts, retries, people }: Rules): string => `
name: simulation
version: "${version}"
roles: [OPS, AGENT, LEAD]
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
${people}
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
const queues = (failures: string, operations: string): string => `queues:
  - { queue: failures, codes: [ACTION_OUTCOME_UNKNOWN, ACTION_FAILED, BACKEND_UNAVAILABLE, RETRY_BUDGET_EXHAUSTED], ${failures} }
  - { queue: leads, dueMinutes: 2, codes: [INTENT_NOT_AUTOMATABLE] }
defaultQueue: { queue: operations, ${operations} }`;
/** No deadline passes in a run. */
const PATIENT = `${queues('dueMinutes: 120', 'dueMinutes: 480')}
reviews: { leaseMinutes: 1, supervisors: [LEAD] }`;
const PAIRED = `${queues('dueMinutes: 120', 'dueMinutes: 480')}
reviews: { leaseMinutes: 2, supervisors: [LEAD], fourEyes: { overridesFrom: 2 } }`;
const STRICT = `${queues('dueMinutes: 1', 'dueMinutes: 480, dueMinutesByPriority: { MEDIUM: 1 }, escalateTo: leads')}
reviews: { leaseMinutes: 1, supervisors: [LEAD], fourEyes: { intents: [RETRY_EXTERNAL_CALL] } }`;
const CAREFUL = `${queues('dueMinutes: 120', 'dueMinutes: 1')}
reviews: { leaseMinutes: 1, fourEyes: { riskAbove: 0.05 } }`;
const wide = ROUTE_NAMES;
const narrow = ROUTE_NAMES.filter((route) => route !== 'ASKABLE');
const POLICIES = [
  policyText({
    version: '1',
    routes: wide,
    minConfidence: 0.8,
    maxAttempts: 3,
    retries: LONG,
    people: PATIENT,
  }),
  policyText({
    version: '2',
    routes: wide,
    minConfidence: 0.8,
    maxAttempts: 4,
    retries: SHORT,
    people: PAIRED,
  }),
  policyText({
    version: '3',
    routes: wide,
    minConfidence: 0.8,
    maxAttempts: 3,
    retries: PERSON,
    people: STRICT,
  }),
];
/** Policies that allow less, and fit both playbooks. */
const NARROW_POLICIES = [
  policyText({
    version: '4',
    routes: narrow,
    minConfidence: 0.8,
    maxAttempts: 3,
    retries: LONG,
    people: CAREFUL,
  }),
  policyText({
    version: '5',
    routes: ['PLAIN', 'REPEATABLE'],
    minConfidence: 0.9,
    maxAttempts: 2,
    retries: LONG,
    people: PATIENT,
  }),
];

/** Candidates that are only ever evaluated beside a policy in force; they fit both playbooks. */
const SHADOW_POLICIES = [
  policyText({
    version: '6',
    routes: narrow,
    minConfidence: 0.2,
    maxAttempts: 5,
    retries: LONG,
    people: PATIENT,
  }),
  policyText({
    version: '7',
    routes: ['FORGIVING'],
    minConfidence: 0.9,
    maxAttempts: 1,
    retries: LONG,
    people: PATIENT,
  }),
];

type Sources = readonly (readonly [Policy, Playbook])[];

const [first, second] = PLAYBOOKS.map((text, index) => parsePlaybook(text, `playbook ${index + 1}`)) as [
  Playbook,
  Playbook,
];
/** A minute of people is three seconds: whole minutes are the least that a policy can say of a deadline, and runs are short. */
const MINUTE = 3 / 60;

function quick(policy: Policy): Policy {
  const sooner = <T extends QueueTarget>(target: T): T => ({
    ...target,
    dueMinutes: target.dueMinutes * MINUTE,
    dueMinutesByPriority: Object.fromEntries(
      Object.entries(target.dueMinutesByPriority).map(([priority, minutes]) => [priority, minutes * MINUTE]),
    ),
  });
  return {
    ...policy,
    queues: policy.queues.map(sooner),
    defaultQueue: sooner(policy.defaultQueue),
    reviews: { ...policy.reviews, leaseMinutes: policy.reviews.leaseMinutes * MINUTE },
  };
}

const compile = (texts: readonly string[], playbook: Playbook): Sources =>
  texts.map((text) => [quick(parsePolicy(text, 'policy', playbook)), playbook] as const);

/** Policies with the playbook that they fit: what most processes are started with. */
export const USUAL_SOURCES: Sources = compile(POLICIES, first);
/** What else a process may be started with. */
export const OTHER_SOURCES: Sources = [
  ...compile(NARROW_POLICIES, first),
  ...compile(NARROW_POLICIES, second),
];

const SHADOWS: Sources = [...compile(SHADOW_POLICIES, first), ...compile(SHADOW_POLICIES, second)];

const byHash = new Map(
  [...USUAL_SOURCES, ...OTHER_SOURCES, ...SHADOWS].map((pair) => [`${pair[0].hash} ${pair[1].hash}`, pair]),
);

/** The policy of a hash, compiled against the playbook of another; null where the simulation has none. */
export const compiledSources = (
  policyHash: string,
  playbookHash: string,
): readonly [Policy, Playbook] | null => byHash.get(`${policyHash} ${playbookHash}`) ?? null;

/** What a policy in force has beside it: a candidate that allows more, one that allows less, or null. */
export function shadowOf({ version }: Policy, playbook: Playbook): Policy | null {
  const shadowVersion = { 1: '6', 2: '7', 4: '6' }[version];
  const pair = SHADOWS.find(([policy, its]) => policy.version === shadowVersion && its === playbook);
  return pair?.[0] ?? null;
}
