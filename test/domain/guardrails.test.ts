import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/domain/facts.ts';
import { evaluateGuardrails, limitsFor, manualReasons } from '../../src/domain/guardrails.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { configText, facts, playbook, policy } from '../support/builders.ts';

const failing = (over: Facts) =>
  evaluateGuardrails(policy, over)
    .guardrails.filter((result) => !result.passed)
    .map((result) => result.name);

/** The default policy with one rule's expression replaced. */
const withExpression = (expression: string) =>
  parsePolicy(
    configText('policy.yaml').replace(
      'decision.confidence >= limits.minConfidence',
      JSON.stringify(expression),
    ),
    'policy.yaml',
    playbook,
  );
const resultOf = (expression: string, over = facts()) =>
  evaluateGuardrails(withExpression(expression), over).guardrails.find(({ name }) => name === 'confidence');

describe('the default policy', () => {
  it('executes what passes every rule', () => {
    const { verdict, guardrails } = evaluateGuardrails(policy, facts());
    expect(verdict).toBe('EXECUTE');
    expect(guardrails.map((result) => [result.name, result.passed, result.overridable])).toStrictEqual([
      ['intent-automatable', true, false],
      ['route-permitted', true, false],
      ['attempt-limit', true, false],
      ['automation-running', true, false],
      ['confidence', true, true],
      ['risk', true, true],
      ['case-open', true, false],
      ['retry-count', true, true],
      ['intent', true, false],
      ['next-step', true, true],
      ['role', true, true],
      ['not-negated', true, true],
      ['certain', true, true],
      ['single-request', true, true],
      ['no-instructions', true, true],
    ]);
  });

  it.each<[string, Parameters<typeof facts>[0], Parameters<typeof facts>[0]]>([
    ['confidence', { decision: { confidence: 0.8 } }, { decision: { confidence: 0.7999 } }],
    ['risk', { decision: { riskScore: 0.3 } }, { decision: { riskScore: 0.3001 } }],
    ['retry-count', { case: { retryCount: 2 } }, { case: { retryCount: 3 } }],
    ['attempt-limit', { task: { attempt: 3 } }, { task: { attempt: 4 } }],
    ['case-open', {}, { case: { state: 'SUSPENDED' } }],
    ['case-open', {}, { case: { state: 'CLOSED' } }],
    ['intent', {}, { decision: { intent: 'ESCALATE' } }],
    ['next-step', {}, { decision: { nextStep: 'MANUAL_REVIEW' } }],
    ['role', { task: { userRole: 'SUPERVISOR' } }, { task: { userRole: 'AGENT' } }],
    ['role', {}, { limits: { roles: [] } }],
    ['route-permitted', { decision: { routeTarget: 'CORE_SYSTEM' } }, { decision: { routeTarget: 'X' } }],
    ['route-permitted', {}, { limits: { routes: [] } }],
    ['intent-automatable', {}, { limits: { automatable: false } }],
    ['automation-running', {}, { automation: { paused: true } }],
    ['not-negated', {}, { signals: { negated: true } }],
    ['certain', {}, { signals: { uncertain: true } }],
    ['single-request', {}, { signals: { severalRequests: true } }],
    ['no-instructions', {}, { signals: { instructsSystem: true } }],
  ])('%s is the one rule between %j and %j', (rule, passes, fails) => {
    expect(failing(facts(passes))).toStrictEqual([]);
    expect(failing(facts(fails))).toStrictEqual([rule]);
    expect(evaluateGuardrails(policy, facts(fails)).verdict).toBe('ROUTE_TO_MANUAL');
  });

  it.each([
    ['confidence', { decision: { confidence: 0 } }],
    ['risk', { decision: { riskScore: 1 } }],
  ])('%s takes the ends of the range', (rule, changes) => {
    expect(failing(facts({ decision: { confidence: 1, riskScore: 0 } }))).toStrictEqual([]);
    expect(failing(facts(changes))).toStrictEqual([rule]);
  });

  it('evaluates every rule, also after the first that failed', () => {
    const over = facts({
      decision: { confidence: 0 },
      signals: { negated: true },
      case: { state: 'CLOSED' },
    });
    expect(evaluateGuardrails(policy, over).guardrails).toHaveLength(15);
    expect(failing(over)).toStrictEqual(['confidence', 'case-open', 'not-negated']);
  });

  it('does not care for facts that no rule reads', () => {
    const over = facts({ case: { priority: 'CRITICAL', lastErrorType: '' }, task: { channel: 'EMAIL' } });
    expect(evaluateGuardrails(policy, over)).toStrictEqual(evaluateGuardrails(policy, facts()));
  });
});

describe('what is recorded of a rule', () => {
  it('is every value that its expression read', () => {
    const { guardrails } = evaluateGuardrails(policy, facts());
    const values = Object.fromEntries(guardrails.map((result) => [result.name, result.values]));
    expect(values).toStrictEqual({
      'intent-automatable': { 'limits.automatable': true },
      'route-permitted': {
        'decision.routeTarget': 'PARTNER_API',
        'limits.routes': ['PARTNER_API', 'CORE_SYSTEM'],
      },
      'attempt-limit': { 'task.attempt': 1, 'limits.maxAttempts': 3 },
      'automation-running': { 'automation.paused': false },
      confidence: { 'decision.confidence': 0.95, 'limits.minConfidence': 0.8 },
      risk: { 'decision.riskScore': 0.1, 'limits.maxRiskScore': 0.3 },
      'case-open': { 'case.state': 'OPEN' },
      'retry-count': { 'case.retryCount': 1, 'limits.maxRetryCount': 3 },
      intent: { 'decision.intent': 'RETRY_EXTERNAL_CALL' },
      'next-step': { 'decision.nextStep': 'AUTOMATED_EXECUTION' },
      role: { 'task.userRole': 'OPS', 'limits.roles': ['OPS', 'SUPERVISOR'] },
      'not-negated': { 'signals.negated': false },
      certain: { 'signals.uncertain': false },
      'single-request': { 'signals.severalRequests': false },
      'no-instructions': { 'signals.instructsSystem': false },
    });
  });
  it('is read inside branches, macros and calls, too', () => {
    const expression =
      'decision.confidence > 0.5 ? limits.roles.exists(r, r == task.userRole) : size(case.lastErrorType) > 0';
    expect(resultOf(expression)?.values).toStrictEqual({
      'decision.confidence': 0.95,
      'limits.roles': ['OPS', 'SUPERVISOR'],
      'task.userRole': 'OPS',
      'case.lastErrorType': 'TIMEOUT',
    });
  });
  it.each([
    ['case.retryCount / 0 == 1', 'division_by_zero', { 'case.retryCount': 1 }],
    ['limits.roles[9] == task.userRole', 'index_out_of_bounds', undefined],
    ['int(case.lastErrorType) > 1', expect.any(String), { 'case.lastErrorType': 'TIMEOUT' }],
  ])('is an error code where %s cannot be evaluated, which counts as failed', (expression, error, values) => {
    const result = resultOf(expression);
    expect(result).toMatchObject({ passed: false, error, ...(values && { values }) });
    expect(JSON.stringify(result?.error)).not.toContain('TIMEOUT');
    expect(evaluateGuardrails(withExpression(expression), facts()).verdict).toBe('ROUTE_TO_MANUAL');
  });
});

describe('limitsFor', () => {
  it('gives the policy’s numbers and what both sides permit', () => {
    expect(limitsFor(policy, playbook, 'RETRY_EXTERNAL_CALL')).toStrictEqual({
      minConfidence: 0.8,
      maxRiskScore: 0.3,
      maxRetryCount: 3,
      maxAttempts: 3,
      automatable: true,
      roles: ['OPS', 'SUPERVISOR'],
      routes: ['PARTNER_API', 'CORE_SYSTEM'],
    });
  });
  it('permits a route only where the playbook has it for the intent', () => {
    const retry = playbook.intents.RETRY_EXTERNAL_CALL;
    if (!retry) throw new Error('the default playbook has no RETRY_EXTERNAL_CALL');
    const narrow = { ...playbook, intents: { RETRY_EXTERNAL_CALL: { ...retry, routes: ['CORE_SYSTEM'] } } };
    expect(limitsFor(policy, narrow, 'RETRY_EXTERNAL_CALL').routes).toStrictEqual(['CORE_SYSTEM']);
  });
  it.each(['ESCALATE', 'MANUAL_REVIEW', 'UNHEARD_OF', 'constructor', '__proto__', 'toString'])(
    'permits nothing for %s',
    (intent) => {
      expect(limitsFor(policy, playbook, intent)).toMatchObject({
        automatable: false,
        roles: [],
        routes: [],
      });
    },
  );
});

describe('manualReasons', () => {
  const reasons = (over: Facts, rules = policy) =>
    manualReasons(rules, over, evaluateGuardrails(rules, over).guardrails);

  it('gives none for what passed', () => {
    expect(reasons(facts())).toStrictEqual([]);
  });
  it('says what was and what would have to be, in the policy’s order', () => {
    const over = facts({
      decision: { confidence: 0.5, routeTarget: 'NOWHERE', intent: 'ESCALATE' },
      case: { state: 'CLOSED', retryCount: 4 },
      task: { userRole: 'AGENT' },
      signals: { negated: true },
    });
    expect(reasons(over)).toStrictEqual([
      {
        guardrail: 'route-permitted',
        message: 'This intent may not take this route.',
        actual: 'NOWHERE',
        required: 'in [PARTNER_API, CORE_SYSTEM]',
      },
      {
        guardrail: 'confidence',
        message: 'The recommendation is not certain enough.',
        actual: 0.5,
        required: '>= 0.8',
      },
      { guardrail: 'case-open', message: 'The case is not open.', actual: 'CLOSED', required: '== OPEN' },
      {
        guardrail: 'retry-count',
        message: 'This case has failed too often already.',
        actual: 4,
        required: '< 3',
      },
      {
        guardrail: 'intent',
        message: 'Only external calls are retried without a person.',
        actual: 'ESCALATE',
        required: 'in [RETRY_EXTERNAL_CALL]',
      },
      {
        guardrail: 'role',
        message: 'This role may not have this intent executed.',
        actual: 'AGENT',
        required: 'in [OPS, SUPERVISOR]',
      },
      {
        guardrail: 'not-negated',
        message: 'The text seems to say that it should not be done.',
        actual: true,
        required: 'false',
      },
    ]);
  });
  it('says it of a bare fact', () => {
    expect(reasons(facts({ limits: { automatable: false } }))).toMatchObject([
      { guardrail: 'intent-automatable', actual: false, required: expect.stringMatching(/true|automatable/) },
    ]);
  });
  it('shows the whole expression and its values where it is no plain comparison', () => {
    const expression = 'decision.confidence > 0.9 && decision.riskScore < 0.05';
    expect(reasons(facts(), withExpression(expression))).toMatchObject([
      { actual: { 'decision.confidence': 0.95, 'decision.riskScore': 0.1 }, required: expression },
    ]);
  });
  it('compares with a number in the expression itself', () => {
    expect(reasons(facts(), withExpression('case.retryCount < 1'))).toMatchObject([
      { actual: 1, required: '< 1' },
    ]);
  });
  it('falls back to the code where the policy does not have the rule any more', () => {
    const other = evaluateGuardrails(policy, facts({ decision: { confidence: 0.1 } })).guardrails;
    const renamed = other.map((result) => ({ ...result, name: `${result.name}-old` }));
    expect(manualReasons(policy, facts(), renamed)).toMatchObject([
      { guardrail: 'confidence-old', message: 'CONFIDENCE_TOO_LOW' },
    ]);
  });
});
