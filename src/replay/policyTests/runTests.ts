import {
  evaluateGuardrails,
  type GuardrailResult,
  limitsFor,
  type Verdict,
} from '../../domain/guardrails.ts';
import type { Playbook } from '../../domain/playbook.ts';
import type { Policy } from '../../domain/policy.ts';
import { InvalidSourceError, type SourceProblem } from '../../domain/yaml.ts';
import type { PolicyTest, PolicyTests } from './testFile.ts';

/** What came of one test. */
export type TestResult = {
  readonly test: PolicyTest;
  readonly passed: boolean;
  readonly verdict: Verdict['verdict'];
  readonly guardrails: readonly GuardrailResult[];
};

/** In how many tests a guardrail was seen to pass and to fail. */
export type RuleCoverage = { readonly rule: string; readonly passed: number; readonly failed: number };

export type PolicyTestReport = {
  readonly results: readonly TestResult[];
  /** Every guardrail of the policy, the domain's own first. */
  readonly coverage: readonly RuleCoverage[];
  /** The share of all rules and directions that were seen, from 0 to 1. */
  readonly covered: number;
};

/**
 * Runs every test against a policy.
 *
 * @param file of the tests, for messages
 * @throws InvalidSourceError where a test names a guardrail that the policy does not have
 */
export function runPolicyTests(
  { tests, lineOf }: PolicyTests,
  file: string,
  policy: Policy,
  playbook: Playbook,
): PolicyTestReport {
  const names = policy.guardrails.map(({ name }) => name);
  const problems = tests.flatMap(({ name, fails, overrides }, index) =>
    (['fails', 'overrides'] as const).flatMap((key) =>
      (key === 'fails' ? fails : overrides).flatMap((rule, at): SourceProblem[] => {
        if (names.includes(rule)) return [];
        const path = ['cases', index, key, at];
        const message = `case "${name}": ${rule} is no guardrail of ${policy.name} (${names.join(', ')})`;
        return [{ file, line: lineOf(path), path: path.join('.'), message }];
      }),
    ),
  );
  if (problems.length > 0) throw new InvalidSourceError(problems);
  const results = tests.map((test) => runTest(test, policy, playbook));
  const coverage = names.map((rule) => coverageOf(rule, results));
  const seen = coverage.reduce(
    (sum, { passed, failed }) => sum + Math.min(passed, 1) + Math.min(failed, 1),
    0,
  );
  return { results, coverage, covered: seen / (2 * coverage.length) };
}

function runTest(test: PolicyTest, policy: Policy, playbook: Playbook): TestResult {
  const limits = limitsFor(policy, playbook, test.facts.decision.intent);
  const { verdict, guardrails } = evaluateGuardrails(policy, { ...test.facts, limits }, test.overrides);
  const isExpected = guardrails.every(({ name, passed }) => passed !== test.fails.includes(name));
  return { test, passed: verdict === test.verdict && isExpected, verdict, guardrails };
}

function coverageOf(rule: string, results: readonly TestResult[]): RuleCoverage {
  const seen = results.flatMap(({ guardrails }) => guardrails.filter(({ name }) => name === rule));
  const passed = seen.filter((result) => result.passed).length;
  return { rule, passed, failed: seen.length - passed };
}
