import { describe, expect, it } from 'vitest';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { facts } from '../support/builders.ts';
import { changed, lineOf, parse, problemsOf, SOURCE } from './policySource.ts';

/** The default policy with another `retries` block; null leaves it out. */
const withRetries = (block: readonly string[] | null): string => {
  const text = block === null ? '' : `retries:${block.map((line) => `\n  ${line}`).join('')}\n`;
  const source = SOURCE.replace(/^retries:\n(?: .*\n)+/m, text);
  expect(source).not.toBe(SOURCE);
  return source;
};
const DEFAULTS = {
  firstPauseSeconds: 2,
  longestPauseSeconds: 300,
  budgetMinutes: 60,
  whenBackendDown: 'WAIT',
} as const;

describe('retries', () => {
  it('of the default policy are the defaults, spelt out', () => {
    expect(parse(SOURCE).retries).toStrictEqual(DEFAULTS);
  });
  it('that are not named have their defaults', () => {
    expect(parse(withRetries(null)).retries).toStrictEqual(DEFAULTS);
    expect(parse(withRetries(['budgetMinutes: 5'])).retries).toStrictEqual({ ...DEFAULTS, budgetMinutes: 5 });
  });
  it('take every value that makes sense', () => {
    const block = [
      'firstPauseSeconds: 0.1',
      'longestPauseSeconds: 0.1',
      'budgetMinutes: 10080',
      'whenBackendDown: MANUAL',
    ];
    expect(parse(withRetries(block)).retries).toStrictEqual({
      firstPauseSeconds: 0.1,
      longestPauseSeconds: 0.1,
      budgetMinutes: 10_080,
      whenBackendDown: 'MANUAL',
    });
  });
  it('change nothing of a verdict: a policy of the log that does not name them gives the same bytes', () => {
    const old = parse(withRetries(null));
    for (const over of [facts(), facts({ case: { retryCount: 3 }, task: { attempt: 4 } })]) {
      expect(canonicalJson(evaluateGuardrails(old, over))).toBe(
        canonicalJson(evaluateGuardrails(parse(SOURCE), over)),
      );
    }
    expect(old.guardrails.map(({ name }) => name)).toStrictEqual(
      parse(SOURCE).guardrails.map(({ name }) => name),
    );
  });
  it.each<[string, readonly string[], string, string, string]>([
    ['an unknown key', ['pauses: 3'], 'pauses:', 'retries', 'pauses'],
    ['no first pause', ['firstPauseSeconds: 0'], 'firstPauseSeconds', 'retries.firstPauseSeconds', '0.1'],
    ['a negative pause', ['firstPauseSeconds: -2'], 'firstPauseSeconds', 'retries.firstPauseSeconds', '0.1'],
    [
      'a first pause of hours',
      ['firstPauseSeconds: 3601'],
      'firstPauseSeconds',
      'retries.firstPauseSeconds',
      '3600',
    ],
    [
      'a pause in words',
      ['firstPauseSeconds: 2s'],
      'firstPauseSeconds',
      'retries.firstPauseSeconds',
      'number',
    ],
    [
      'a pause of days',
      ['longestPauseSeconds: 86401'],
      'longestPause',
      'retries.longestPauseSeconds',
      '86400',
    ],
    [
      'a pause without end',
      ['longestPauseSeconds: .inf'],
      'longestPause',
      'retries.longestPauseSeconds',
      'number',
    ],
    [
      'no budget',
      ['firstPauseSeconds: 1', 'budgetMinutes: 0'],
      'budgetMinutes',
      'retries.budgetMinutes',
      '0.1',
    ],
    ['a budget of weeks', ['budgetMinutes: 10081'], 'budgetMinutes', 'retries.budgetMinutes', '10080'],
    ['a budget of nothing', ['budgetMinutes:'], 'budgetMinutes', 'retries.budgetMinutes', 'number'],
    [
      'another thing to do',
      ['whenBackendDown: FAIL'],
      'whenBackendDown',
      'retries.whenBackendDown',
      '"MANUAL"',
    ],
    [
      'a longest pause below the first',
      ['firstPauseSeconds: 20', 'longestPauseSeconds: 10'],
      'longestPauseSeconds',
      'retries.longestPauseSeconds',
      'must be at least firstPauseSeconds (20), but is 10',
    ],
    [
      'a first pause above the longest one that nobody has named',
      ['whenBackendDown: WAIT', 'firstPauseSeconds: 600'],
      'retries:',
      'retries.longestPauseSeconds',
      'must be at least firstPauseSeconds (600), but is 300',
    ],
  ])('%s is refused, with line and key', (_, block, at, path, word) => {
    const source = withRetries(block);
    const problems = problemsOf(source);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: 'policy.yaml', line: lineOf(source, at), path });
    expect(problems[0]?.message).toContain(word);
  });
  it.each(['retries: 3', 'retries: []', 'retries: WAIT'])('%j is refused', (line) => {
    const source = SOURCE.replace(/^retries:\n(?: .*\n)+/m, `${line}\n`);
    expect(problemsOf(source)[0]).toMatchObject({ line: lineOf(source, 'retries:'), path: 'retries' });
  });
});

describe('queues', () => {
  it.each([
    'ACTION_FAILED',
    'ACTION_OUTCOME_UNKNOWN',
    'BACKEND_UNAVAILABLE',
    'RETRY_BUDGET_EXHAUSTED',
    'AI_TIMEOUT',
  ])('may be for %s, which no guardrail gives', (code) => {
    const source = changed('codes: [TEXT_INSTRUCTS_SYSTEM]', `codes: [${code}]`);
    expect(parse(source).queues[0]?.codes).toStrictEqual([code]);
  });
});
