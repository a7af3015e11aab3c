import type { ASTNode } from '@marcbachmann/cel-js';
import { evaluationErrorCode, factAt, factPath, toCelContext } from './cel.ts';
import type { Facts, Limits } from './facts.ts';
import type { Json } from './hash.ts';
import type { Playbook } from './playbook.ts';
import type { Guardrail, Policy } from './policy.ts';
import { SIGNALS_VERSION } from './signals.ts';
import type { VerdictKind } from './vocabulary.ts';

/**
 * What evaluated a verdict: this file's semantics, the CEL library, the text analysis behind the signals. Recorded with
 * every verdict; raise the first number when evaluation changes.
 */
export const EVALUATOR_VERSION = `guardrails/2 cel-js/8.0.0 signals/${SIGNALS_VERSION}`;

/** One guardrail's result, with every value that its expression read. */
export type GuardrailResult = {
  readonly name: string;
  readonly code: string;
  readonly passed: boolean;
  readonly overridable: boolean;
  readonly values: { readonly [path: string]: Json };
  /** Why the expression could not be evaluated; it then counts as failed. */
  readonly error: string | null;
};

export type Verdict = { readonly verdict: VerdictKind; readonly guardrails: readonly GuardrailResult[] };

/** Why a task needs a person, in words for people: one entry for each guardrail that failed. */
export type ManualReason = {
  readonly guardrail: string;
  readonly message: string;
  readonly actual: Json;
  readonly required: string;
};

/**
 * Evaluates every guardrail of a policy over recorded facts: EXECUTE when all passed, or may be and are overridden by a reviewer.
 * Pure: the same facts under the same policy give the same result for ever (rule 6).
 *
 * @param overrides names of the guardrails that a reviewer overrides
 * @param evaluator which version's rules: that of the recorded event, where one is evaluated again
 */
export function evaluateGuardrails(
  policy: Policy,
  facts: Facts,
  overrides: readonly string[] = [],
  evaluator = EVALUATOR_VERSION,
): Verdict {
  const context = toCelContext(facts);
  const rules = rulesVersion(evaluator);
  const guardrails = policy.guardrails
    .filter(({ since }) => since <= rules)
    .map((guardrail) => evaluate(guardrail, facts, context));
  const stands = ({ passed, overridable, name }: GuardrailResult): boolean =>
    passed || (overridable && overrides.includes(name));
  return { verdict: guardrails.every(stands) ? 'EXECUTE' : 'ROUTE_TO_MANUAL', guardrails };
}

/** The number behind `guardrails/`: the domain's own rules have become more over time. 0 where there is none. */
export const rulesVersion = (evaluator: string): number =>
  Number(/^guardrails\/(\d+)/.exec(evaluator)?.[1] ?? 0);

function evaluate(
  guardrail: Guardrail,
  facts: Facts,
  context: ReturnType<typeof toCelContext>,
): GuardrailResult {
  const { name, code, overridable, rule } = guardrail;
  const values = Object.fromEntries(rule.reads.map((path) => [path, factAt(facts, path)]));
  try {
    return { name, code, overridable, values, passed: rule.holds(context), error: null };
  } catch (error) {
    return { name, code, overridable, values, passed: false, error: evaluationErrorCode(error) };
  }
}

/**
 * The limits that hold for one intent: the policy's numbers, and what both policy and playbook permit for the intent.
 * An intent that either does not know may take no route and is open to no role.
 */
export function limitsFor(policy: Policy, playbook: Playbook, intent: string): Limits {
  const permission = ownValue(policy.permissions, intent);
  const spec = ownValue(playbook.intents, intent);
  return {
    ...policy.limits,
    maxAttempts: policy.limits.maxAttempts ?? 1,
    automatable: spec?.automatable ?? false,
    roles: permission?.roles ?? [],
    routes: (permission?.routes ?? []).filter((route) => spec?.routes.includes(route)),
  };
}

/** The reasons for a ROUTE_TO_MANUAL verdict, in the order of the policy that it was made under. */
export function manualReasons(
  policy: Policy,
  facts: Facts,
  results: readonly GuardrailResult[],
): ManualReason[] {
  return results
    .filter((result) => !result.passed)
    .map((result) => {
      const guardrail = policy.guardrails.find((candidate) => candidate.name === result.name);
      return {
        guardrail: result.name,
        message: guardrail?.message ?? result.code,
        ...comparison(guardrail, facts, result),
      };
    });
}

const OPERATORS = ['>=', '<=', '>', '<', '==', '!=', 'in'];

function comparison(
  guardrail: Guardrail | undefined,
  facts: Facts,
  result: GuardrailResult,
): Pick<ManualReason, 'actual' | 'required'> {
  const ast = guardrail?.rule.ast;
  if (ast?.op === '!_') {
    const path = factPath(ast.args);
    if (path !== null) return { actual: factAt(facts, path), required: 'false' };
  }
  if (ast && OPERATORS.includes(ast.op)) {
    const [left, right] = ast.args as [ASTNode, ASTNode];
    const path = factPath(left);
    const bound = operand(right, facts);
    if (path !== null && bound !== undefined) {
      return { actual: factAt(facts, path), required: `${ast.op} ${describe(bound)}` };
    }
  }
  const values = Object.values(result.values);
  return {
    actual: values.length === 1 ? (values[0] ?? null) : result.values,
    required: guardrail?.expression ?? '',
  };
}

function operand(node: ASTNode, facts: Facts): Json | undefined {
  const path = factPath(node);
  if (path !== null) return factAt(facts, path);
  if (node.op === 'list') {
    const items = node.args.map((item) => operand(item, facts));
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (node.op !== 'value') return undefined;
  return typeof node.args === 'bigint' ? Number(node.args) : (node.args as Json);
}

const describe = (value: Json): string => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value));

const ownValue = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;
