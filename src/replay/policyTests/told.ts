import type { GuardrailResult } from '../../domain/guardrails.ts';
import type { PolicyTestReport, RuleCoverage, TestResult } from './runTests.ts';

/**
 * A report, in lines for people: each failing case with what each guardrail was to give and gave, then what is covered.
 *
 * @param file of the tests
 * @param least share that must be covered, from 0 to 1
 */
export function linesOf(
  { results, coverage, covered }: PolicyTestReport,
  file: string,
  least: number,
): string[] {
  const failing = results.filter(({ passed }) => !passed);
  return [
    ...failing.flatMap((result) => failureLines(result, file)),
    ...table(coverage),
    '',
    `cases     ${results.length - failing.length} of ${results.length} as expected${failing.length > 0 ? `, ${failing.length} NOT` : ''}`,
    `coverage  ${percent(covered)}% of rules and directions, at least ${percent(least)}% asked for${covered < least ? ': NOT ENOUGH' : ''}`,
    ...coverage.flatMap(missingLines),
  ];
}

/** Rounded down: what is not all is not told as all. */
const percent = (share: number): number => Math.floor(share * 100);

function failureLines({ test, verdict, guardrails }: TestResult, file: string): string[] {
  const rows = guardrails
    .filter(({ name, passed }) => !passed || test.fails.includes(name))
    .map((result) => ruleLine(result, test.fails.includes(result.name)));
  return [
    `${file}:${test.line} case "${test.name}"`,
    `  verdict  expected ${test.verdict}, is ${verdict}`,
    ...(rows.length === 0 ? ['  no guardrail fails'] : rows),
    '',
  ];
}

function ruleLine({ name, passed, values, error }: GuardrailResult, mustFail: boolean): string {
  const expected = mustFail ? 'fail' : 'pass';
  const is = passed ? 'passes' : error === null ? 'fails' : `cannot be evaluated (${error})`;
  const mark = passed === mustFail ? '✗' : '✓';
  const read = Object.entries(values)
    .map(([path, value]) => `${path} = ${JSON.stringify(value)}`)
    .join(', ');
  return `  ${mark} ${name}  expected to ${expected}, ${is}; it read ${read}`;
}

function table(coverage: readonly RuleCoverage[]): string[] {
  const width = Math.max('guardrail'.length, ...coverage.map(({ rule }) => rule.length));
  const row = (rule: string, passed: string, failed: string, missing: string): string =>
    `${rule.padEnd(width)}  ${passed.padStart(6)}  ${failed.padStart(6)}  ${missing}`.trimEnd();
  return [
    row('guardrail', 'passed', 'failed', 'missing'),
    ...coverage.map(({ rule, passed, failed }) =>
      row(rule, String(passed), String(failed), missing({ passed, failed }).join(', ')),
    ),
  ];
}

const missing = ({ passed, failed }: Omit<RuleCoverage, 'rule'>): string[] => [
  ...(passed === 0 ? ['passing'] : []),
  ...(failed === 0 ? ['failing'] : []),
];

const missingLines = ({ rule, ...counts }: RuleCoverage): string[] =>
  missing(counts).map((direction) => `  add a case in which ${rule} is ${direction}`);
