import { dirname, join } from 'node:path';
import { parsePlaybook } from '../domain/playbook.ts';
import { parsePolicy } from '../domain/policy.ts';
import { runPolicyTests } from '../replay/policyTests/runTests.ts';
import { parsePolicyTests } from '../replay/policyTests/testFile.ts';
import { linesOf } from '../replay/policyTests/told.ts';
import { readOptions, usageError } from './arguments.ts';
import { run, say } from './run.ts';
import { readSource } from './sourceFile.ts';

const USAGE = 'usage: npm run policy:test -- [--policy file] [--tests file] [--min-coverage 0..1]';
const OPTIONS = {
  policy: { type: 'string' },
  tests: { type: 'string', default: 'config/policy.test.yaml' },
  'min-coverage': { type: 'string', default: '1' },
} as const;

/**
 * `npm run policy:test`: holds a policy against its pinned verdicts, and tells which of its guardrails no case has seen passing and
 * failing. Exit code 0: all as expected and enough covered; else 1.
 */
run(async () => {
  const { policy: policyFile, tests: file, 'min-coverage': coverage } = readOptions(OPTIONS, USAGE);
  const least = leastOf(coverage);
  const tests = parsePolicyTests(await readSource(file), file);
  const playbookFile = join(dirname(file), tests.playbook);
  const playbook = parsePlaybook(await readSource(playbookFile), playbookFile);
  const tested = policyFile ?? join(dirname(file), tests.policy);
  const policy = parsePolicy(await readSource(tested), tested, playbook);
  const report = runPolicyTests(tests, file, policy, playbook);
  say(`policy    ${tested}: ${policy.name} ${policy.version}, sha256 ${policy.hash}`);
  say(`tests     ${file}\n`);
  for (const line of linesOf(report, file, least)) say(line);
  const isRight = report.results.every(({ passed }) => passed) && report.covered >= least;
  if (!isRight) process.exitCode = 1;
});

function leastOf(text: string): number {
  const least = text.trim() === '' ? Number.NaN : Number(text);
  if (least >= 0 && least <= 1) return least;
  throw usageError(`--min-coverage must be a number from 0 to 1, not ${text}`, USAGE);
}
