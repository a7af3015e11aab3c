import { z } from 'zod';
import { NEXT_STEPS, RETRY_STRATEGIES } from '../../domain/decision.ts';
import { FACT_TYPES, type Facts } from '../../domain/facts.ts';
import { CASE_STATES, JUDGED_SOURCES, PRIORITIES, VERDICTS } from '../../domain/vocabulary.ts';
import { InvalidSourceError, type LineOf, parseYaml, type SourceProblem } from '../../domain/yaml.ts';

/** One pinned verdict. */
export type PolicyTest = {
  readonly name: string;
  /** Line of the file, from 1. */
  readonly line: number;
  /** All of them but the limits, which policy and playbook give. */
  readonly facts: Omit<Facts, 'limits'>;
  readonly verdict: (typeof VERDICTS)[number];
  /** Guardrails that must fail: exactly these. */
  readonly fails: readonly string[];
  /** Guardrails that a reviewer overrides. */
  readonly overrides: readonly string[];
};

/** A file of policy tests; `policy` and `playbook` are paths relative to it. */
export type PolicyTests = {
  readonly policy: string;
  readonly playbook: string;
  readonly tests: readonly PolicyTest[];
  readonly lineOf: LineOf;
};

type Group = keyof typeof FACT_TYPES;
const GROUPS = Object.keys(FACT_TYPES) as [Group, ...Group[]];

const group = z.record(z.string(), z.json());
const fileSchema = z.strictObject({
  policy: z.string().min(1),
  playbook: z.string().min(1),
  base: z.record(z.string(), group),
  cases: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        given: z.record(z.string(), group).default({}),
        verdict: z.enum(VERDICTS, `must be ${VERDICTS.join(' or ')}`),
        fails: z.array(z.string()).default([]),
        overrides: z.array(z.string()).default([]),
      }),
    )
    .min(1, 'must hold at least one case'),
});
type CaseSource = z.infer<typeof fileSchema>['cases'][number];
type Path = readonly (string | number)[];

/** Facts that have one of a few values. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'decision.nextStep': NEXT_STEPS,
  'decision.retryStrategy': RETRY_STRATEGIES,
  'decision.source': JUDGED_SOURCES,
  'case.state': CASE_STATES,
  'case.priority': PRIORITIES,
};

/**
 * Reads a file of policy tests.
 *
 * @param file the name used in messages
 * @throws InvalidSourceError naming file, line and case of everything that is wrong
 */
export function parsePolicyTests(source: string, file: string): PolicyTests {
  const { value, lineOf } = parseYaml(source, file, fileSchema);
  const problems: SourceProblem[] = [];
  const report = (path: Path, message: string): void => {
    problems.push({ file, line: lineOf(path), path: path.join('.'), message });
  };
  checkFacts(value.base, ['base'], report);
  for (const name of GROUPS) {
    for (const field of Object.keys(FACT_TYPES[name])) {
      if (value.base[name]?.[field] === undefined)
        report(['base', name], `${name}.${field} is missing: base needs every fact`);
    }
  }
  const seen = new Set<string>();
  const tests = value.cases.map((one, index): PolicyTest => {
    const at: Path = ['cases', index];
    const ofCase = (path: Path, message: string): void => report(path, `case "${one.name}": ${message}`);
    checkFacts(one.given, [...at, 'given'], ofCase);
    checkExpectation(one, at, ofCase);
    if (seen.has(one.name)) ofCase([...at, 'name'], 'another case has this name; choose another one');
    seen.add(one.name);
    const { name, verdict, fails, overrides } = one;
    return {
      name,
      line: lineOf([...at, 'name']),
      facts: factsOf(value.base, one),
      verdict,
      fails,
      overrides,
    };
  });
  if (problems.length > 0) throw new InvalidSourceError(problems);
  return { policy: value.policy, playbook: value.playbook, tests, lineOf };
}

type Report = (path: Path, message: string) => void;
type FactGroups = Readonly<Record<string, Readonly<Record<string, z.infer<ReturnType<typeof z.json>>>>>>;

function checkFacts(groups: FactGroups, at: Path, report: Report): void {
  for (const [name, fields] of Object.entries(groups)) {
    const types = Object.hasOwn(FACT_TYPES, name) ? FACT_TYPES[name as Group] : null;
    if (types === null) {
      const why =
        name === 'limits' ? 'come from policy and playbook; leave them out' : 'is no group of facts';
      report([...at, name], `${name} ${why} (${GROUPS.join(', ')})`);
      continue;
    }
    for (const [field, value] of Object.entries(fields)) {
      const problem = factProblem(
        `${name}.${field}`,
        (types as Readonly<Record<string, string>>)[field],
        value,
      );
      if (problem !== null) report([...at, name, field], problem + knownFields(problem, types));
    }
  }
}

const UNKNOWN_FACT = 'is no fact';
const knownFields = (problem: string, types: object): string =>
  problem.endsWith(UNKNOWN_FACT) ? ` (${Object.keys(types).join(', ')})` : '';

function factProblem(path: string, type: string | undefined, value: unknown): string | null {
  if (type === undefined) return `${path} ${UNKNOWN_FACT}`;
  const values = VALUES[path];
  if (values) return values.includes(value as string) ? null : `${path} must be one of ${values.join(', ')}`;
  if (type === 'string') return typeof value === 'string' ? null : `${path} must be a text`;
  if (type === 'bool') return typeof value === 'boolean' ? null : `${path} must be true or false`;
  if (type === 'int') return Number.isSafeInteger(value) ? null : `${path} must be a whole number`;
  return typeof value === 'number' ? null : `${path} must be a number`;
}

/** What no evaluation could ever give. */
function checkExpectation({ verdict, fails, overrides }: CaseSource, at: Path, report: Report): void {
  const standing = fails.filter((name) => !overrides.includes(name));
  if (verdict === 'EXECUTE' && standing.length > 0)
    report(
      [...at, 'fails'],
      `EXECUTE while ${standing.join(', ')} fails: name it in overrides, or expect ROUTE_TO_MANUAL`,
    );
  if (verdict === 'ROUTE_TO_MANUAL' && fails.length === 0)
    report([...at, 'verdict'], 'ROUTE_TO_MANUAL has a cause: name the guardrails that must fail in fails');
}

const factsOf = (base: FactGroups, { given }: CaseSource): Omit<Facts, 'limits'> =>
  Object.fromEntries(GROUPS.map((name) => [name, { ...base[name], ...given[name] }])) as unknown as Omit<
    Facts,
    'limits'
  >;
