import type { GuardrailEvaluated } from '../../../src/domain/events.ts';
import { evaluateGuardrails, limitsFor } from '../../../src/domain/guardrails.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { Playbook } from '../../../src/domain/playbook.ts';
import type { Policy } from '../../../src/domain/policy.ts';
import type { Signals } from '../../../src/domain/signals.ts';
import type { Committed, LedgerCase, LedgerTask } from './ledger.ts';
import { placeOf, type Violate } from './streamRules.ts';

/** What verdicts are held against. */
export type Yardstick = {
  /** The policy of a hash, compiled against the playbook of another; null where the log lacks one of them. */
  readonly policy: (policyHash: string, playbookHash: string) => readonly [Policy, Playbook] | null;
  readonly signals: (task: LedgerTask) => Signals;
};

type Verdict = Committed & GuardrailEvaluated;

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
  if (!sources || !task?.decision) return;
  const [policy, playbook] = sources;
  const expected = {
    decision: { ...task.decision, source: task.decisionSource },
    case: {
      state: ledgerCase.state,
      priority: ledgerCase.priority,
      retryCount: ledgerCase.retryCount,
      lastErrorType: ledgerCase.lastErrorType ?? '',
    },
    task: { channel: task.channel, userRole: task.userRole, attempt },
    signals: yardstick.signals(task),
    limits: limitsFor(policy, playbook, task.decision.intent),
  };
  if (canonicalJson(facts) !== canonicalJson(expected)) {
    violate(
      'facts are the state just before',
      `${placeOf(event)}: ${canonicalJson(facts)}, not ${canonicalJson(expected)}`,
    );
  }
  if (attempt !== task.attempts.length + 1)
    violate('attempts count up', `${placeOf(event)} is about attempt ${attempt}`);
  if (canonicalJson({ verdict, guardrails }) !== canonicalJson(evaluateGuardrails(policy, facts))) {
    violate('verdicts compute again', placeOf(event));
  }
}
