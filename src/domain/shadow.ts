import type { GuardrailEvaluated, ShadowVerdict } from './events.ts';
import type { Facts } from './facts.ts';
import { EVALUATOR_VERSION, evaluateGuardrails, limitsFor } from './guardrails.ts';
import type { Playbook } from './playbook.ts';
import type { Policy } from './policy.ts';
import type { ShadowDifference } from './vocabulary.ts';

/**
 * What a shadow policy says of the facts that a verdict was made from, under limits of its own. Pure, as a verdict is.
 *
 * @param overrides names of the guardrails that a reviewer overrides
 * @param evaluator that of the recorded event, where it is evaluated again
 */
export function shadowVerdict(
  shadow: Policy,
  playbook: Playbook,
  facts: Facts,
  overrides: readonly string[],
  evaluator = EVALUATOR_VERSION,
): ShadowVerdict {
  const limits = limitsFor(shadow, playbook, facts.decision.intent);
  return {
    policyVersion: shadow.version,
    policyHash: shadow.hash,
    ...evaluateGuardrails(shadow, { ...facts, limits }, overrides, evaluator),
    limits,
  };
}

/** How a shadow policy differs from a recorded verdict; null where none was loaded. */
export function shadowDifference({
  verdict,
  authority,
  shadow,
}: GuardrailEvaluated['data']): ShadowDifference | null {
  if (shadow === null) return null;
  if (shadow.verdict === verdict) return 'NONE';
  if (shadow.verdict === 'EXECUTE') return 'WOULD_EXECUTE';
  return authority.kind === 'reviewer' ? 'WOULD_REFUSE' : 'WOULD_ROUTE';
}
