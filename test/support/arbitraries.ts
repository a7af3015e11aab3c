import fc from 'fast-check';
import { type Decision, NEXT_STEPS, RETRY_STRATEGIES } from '../../src/domain/decision.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { type Policy, parsePolicy } from '../../src/domain/policy.ts';
import type { Signals } from '../../src/domain/signals.ts';
import { CASE_STATES, PRIORITIES } from '../../src/domain/vocabulary.ts';
import { configText, policy as defaultPolicy } from './builders.ts';

const ROLES = ['OPS', 'SUPERVISOR', 'AGENT'];
const ROUTES = ['PARTNER_API', 'CORE_SYSTEM'];

/** The default playbook with another intent that is executed, or with none that is. */
const playbookWith = (automatable: boolean) => {
  const text = configText('playbook.yaml');
  const second = `  RESEND:
    description: Send it once more.
    automatable: ${automatable}
    routes: [PARTNER_API, CORE_SYSTEM]
    defaults: { nextStep: AUTOMATED_EXECUTION, routeTarget: CORE_SYSTEM, retryStrategy: NONE, riskScore: 0.1, reasonCode: UNKNOWN }
`;
  const source = text.replace('intents:\n', `intents:\n${second}`);
  return parsePlaybook(
    automatable ? source : source.replaceAll('automatable: true', 'automatable: false'),
    'p.yaml',
  );
};
/** Where RETRY_EXTERNAL_CALL and RESEND may be executed. */
export const automatingPlaybook = playbookWith(true);
/** The same intents, none of which may be executed. */
export const forbiddingPlaybook = playbookWith(false);
const INTENTS = Object.keys(automatingPlaybook.intents);

/** A number in [0, 1], its ends and its neighbours of the usual limits often among them. */
const share = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, 1, 0.3, 0.30000000000000004, 0.8, 0.7999999999999999, 5e-324, -0),
);

const odd = [
  'true',
  'case.retryCount / (case.retryCount - 1) >= 0',
  'limits.roles[0] == task.userRole',
  'case.lastErrorType == "" || case.lastErrorType.startsWith("HTTP")',
  'limits.routes.exists(route, route == decision.routeTarget)',
  'case.priority != "CRITICAL" || decision.confidence > limits.minConfidence',
  'decision.source != "fallback"',
];

const rules = fc
  .uniqueArray(fc.constantFrom(...defaultPolicy.guardrails.map((rule) => rule.expression), ...odd), {
    minLength: 1,
    maxLength: 5,
  })
  .map((expressions) =>
    expressions.map((expression, index) => ({
      name: `rule-${index}`,
      code: `CODE_${index}`,
      expression,
      message: 'Not so.',
      overridable: index % 2 === 0,
    })),
  );

const mostly = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const permission = () =>
  fc.record({ roles: mostly(ROLES, fc.subarray(ROLES)), routes: mostly(ROUTES, fc.subarray(ROUTES)) });

/** Policies of every kind, as a file would have them. */
export const policies: fc.Arbitrary<Policy> = fc
  .record({
    name: fc.constant('arbitrary'),
    version: fc.string({ minLength: 1, maxLength: 4 }).filter((text) => text.isWellFormed()),
    roles: fc.constant(ROLES),
    channels: fc.constant(['SYSTEM']),
    limits: fc.record({
      minConfidence: mostly(0.8, share),
      maxRiskScore: mostly(0.3, share),
      maxRetryCount: mostly(5, fc.nat(5)),
      maxAttempts: fc.integer({ min: 1, max: 4 }),
    }),
    permissions: fc.record(
      { RETRY_EXTERNAL_CALL: permission(), RESEND: permission() },
      { requiredKeys: ['RETRY_EXTERNAL_CALL'] },
    ),
    guardrails: rules,
    queues: fc.constantFrom([], [{ queue: 'first', dueMinutes: 5, codes: ['CODE_0', 'ACTION_FAILED'] }]),
    defaultQueue: fc.constant({ queue: 'all', dueMinutes: 60 }),
  })
  // JSON is YAML 1.2.
  .map((source) => parsePolicy(JSON.stringify(source), 'arbitrary.yaml', automatingPlaybook));

/** Decisions, mostly such as may be executed; some that the contract would refuse. */
export const decisions: fc.Arbitrary<Decision> = fc.record({
  intent: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('RETRY_EXTERNAL_CALL', 'RESEND') },
    { weight: 1, arbitrary: fc.constantFrom(...INTENTS, 'constructor', '__proto__', '') },
  ),
  nextStep: mostly(NEXT_STEPS[0], fc.constantFrom(...NEXT_STEPS)),
  routeTarget: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ROUTES) },
    { weight: 1, arbitrary: fc.constantFrom('NOWHERE', 'toString') },
  ),
  retryStrategy: fc.constantFrom('IMMEDIATE', ...RETRY_STRATEGIES),
  riskScore: mostly(0.1, share),
  confidence: mostly(0.9, share),
  reasonCode: fc.constantFrom('UNKNOWN', 'AI_TIMEOUT'),
});

const seldom = fc.nat(9).map((n) => n === 0);
export const signals: fc.Arbitrary<Signals> = fc.record({
  negated: seldom,
  uncertain: seldom,
  severalRequests: seldom,
  instructsSystem: seldom,
});
export const priorities = fc.constantFrom(...PRIORITIES);
export const caseStates = fc.constantFrom(...CASE_STATES);
export const roles = mostly('OPS', fc.constantFrom(...ROLES, 'NOBODY'));
