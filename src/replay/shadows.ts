import type { GuardrailEvaluated, Recorded } from '../domain/events.ts';
import { canonicalJson } from '../domain/hash.ts';
import { shadowVerdict } from '../domain/shadow.ts';
import { canEvaluate } from './evaluators.ts';
import type { Findings } from './findings.ts';
import type { Policies } from './policies.ts';

/**
 * Evaluates again what a shadow policy has said beside a recorded verdict, from the same recorded facts and overrides, under the policy
 * of the shadow's own hash and the recorded playbook, and compares the bytes. Nothing where no shadow was loaded. An evaluator that is
 * not known is told of once, with the verdict itself.
 */
export async function verifyShadow(
  event: Recorded<GuardrailEvaluated>,
  policies: Policies,
  findings: Findings,
): Promise<void> {
  const { shadow, facts, authority, evaluator, playbookHash } = event.data;
  if (shadow === null || !canEvaluate(evaluator)) return;
  const compiled = await policies(shadow.policyHash, playbookHash);
  if (compiled.kind !== 'compiled') {
    const isMissing = compiled.kind === 'missing';
    findings.notReplayed(isMissing ? 'SOURCE_MISSING' : 'SOURCE_UNREADABLE', event);
    if (isMissing) findings.mismatch('SOURCE', event, `of its shadow policy: ${compiled.problem}`);
    return;
  }
  const { policy, playbook, since } = compiled;
  const overrides = authority.kind === 'reviewer' ? authority.overrides : [];
  const again = shadowVerdict(policy, playbook, facts, overrides, evaluator);
  const other = Object.entries(again).find(
    ([part, value]) => canonicalJson(value) !== canonicalJson(shadow[part as keyof typeof shadow]),
  );
  if (other)
    findings.mismatch('VERDICT', event, `evaluated again its shadow policy gives another ${other[0]}`);
  if (since.some((position) => position > event.position))
    findings.mismatch('SOURCE', event, 'its shadow policy entered the log after it');
}
