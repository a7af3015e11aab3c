import { isSameAction } from '../domain/attempts.ts';
import type { Case } from '../domain/case.ts';
import type { CaseEvent, GuardrailEvaluated } from '../domain/events.ts';
import type { Facts } from '../domain/facts.ts';
import { canonicalJson } from '../domain/hash.ts';
import type { Task } from '../domain/task.ts';
import { recommendation } from '../domain/verdicts.ts';

/**
 * What an event says of the case as it was just before, and was not so. Signals and pauses are not among it: the text is encrypted, and
 * a pause stands on a stream of its own.
 *
 * @param before the case folded up to the event
 * @returns a problem for each fact that is another one
 */
export function falseFacts(before: Case, event: CaseEvent): string[] {
  if (event.type === 'CaseStateChanged')
    return event.data.from === before.state ? [] : ['from is not the state that the case was in'];
  if (event.type !== 'GuardrailEvaluated') return [];
  const task = before.tasks.get(event.data.taskId);
  return task ? verdictFacts(before, task, event.data) : [];
}

function verdictFacts(before: Case, task: Task, data: GuardrailEvaluated['data']): string[] {
  const { facts, attempt } = data;
  const actual = {
    case: {
      state: before.state,
      priority: before.opened?.priority ?? null,
      retryCount: before.retryCount,
      lastErrorType: before.lastErrorType ?? '',
    },
    task: { channel: task.channel, userRole: task.userRole, attempt: task.attempts.length + 1 },
  };
  const problems = (['case', 'task'] as const).flatMap((group) =>
    Object.entries(actual[group])
      .filter(([name, value]) => (facts[group] as Readonly<Record<string, unknown>>)[name] !== value)
      .map(([name]) => `${group}.${name} is not what it was`),
  );
  if (attempt !== facts.task.attempt) problems.push('it is about another attempt than its facts');
  return isDecisionOf(task, facts.decision, data.authority)
    ? problems
    : [...problems, 'decision is not the one that was recommended or reviewed'];
}

/** What is judged is the recommendation, or what a reviewer has just put in its place. */
function isDecisionOf(
  task: Task,
  decision: Facts['decision'],
  authority: GuardrailEvaluated['data']['authority'],
): boolean {
  if (task.decision === null) return false;
  if (canonicalJson(decision) === canonicalJson(recommendation(task))) return true;
  return (
    authority.kind === 'reviewer' &&
    decision.source === 'reviewer' &&
    isSameAction(task.review?.approved ?? null, decision)
  );
}
