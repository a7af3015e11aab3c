import { isDeepStrictEqual } from 'node:util';
import type { Decision } from '../../../src/domain/decision.ts';
import type { GuardrailEvaluated } from '../../../src/domain/events.ts';
import type { Facts } from '../../../src/domain/facts.ts';
import { evaluateGuardrails, limitsFor } from '../../../src/domain/guardrails.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { Playbook } from '../../../src/domain/playbook.ts';
import type { Policy } from '../../../src/domain/policy.ts';
import type { Signals } from '../../../src/domain/signals.ts';
import { judgedRisk } from './approvalRules.ts';
import type { Committed, LedgerCase, LedgerTask } from './ledger.ts';
import { placeOf, type Violate } from './streamRules.ts';

/** What verdicts are held against. */
export type Yardstick = {
  /** The policy of a hash, compiled against the playbook of another; null where the log lacks one of them. */
  readonly policy: (policyHash: string, playbookHash: string) => readonly [Policy, Playbook] | null;
  readonly signals: (task: LedgerTask) => Signals;
};

type Verdict = Committed & GuardrailEvaluated;

const hasDecision = (task: LedgerTask): task is LedgerTask & { readonly decision: Decision } =>
  task.decision !== null;

/** A verdict was made from the case as it stood just before it, under sources that the log has, and comes out the same again. */
export function checkVerdict(
  ledgerCase: LedgerCase,
  event: Verdict,
  yardstick: Yardstick,
  violate: Violate,
): void {
  const { taskId, attempt, policyHash, playbookHash, verdict, guardrails, facts } = event.data;
  const task = ledgerCase.tasks.get(taskId);
  const sources = yardstick.policy(policyHash, playbookHash);
  if (!sources) violate('sources are recorded before their use', placeOf(event));
  if (!task?.decision) violate('streams are legal', `${placeOf(event)} without a decision`);
  if (!sources || !task || !hasDecision(task)) return;
  const [policy, playbook] = sources;
  const { authority } = event.data;
  const judged = judgedIn(ledgerCase, task, event, playbook);
  const expected = {
    decision: judged,
    case: {
      state: ledgerCase.state,
      priority: ledgerCase.priority,
      retryCount: ledgerCase.retryCount,
      lastErrorType: ledgerCase.lastErrorType ?? '',
    },
    task: { channel: task.channel, userRole: task.userRole, attempt },
    signals: yardstick.signals(task),
    // Held against the pauses of then by rules of its own.
    automation: facts.automation,
    limits: limitsFor(policy, playbook, judged.intent),
  };
  if (!isDeepStrictEqual(facts, expected)) {
    violate(
      'facts are the state just before',
      `${placeOf(event)}: ${canonicalJson(facts)}, not ${canonicalJson(expected)}`,
    );
  }
  if (attempt !== task.attempts.length + 1)
    violate('attempts count up', `${placeOf(event)} is about attempt ${attempt}`);
  const overrides = authority.kind === 'reviewer' ? authority.overrides : [];
  if (!isDeepStrictEqual({ verdict, guardrails }, evaluateGuardrails(policy, facts, overrides))) {
    violate('verdicts compute again', placeOf(event));
  }
  checkShadow(event, overrides, yardstick, violate);
  const failed = guardrails.filter(({ passed }) => !passed).map(({ name }) => name);
  if (authority.kind === 'reviewer' && canonicalJson(failed) !== canonicalJson(overrides))
    violate('overrides are named', `${placeOf(event)}: ${overrides.join(' ')}, not ${failed.join(' ')}`);
}

/** What a shadow policy says comes out the same again, too, under limits of its own. */
function checkShadow(
  event: Verdict,
  overrides: readonly string[],
  yardstick: Yardstick,
  violate: Violate,
): void {
  const { shadow, playbookHash, facts } = event.data;
  if (shadow === null) return;
  const place = placeOf(event);
  const sources = yardstick.policy(shadow.policyHash, playbookHash);
  if (!sources) {
    violate('sources are recorded before their use', `${place}: of the shadow`);
    return;
  }
  const [policy, playbook] = sources;
  const limits = limitsFor(policy, playbook, facts.decision.intent);
  const { verdict, guardrails } = evaluateGuardrails(policy, { ...facts, limits }, overrides);
  const { version: policyVersion, hash: policyHash } = policy;
  if (!isDeepStrictEqual(shadow, { policyVersion, policyHash, verdict, guardrails, limits }))
    violate('shadow verdicts compute again', place);
}

/** What a verdict is about: the recommendation, or what the reviewer has put in its place just before. */
function judgedIn(
  { last }: LedgerCase,
  task: LedgerTask & { readonly decision: Decision },
  { data: { authority } }: Verdict,
  playbook: Playbook,
): Omit<Facts['decision'], 'source'> & { readonly source: string | null } {
  const recommended = { ...task.decision, source: task.decisionSource };
  if (authority.kind !== 'reviewer' || last?.type !== 'ReviewDecided') return recommended;
  if (last.data.resolution !== 'EDITED' || !last.data.action) return recommended;
  return {
    ...last.data.action,
    nextStep: 'AUTOMATED_EXECUTION',
    retryStrategy: 'NONE',
    riskScore: judgedRisk(task, last, playbook),
    confidence: 1,
    reasonCode: playbook.intents[last.data.action.intent]?.defaults.reasonCode ?? '',
    source: 'reviewer',
  };
}
