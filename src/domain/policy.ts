import { type CompiledRule, createCompiler, InvalidExpressionError } from './cel.ts';
import { sha256Hex } from './hash.ts';
import type { Playbook } from './playbook.ts';
import { checkPolicy } from './policyChecks.ts';
import { type GuardrailSource, type PolicySource, policySource, type Report } from './policySource.ts';
import { InvalidSourceError, parseYaml, type SourceProblem } from './yaml.ts';

/** One named rule, ready to be evaluated. */
export type Guardrail = GuardrailSource & {
  readonly rule: CompiledRule;
  /** The evaluator's first version that knows the rule. */
  readonly since: number;
};

/** Where a task waits for a person, and for how long. */
export type QueueTarget = Policy['defaultQueue'];

export type RetryRules = PolicySource['retries'];

/** What may be executed without a person; `hash` is the SHA-256 of the source text. */
export type Policy = Omit<PolicySource, 'guardrails'> & {
  readonly guardrails: readonly Guardrail[];
  readonly hash: string;
  readonly source: string;
};

/** Rules of the domain itself: no policy can leave them out, and no reviewer can override them. */
const DOMAIN_GUARDRAILS: readonly (GuardrailSource & { readonly since: number })[] = [
  {
    name: 'intent-automatable',
    code: 'INTENT_NOT_AUTOMATABLE',
    expression: 'limits.automatable',
    message: 'The playbook does not let this intent be executed without a person.',
    overridable: false,
    since: 1,
  },
  {
    name: 'route-permitted',
    code: 'ROUTE_NOT_PERMITTED',
    expression: 'decision.routeTarget in limits.routes',
    message: 'This intent may not take this route.',
    overridable: false,
    since: 1,
  },
  {
    name: 'attempt-limit',
    code: 'ATTEMPT_LIMIT_REACHED',
    expression: 'task.attempt <= limits.maxAttempts',
    message: 'This task has been attempted as often as the policy allows.',
    overridable: false,
    since: 1,
  },
  {
    name: 'automation-running',
    code: 'AUTOMATION_PAUSED',
    expression: '!automation.paused',
    message: 'Automation is paused.',
    overridable: false,
    since: 2,
  },
];

/**
 * Reads a policy from its YAML source, compiles its rules and holds it against the playbook that it is used with.
 *
 * @param file the name used in messages
 * @throws InvalidSourceError naming file, line and rule of everything that is wrong
 */
export function parsePolicy(source: string, file: string, playbook: Playbook): Policy {
  const { value, lineOf } = parseYaml(source, file, policySource);
  const problems: SourceProblem[] = [];
  const report: Report = (path, message) => {
    problems.push({ file, line: lineOf(path), path: path.join('.'), message });
  };
  const codes = [...DOMAIN_GUARDRAILS, ...value.guardrails].map(({ code }) => code);
  checkPolicy(value, codes, playbook, report);
  const guardrails = compileGuardrails(value, report);
  if (problems.length > 0) throw new InvalidSourceError(problems);
  return { ...value, guardrails, source, hash: sha256Hex(source) };
}

function compileGuardrails(policy: PolicySource, report: Report): Guardrail[] {
  const compile = createCompiler(Object.keys(policy.limits));
  const seen = new Set(DOMAIN_GUARDRAILS.map((guardrail) => guardrail.name));
  const compiled = DOMAIN_GUARDRAILS.map((guardrail) => ({
    ...guardrail,
    rule: compile(guardrail.expression),
  }));
  policy.guardrails.forEach((guardrail, index) => {
    if (seen.has(guardrail.name)) report(['guardrails', index, 'name'], `${guardrail.name} is there already`);
    seen.add(guardrail.name);
    try {
      compiled.push({ ...guardrail, rule: compile(guardrail.expression), since: 1 });
    } catch (error) {
      if (!(error instanceof InvalidExpressionError)) throw error;
      report(['guardrails', index, 'expression'], `rule ${guardrail.name}: ${error.message}`);
    }
  });
  return compiled;
}
