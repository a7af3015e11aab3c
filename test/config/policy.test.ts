import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { runPolicyTests } from '../../src/replay/policyTests/runTests.ts';
import { parsePolicyTests } from '../../src/replay/policyTests/testFile.ts';

/** The same files, read and run as `npm run policy:test` does. */
describe.each(['config/policy.test.yaml', 'examples/insurance/policy.test.yaml'])('%s', (file) => {
  const tests = parsePolicyTests(readFileSync(file, 'utf8'), file);
  const read = (name: string): string => readFileSync(join(dirname(file), name), 'utf8');
  const playbook = parsePlaybook(read(tests.playbook), tests.playbook);
  const policy = parsePolicy(read(tests.policy), tests.policy, playbook);
  const { results, coverage, covered } = runPolicyTests(tests, file, policy, playbook);

  it.each(results.map((result) => ({ name: result.test.name, ...result })))('$name', (result) => {
    const failed = result.guardrails.filter(({ passed }) => !passed).map(({ name }) => name);
    const { verdict, fails } = result.test;
    expect({ verdict: result.verdict, failed }).toStrictEqual({ verdict, failed: fails });
    expect(result.passed).toBe(true);
  });

  it('sees every guardrail pass and fail', () => {
    expect(coverage.filter(({ passed, failed }) => passed === 0 || failed === 0)).toStrictEqual([]);
    expect(covered).toBe(1);
  });
});
