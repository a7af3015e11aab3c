import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { runToEnd, temporaryFile } from '../support/childService.ts';

const files: { readonly remove: () => Promise<void> }[] = [];
afterAll(() => Promise.all(files.map(({ remove }) => remove())));

async function file(name: string, text: string): Promise<string> {
  const made = await temporaryFile(name, text);
  files.push(made);
  return made.path;
}

const policyTest = (...args: string[]) => runToEnd(['src/cli/policy-test.ts', ...args], {});
const stricter = (): string =>
  readFileSync('config/policy.yaml', 'utf8').replace('minConfidence: 0.80', 'minConfidence: 0.90');

describe('node src/cli/policy-test.ts', () => {
  it('passes the default policy, every guardrail seen in both directions', async () => {
    const { code, output } = await policyTest();
    expect(output).toContain('cases     22 of 22 as expected\ncoverage  100% of rules and directions');
    expect(code).toBe(0);
  });

  it('fails a candidate that gives another verdict, and says which case and why', async () => {
    const { code, output } = await policyTest('--policy', await file('candidate.yaml', stricter()));
    expect(output).toMatch(
      /config\/policy.test.yaml:\d+ case "confidence at its bound"\n {2}verdict {2}expected EXECUTE, is ROUTE_TO_MANUAL/,
    );
    expect(output).toContain(
      '✗ confidence  expected to pass, fails; it read decision.confidence = 0.8, limits.minConfidence = 0.9',
    );
    expect(code).toBe(1);
  });

  it('fails where less is covered than asked for', async () => {
    const rule = "  - { name: new, code: NEW, expression: 'true', message: New., overridable: true }\n";
    const candidate = await file(
      'candidate.yaml',
      readFileSync('config/policy.yaml', 'utf8').replace('guardrails:\n', `guardrails:\n${rule}`),
    );
    const [all, most] = await Promise.all([
      policyTest('--policy', candidate),
      policyTest('--policy', candidate, '--min-coverage', '0.9'),
    ]);
    expect(all.output).toContain('add a case in which new is failing');
    expect([all.code, most.code]).toEqual([1, 0]);
  });

  it('refuses what it cannot read', async () => {
    const [share, nowhere] = await Promise.all([
      policyTest('--min-coverage', '2'),
      policyTest('--tests', 'nowhere.yaml'),
    ]);
    expect(share.output).toContain(
      '--min-coverage must be a number from 0 to 1, not 2\nusage: npm run policy:test',
    );
    expect(nowhere.output).toContain('nowhere.yaml:1 cannot be read: ENOENT');
    expect([share.code, nowhere.code]).toEqual([1, 1]);
  });
});
