import type { GuardrailEvaluated, Recorded } from '../domain/events.ts';
import { evaluateGuardrails, limitsFor } from '../domain/guardrails.ts';
import { canonicalJson } from '../domain/hash.ts';
import { canEvaluate } from './evaluators.ts';
import type { Findings } from './findings.ts';
import type { Compiled } from './policies.ts';

/**
 * Evaluates a recorded verdict again from its recorded facts, under the policy and playbook of its hashes (rule 6), and compares the
 * bytes.
 *
 * @returns whether it could be evaluated
 */
export function verifyVerdict(
  event: Recorded<GuardrailEvaluated>,
  compiled: Compiled,
  findings: Findings,
): boolean {
  const { facts, authority, evaluator, verdict, guardrails, policyVersion } = event.data;
  if (!canEvaluate(evaluator)) {
    findings.notReplayed('UNKNOWN_EVALUATOR', event);
    return false;
  }
  if (compiled.kind !== 'compiled') {
    const isMissing = compiled.kind === 'missing';
    findings.notReplayed(isMissing ? 'SOURCE_MISSING' : 'SOURCE_UNREADABLE', event);
    // Rule 6: it must be there. One that this version cannot read is there.
    if (isMissing) findings.mismatch('SOURCE', event, compiled.problem);
    return false;
  }
  const { policy, playbook, since } = compiled;
  const overrides = authority.kind === 'reviewer' ? authority.overrides : [];
  const again = evaluateGuardrails(policy, facts, overrides, evaluator);
  if (canonicalJson(again) !== canonicalJson({ verdict, guardrails }))
    findings.mismatch('VERDICT', event, difference(event.data, again));
  if (policyVersion !== policy.version)
    findings.mismatch('VERDICT', event, 'the version of its policy is another one');
  if (canonicalJson(facts.limits) !== canonicalJson(limitsFor(policy, playbook, facts.decision.intent)))
    findings.mismatch('FACTS', event, 'limits are not those of its policy and playbook');
  if (since.some((position) => position > event.position))
    findings.mismatch('SOURCE', event, 'its policy or playbook entered the log after it');
  return true;
}

type Evaluated = Pick<GuardrailEvaluated['data'], 'verdict' | 'guardrails'>;

function difference(recorded: Evaluated, again: Evaluated): string {
  if (recorded.verdict !== again.verdict)
    return `evaluated again it is ${again.verdict}, recorded is ${recorded.verdict}`;
  const other = again.guardrails.find(
    (result, index) => canonicalJson(result) !== canonicalJson(recorded.guardrails[index] ?? null),
  );
  return other
    ? `evaluated again the guardrail ${other.name} gives another result`
    : 'it has guardrails too many';
}
