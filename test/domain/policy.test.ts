import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { facts } from '../support/builders.ts';
import { changed, lineOf, parse, problemsOf, SOURCE } from './policySource.ts';
import { thrownBy } from './specification.ts';

const withExpression = (expression: string): string =>
  changed('decision.riskScore <= limits.maxRiskScore', JSON.stringify(expression));

describe('an expression that cannot be a rule is refused, with file, line and rule', () => {
  it.each([
    ['a misspelt fact', 'decision.confidense >= 0.8', 'confidense'],
    ['a fact of no group', 'decision.state == "OPEN"', 'state'],
    ['a misspelt fact inside has()', '!has(decision.confidense)', 'has'],
    ['a name that every object has', 'decision.constructor == "x"', 'constructor'],
    ['a limit that is not declared', 'limits.minConfidense > 0.1', 'minConfidense'],
    ['an unknown variable', 'decison.confidence > 0.1', 'decison'],
    ['`matches`', 'case.lastErrorType.matches("(a+)+$")', 'matches'],
    ['a clock', 'timestamp("2026-01-01T00:00:00Z") < timestamp("2027-01-01T00:00:00Z")', 'timestamp'],
    ['a dynamic value', 'dyn(decision.confidence) == dyn(1)', 'dyn'],
    ['a number', 'decision.confidence', 'double'],
    ['a text', 'case.state', 'string'],
    ['bare `decision`', '[decision] != []', 'decision.<field>'],
    ['`decision` by index', 'decision["confidence"] > 0.5', 'decision.<field>'],
    ['`decision` in a map', '{"a": decision}.size() == 1', 'decision.<field>'],
    ['`limits` as a whole', '[limits].size() == 1', 'limits.<field>'],
    ['comparing a text with a number', 'case.state == 1', 'overload'],
    ['half an expression', 'decision.confidence >=', 'EOF'],
    ['too long an expression', `true${' && true'.repeat(300)}`, '2000'],
    ['too deep an expression', `${'('.repeat(80)}true${')'.repeat(80)}`, 'rule risk'],
  ])('%s', (_, expression, word) => {
    const source = withExpression(expression);
    const problems = problemsOf(source);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      file: 'policy.yaml',
      line: lineOf(source, 'code: RISK_TOO_HIGH') + 1,
      path: 'guardrails.1.expression',
      message: expect.stringMatching(/^rule risk: /),
    });
    expect(problems[0]?.message).toContain(word);
  });
  it('but the same functions that stay are allowed', () => {
    const expression =
      'size(case.lastErrorType) > 0 && case.lastErrorType.startsWith("T") && limits.routes.all(r, r != "")';
    expect(evaluateGuardrails(parse(withExpression(expression)), facts()).verdict).toBe('EXECUTE');
  });
  it('names every rule that is wrong, not only the first', () => {
    const source = withExpression('decision.nope').replace('case.state == "OPEN"', 'case.nope');
    expect(problemsOf(source).map((problem) => problem.path)).toStrictEqual([
      'guardrails.1.expression',
      'guardrails.2.expression',
    ]);
  });
});

describe('a policy that is not what it should be is refused, with file, line and key', () => {
  it.each([
    ['an unknown key', 'name: default', 'name: default\nsurprise:\n  deep: 1', 'surprise:', '', 'surprise'],
    [
      'an unknown key in a rule',
      'code: RISK_TOO_HIGH',
      'code: RISK_TOO_HIGH\n    surprise: 1',
      'surprise',
      'guardrails.1',
      'surprise',
    ],
    ['a duplicate key', 'name: default', 'version: "3"\nname: default', 'version: "2"', '', 'unique'],
    ['an alias', 'version: "2"', 'version: &v "2"\nsame: *v', 'same: *v', '', 'alias'],
    ['a merge key', 'limits:', 'limits:\n  <<: {a: 1}', '<<', 'limits.<<', 'Invalid key'],
    ['an unknown tag', 'name: default', 'name: !secret default', 'name: !secret', '', 'tag'],
    ['YAML 1.1', '# What may', '%YAML 1.1\n---\n# What may', '%YAML', '', 'YAML 1.2'],
    ['a second document', 'name: default', 'name: default\n---', '---', '', 'document'],
    ['a tab', '  minConfidence', '\tminConfidence', 'minConfidence:', '', 'Tabs'],
    [
      'a limit named roles',
      '  maxAttempts: 3',
      '  maxAttempts: 3\n  roles: 3',
      '  roles: 3',
      'limits.roles',
      'another name',
    ],
    [
      'a limit that is no number',
      'maxRetryCount: 3',
      'maxRetryCount: "3"',
      'maxRetryCount: "3"',
      'limits.maxRetryCount',
      'number',
    ],
    [
      'a limit without end',
      'maxRetryCount: 3',
      'maxRetryCount: .inf',
      'maxRetryCount: .inf',
      'limits.maxRetryCount',
      'number',
    ],
    ['no maxAttempts', '  maxAttempts: 3\n', '', 'limits:', 'limits', 'maxAttempts'],
    ['maxAttempts 0', 'maxAttempts: 3', 'maxAttempts: 0', 'limits:', 'limits', 'maxAttempts'],
    ['maxAttempts 1.5', 'maxAttempts: 3', 'maxAttempts: 1.5', 'limits:', 'limits', 'maxAttempts'],
    [
      'an unknown role',
      'roles: [OPS, SUPERVISOR]',
      'roles: [OPS, NOBODY]',
      'NOBODY',
      'permissions.RETRY_EXTERNAL_CALL.roles.1',
      'NOBODY',
    ],
    [
      'an unknown route',
      'routes: [PARTNER_API, CORE_SYSTEM]',
      'routes: [NOWHERE]',
      'NOWHERE',
      'permissions.RETRY_EXTERNAL_CALL.routes.0',
      'NOWHERE',
    ],
    [
      'an unknown intent',
      '  RETRY_EXTERNAL_CALL:',
      '  RETRY_CALL:',
      '  RETRY_CALL:',
      'permissions.RETRY_CALL',
      'RETRY_CALL',
    ],
    [
      'two rules of one name',
      'name: risk',
      'name: confidence',
      'code: RISK_TOO_HIGH',
      'guardrails.1.name',
      'confidence',
    ],
    [
      'a rule named like the domain’s',
      'name: risk',
      'name: attempt-limit',
      'name: attempt-limit',
      'guardrails.1.name',
      'attempt-limit',
    ],
    ['a rule without a code', '    code: RISK_TOO_HIGH\n', '', 'name: risk', 'guardrails.1.code', 'string'],
    [
      'yes for true',
      'overridable: false',
      'overridable: yes',
      'overridable: yes',
      'guardrails.2.overridable',
      'boolean',
    ],
    [
      'a queue for a code that nothing gives',
      'codes: [TEXT_INSTRUCTS_SYSTEM]',
      'codes: [TEXT_INSTRUCT_SYSTEM]',
      'codes: [TEXT_INSTRUCT_SYSTEM]',
      'queues.0.codes.0',
      'TEXT_INSTRUCT_SYSTEM',
    ],
    ['a deadline of 0', 'dueMinutes: 60', 'dueMinutes: 0', 'dueMinutes: 0', 'queues.0.dueMinutes', '1'],
  ])('%s', (_, from, to, at, path, word) => {
    const source = changed(from, to);
    const problem = problemsOf(source)[0];
    const line = lineOf(source, at) - (path === 'guardrails.1.name' && at.startsWith('code') ? 1 : 0);
    expect(problem).toMatchObject({ file: 'policy.yaml', line, path });
    expect(problem?.message).toContain(word);
  });

  it('an intent that the playbook never lets be executed', () => {
    const problems = problemsOf(changed('  RETRY_EXTERNAL_CALL:', '  ESCALATE:'));
    expect(problems.map(({ path }) => path)).toStrictEqual([
      'permissions.ESCALATE',
      'permissions.ESCALATE.routes.0',
      'permissions.ESCALATE.routes.1',
    ]);
  });
  it.each(['', '   ', 'text', '[]', '42', '{', '- a\n- b'])('%j instead of a policy', (source) => {
    expect(problemsOf(source)[0]).toMatchObject({ file: 'policy.yaml', line: 1 });
  });
  it('reads the whole message as one line a problem', () => {
    const error = thrownBy(() => parse(changed('maxRetryCount: 3', 'maxRetryCount: no')));
    expect((error as Error).message).toMatch(/^policy\.yaml:13 limits\.maxRetryCount: .*number/);
  });
});

describe('a policy that is as it should be', () => {
  it('carries its source and the hash of exactly these bytes', () => {
    const policy = parse(SOURCE);
    expect(policy.source).toBe(SOURCE);
    expect(policy.hash).toBe(createHash('sha256').update(SOURCE).digest('hex'));
    expect(parse(`${SOURCE}\n`).hash).not.toBe(policy.hash);
  });
  it.each([
    ['CRLF', SOURCE.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${SOURCE}`],
    ['no newline at the end', SOURCE.trimEnd()],
  ])('may have %s', (_, source) => {
    const { hash, source: kept, ...content } = parse(source);
    const { hash: __, source: ___, ...expected } = parse(SOURCE);
    expect(JSON.stringify(content, bigints)).toBe(JSON.stringify(expected, bigints));
    expect(kept).toBe(source);
    expect(hash).toBe(createHash('sha256').update(source).digest('hex'));
  });
  it('counts lines the same with CRLF', () => {
    const source = withExpression('decision.nope').replaceAll('\n', '\r\n');
    expect(problemsOf(source)[0]?.line).toBe(problemsOf(withExpression('decision.nope'))[0]?.line);
  });
  it('may go without queues: everything then has the default one', () => {
    const source = SOURCE.replace(/^queues:\n(?: .*\n)+/m, '').replace(/^ {2}escalateTo: .*\n/m, '');
    expect(source).not.toContain('security');
    expect(parse(source).queues).toStrictEqual([]);
  });
});

const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
