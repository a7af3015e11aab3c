import type { z } from 'zod';
import type { Sources } from '../commands/sources.ts';
import { type ManualReason, manualReasons } from '../domain/guardrails.ts';
import type { Attempt, Task } from '../domain/task.ts';
import type * as schemas from './schemas.ts';

/** Where a task waits for a person, and why, in the words of the policy that judged it; null where it does not. */
export async function manualView(
  sources: Sources,
  task: Task,
): Promise<z.infer<typeof schemas.manual> | null> {
  if (!task.manual) return null;
  const { queue, dueBy, codes } = task.manual;
  return {
    queue,
    dueBy,
    codes: [...codes],
    reasons: (await reasonsOf(sources, task)).map((reason) => ({ ...reason })),
  };
}

async function reasonsOf(sources: Sources, task: Task): Promise<readonly ManualReason[]> {
  const last = task.verdicts.at(-1);
  if (!last || last.verdict === 'EXECUTE') return [];
  const policy = await sources.compiled(last.policyHash, last.playbookHash);
  if (!policy) throw new Error(`the log lacks policy ${last.policyHash} or playbook ${last.playbookHash}`);
  return manualReasons(policy, last.facts, last.guardrails);
}

/** The results of a task's last verdict; empty before the first. */
export const guardrailsView = (task: Task): z.infer<typeof schemas.guardrailResult>[] =>
  (task.verdicts.at(-1)?.guardrails ?? []).map((result) => ({ ...result }));

/** Whether anything of this task was simulated: its last attempt's backend says so. */
export const isSimulated = (task: Task): boolean =>
  task.attempts.some((attempt) => attempt.executed?.simulated === true);

export const verdictsView = (task: Task): z.infer<typeof schemas.verdict>[] =>
  task.verdicts.map(
    ({ verdict, attempt, policyVersion, policyHash, playbookHash, evaluator, guardrails }) => ({
      verdict,
      attempt,
      policyVersion,
      policyHash,
      playbookHash,
      evaluator,
      guardrails: guardrails.map((result) => ({ ...result })),
    }),
  );

export const attemptsView = (task: Task): z.infer<typeof schemas.attempt>[] => task.attempts.map(attemptView);

function attemptView({ started, executed }: Attempt): z.infer<typeof schemas.attempt> {
  const { actionId, attempt, backend, intent, deadlineAt } = started;
  return {
    actionId,
    attempt,
    backend,
    intent,
    deadlineAt,
    result: executed?.result ?? null,
    errorType: executed?.errorType ?? null,
    durationMs: executed?.durationMs ?? null,
    simulated: executed?.simulated ?? null,
  };
}
