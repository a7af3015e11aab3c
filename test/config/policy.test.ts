import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Facts } from '../../src/domain/facts.ts';
import { evaluateGuardrails, limitsFor } from '../../src/domain/guardrails.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { parseYaml } from '../../src/domain/yaml.ts';

const group = z.record(z.string(), z.json());
const policyTests = z.strictObject({
  policy: z.string(),
  playbook: z.string(),
  base: z.strictObject({ decision: group, case: group, task: group, signals: group, automation: group }),
  cases: z
    .array(
      z.strictObject({
        name: z.string(),
        given: z.partialRecord(z.enum(['decision', 'case', 'task', 'signals', 'automation']), group),
        codes: z.array(z.string()),
      }),
    )
    .min(1),
});

describe.each(['config/policy.test.yaml', 'examples/insurance/policy.test.yaml'])('%s', (file) => {
  const { value: tests } = parseYaml(readFileSync(file, 'utf8'), file, policyTests);
  const read = (name: string): string => readFileSync(join(dirname(file), name), 'utf8');
  const playbook = parsePlaybook(read(tests.playbook), tests.playbook);
  const policy = parsePolicy(read(tests.policy), tests.policy, playbook);

  it.each(tests.cases)('$name', ({ given, codes }) => {
    const facts = {
      decision: { ...tests.base.decision, ...given.decision },
      case: { ...tests.base.case, ...given.case },
      task: { ...tests.base.task, ...given.task },
      signals: { ...tests.base.signals, ...given.signals },
      automation: { ...tests.base.automation, ...given.automation },
    } as unknown as Omit<Facts, 'limits'>;
    const limits = limitsFor(policy, playbook, facts.decision.intent);
    const { verdict, guardrails } = evaluateGuardrails(policy, { ...facts, limits });
    const failed = guardrails.filter((result) => !result.passed).map((result) => result.code);
    expect({ verdict, failed }).toStrictEqual({
      verdict: codes.length === 0 ? 'EXECUTE' : 'ROUTE_TO_MANUAL',
      failed: codes,
    });
  });

  it(`has a case for every rule of ${basename(tests.policy)}`, () => {
    const tested = new Set(tests.cases.flatMap(({ codes }) => codes));
    expect(policy.guardrails.map(({ code }) => code).filter((code) => !tested.has(code))).toStrictEqual([]);
  });
});
