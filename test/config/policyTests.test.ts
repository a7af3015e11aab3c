import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/domain/policy.ts';
import { InvalidSourceError } from '../../src/domain/yaml.ts';
import { runPolicyTests } from '../../src/replay/policyTests/runTests.ts';
import { parsePolicyTests } from '../../src/replay/policyTests/testFile.ts';
import { linesOf } from '../../src/replay/policyTests/told.ts';
import { configText, playbook, policy } from '../support/builders.ts';

const FILE = 'policy.test.yaml';
const PINNED = configText(FILE);
const HEAD = PINNED.slice(0, PINNED.indexOf('cases:'));
/** The line on which the first case stands. */
const FIRST = HEAD.split('\n').length + 1;

const withCases = (...cases: string[]): string =>
  `${HEAD}cases:\n${cases.map((each) => `  - ${each}\n`).join('')}`;
const run = (source: string, against = policy) =>
  runPolicyTests(parsePolicyTests(source, FILE), FILE, against, playbook);

/** What is wrong with a file, a line each. */
function problemsOf(source: string): string[] {
  try {
    run(source);
  } catch (error) {
    if (error instanceof InvalidSourceError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a case', () => {
  it.each([
    ['the verdict is another one', '{ name: a, given: { decision: { confidence: 0.5 } }, verdict: EXECUTE }'],
    [
      'a guardrail fails that must not',
      '{ name: a, given: { decision: { confidence: 0.5, riskScore: 1 } }, verdict: ROUTE_TO_MANUAL, fails: [risk] }',
    ],
    [
      'a guardrail passes that must fail',
      '{ name: a, given: { decision: { riskScore: 1 } }, verdict: ROUTE_TO_MANUAL, fails: [risk, confidence] }',
    ],
    ['nothing fails', '{ name: a, verdict: ROUTE_TO_MANUAL, fails: [risk] }'],
  ])('is not as expected where %s', (_, source) => {
    expect(run(withCases(source)).results.map(({ passed }) => passed)).toEqual([false]);
  });

  it('may say what a reviewer overrides', () => {
    const overridden =
      '{ name: a, given: { decision: { riskScore: 1 } }, verdict: EXECUTE, fails: [risk], overrides: [risk] }';
    const notOverridable =
      '{ name: b, given: { case: { state: CLOSED } }, verdict: ROUTE_TO_MANUAL, fails: [case-open], overrides: [case-open] }';
    expect(run(withCases(overridden, notOverridable)).results.map(({ passed }) => passed)).toEqual([
      true,
      true,
    ]);
  });

  it('is told with what each guardrail read', () => {
    const report = run(
      withCases(
        '{ name: too risky, given: { decision: { confidence: 0.5, riskScore: 0.9 } }, verdict: ROUTE_TO_MANUAL, fails: [risk, role] }',
      ),
    );
    expect(linesOf(report, FILE, 0).slice(0, 5)).toEqual([
      `${FILE}:${FIRST} case "too risky"`,
      '  verdict  expected ROUTE_TO_MANUAL, is ROUTE_TO_MANUAL',
      '  ✗ confidence  expected to pass, fails; it read decision.confidence = 0.5, limits.minConfidence = 0.8',
      '  ✓ risk  expected to fail, fails; it read decision.riskScore = 0.9, limits.maxRiskScore = 0.3',
      '  ✗ role  expected to fail, passes; it read task.userRole = "OPS", limits.roles = ["OPS","SUPERVISOR"]',
    ]);
  });
});

describe('a file is refused with line, case and fix', () => {
  const at = (path: string, message: string): string =>
    `${FILE}:${FIRST} cases.0.${path}: case "a": ${message}`;
  it.each([
    [
      '{ name: a, given: { decision: { confidnce: 1 } }, verdict: EXECUTE }',
      at(
        'given.decision.confidnce',
        'decision.confidnce is no fact (intent, nextStep, routeTarget, retryStrategy, riskScore, confidence, reasonCode, source)',
      ),
    ],
    [
      '{ name: a, given: { weather: { sunny: true } }, verdict: EXECUTE }',
      at('given.weather', 'weather is no group of facts (decision, case, task, signals, automation)'),
    ],
    [
      '{ name: a, given: { limits: { roles: [] } }, verdict: EXECUTE }',
      at(
        'given.limits',
        'limits come from policy and playbook; leave them out (decision, case, task, signals, automation)',
      ),
    ],
    [
      '{ name: a, given: { case: { state: OPNE } }, verdict: EXECUTE }',
      at('given.case.state', 'case.state must be one of OPEN, SUSPENDED, CLOSED'),
    ],
    [
      '{ name: a, given: { case: { retryCount: 1.5 } }, verdict: EXECUTE }',
      at('given.case.retryCount', 'case.retryCount must be a whole number'),
    ],
    [
      '{ name: a, given: { decision: { riskScore: high } }, verdict: EXECUTE }',
      at('given.decision.riskScore', 'decision.riskScore must be a number'),
    ],
    [
      '{ name: a, given: { signals: { negated: 1 } }, verdict: EXECUTE }',
      at('given.signals.negated', 'signals.negated must be true or false'),
    ],
    [
      '{ name: a, given: { task: { userRole: 1 } }, verdict: EXECUTE }',
      at('given.task.userRole', 'task.userRole must be a text'),
    ],
    [
      '{ name: a, verdict: EXECUTE, fails: [risk] }',
      at('fails', 'EXECUTE while risk fails: name it in overrides, or expect ROUTE_TO_MANUAL'),
    ],
    [
      '{ name: a, verdict: ROUTE_TO_MANUAL }',
      at('verdict', 'ROUTE_TO_MANUAL has a cause: name the guardrails that must fail in fails'),
    ],
    ['{ name: a, verdict: MAYBE }', `${FILE}:${FIRST} cases.0.verdict: must be EXECUTE or ROUTE_TO_MANUAL`],
    ['{ name: a, verdict: EXECUTE, code: [] }', `${FILE}:${FIRST} cases.0: Unrecognized key: "code"`],
  ])('%s', (source, problem) => {
    expect(problemsOf(withCases(source))).toEqual([problem]);
  });

  it('where it names a guardrail that the policy does not have', () => {
    const [problem, ...others] = problemsOf(
      withCases('{ name: a, verdict: ROUTE_TO_MANUAL, fails: [riks] }'),
    );
    expect(problem).toContain(
      `${FILE}:${FIRST} cases.0.fails.0: case "a": riks is no guardrail of default (intent-automatable,`,
    );
    expect(others).toEqual([]);
  });

  it('where base lacks a fact, or two cases have one name', () => {
    const lacking = withCases('{ name: a, verdict: EXECUTE }', '{ name: a, verdict: EXECUTE }').replace(
      'userRole: OPS, ',
      '',
    );
    expect(problemsOf(lacking).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'base.task: task.userRole is missing: base needs every fact',
      'cases.1.name: case "a": another case has this name; choose another one',
    ]);
  });
});

describe('coverage', () => {
  it('counts each guardrail in both directions, the domain’s own too', () => {
    const report = run(withCases('{ name: a, verdict: EXECUTE }'));
    expect(report.coverage.length).toBe(policy.guardrails.length);
    expect(report.coverage.every(({ passed, failed }) => passed === 1 && failed === 0)).toBe(true);
    expect(report.covered).toBe(0.5);
    const lines = linesOf(report, FILE, 1).join('\n');
    expect(lines).toContain('coverage  50% of rules and directions, at least 100% asked for: NOT ENOUGH');
    expect(lines).toContain('add a case in which automation-running is failing');
  });

  it('sees that a rule of a new policy has no case', () => {
    const added = parsePolicy(
      policy.source.replace(
        'guardrails:\n',
        "guardrails:\n  - { name: new, code: NEW, expression: 'true', message: New., overridable: true }\n",
      ),
      'new',
      playbook,
    );
    const report = run(PINNED, added);
    expect(report.results.every(({ passed }) => passed)).toBe(true);
    expect(report.coverage.filter(({ failed }) => failed === 0).map(({ rule }) => rule)).toEqual(['new']);
    expect(report.covered).toBeLessThan(1);
  });
});
