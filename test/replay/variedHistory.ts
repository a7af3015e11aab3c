import { driveTask } from '../../src/commands/driveTask.ts';
import { claimReview, decideReview } from '../../src/commands/reviews.ts';
import type { Actor } from '../../src/domain/events.ts';
import { reviewed, reviewedHash } from '../../src/domain/reviewed.ts';
import type { Task } from '../../src/domain/task.ts';
import { calm, context } from '../support/builders.ts';
import { failed, modelFails, modelSays, succeeded, unknown } from '../support/scripted.ts';
import type { Process } from '../support/world.ts';
import { startService } from './history.ts';

const ANN: Actor = { kind: 'person', id: 'ann', roles: ['OPS'], authMethod: 'oidc' };
const BY_ANN = { actor: ANN, traceparent: null, sentKey: null };

const CONFIDENCES = [0.95, 0.85, 0.78, 0.62];
const RISKS = [0.1, 0.25, 0.4];
const STRATEGIES = ['NONE', 'IMMEDIATE', 'BACKOFF'] as const;
const PRIORITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
const ERRORS = ['TIMEOUT', 'VALIDATION', null];
const DECISIONS = ['APPROVED', 'REJECTED', 'EDITED', 'INFO_REQUESTED', null] as const;

const pick = <T>(from: readonly T[], n: number): T => {
  const picked = from[n % from.length];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
};

/** What the model says of the n-th case; the numbers are coprime, so that every mixture comes up. */
function says(n: number): ReturnType<typeof modelSays> {
  if (n % 23 === 0) return modelFails('AI_TIMEOUT');
  const confidence = pick(CONFIDENCES, n);
  return modelSays({
    confidence,
    riskScore: n % 29 === 0 ? 0.7 : pick(RISKS, Math.floor(n / 4)),
    retryStrategy: pick(STRATEGIES, n),
    ...(n % 11 === 0 ? { intent: 'ESCALATE' } : {}),
    // A person puts PARTNER_API in its place.
    ...(confidence < 0.7 && n % 7 < 3 ? { routeTarget: 'CORE_SYSTEM' } : {}),
  });
}

/**
 * A log as the real loop writes it for many cases, no two neighbours alike: executed, tried again, failed, unknown, rejected, approved
 * with overrides, edited, asked about, approved by one of two, paused, closed, and left alone.
 */
export async function variedHistory(cases: number): Promise<Process> {
  let n = 0;
  const process = await startService({
    model: () => says(n),
    backend: (_, call) => pick([succeeded, succeeded, failed, unknown, succeeded, failed, succeeded], call),
  });
  const pause = { target: { scope: 'ALL', name: null }, reason: 'BECAUSE', ...BY_ANN } as const;
  for (n = 1; n <= cases; n += 1) {
    const isPaused = n % 41 === 0;
    if (isPaused) await process.automation.pause(pause);
    await oneCase(process, n);
    if (isPaused) await process.automation.resume(pause);
    process.clock.advance(3_600_000);
  }
  return process;
}

async function oneCase(process: Process, n: number): Promise<void> {
  const caseId = `case${n}`;
  await process.open({
    caseId,
    priority: pick(PRIORITIES, n),
    lastErrorType: pick(ERRORS, n),
    retryCount: n % 13 === 0 ? 3 : 0,
  });
  const tasks = n % 5 === 0 ? ['first', 'second'] : ['only'];
  for (const sentKey of tasks) {
    const { task } = await process.clock.runUntil(process.submit({ caseId, sentKey, waitMs: 0 }));
    await driveOut(process, caseId, task.taskId);
    const decision = pick(DECISIONS, Math.floor(n / 2));
    if (decision !== null && n % 41 !== 0) await decide(process, caseId, task.taskId, decision);
  }
}

const taskOf = async (process: Process, caseId: string, taskId: string): Promise<Task> => {
  const task = (await process.cases.load(caseId)).tasks.get(taskId);
  if (!task) throw new Error('the task is gone');
  return task;
};

/** Lets time pass for as long as a retry is scheduled. */
async function driveOut(process: Process, caseId: string, taskId: string): Promise<void> {
  for (;;) {
    await process.clock.runUntil(process.runner.ended(taskId));
    const task = await taskOf(process, caseId, taskId);
    if (task.status !== 'RETRY_SCHEDULED' || !task.retry) return;
    process.clock.advance(Date.parse(task.retry.dueAt) - Date.parse(process.clock.now()));
    await process.clock.runUntil(driveTask(process.reviewing, caseId, taskId, null));
  }
}

/** A person decides what waits for one, where that may be: nothing overrides that automation is not for this intent. */
async function decide(
  process: Process,
  caseId: string,
  taskId: string,
  resolution: Exclude<(typeof DECISIONS)[number], null>,
): Promise<void> {
  const task = await taskOf(process, caseId, taskId);
  const failing = (task.verdicts.at(-1)?.guardrails ?? []).filter(({ passed }) => !passed);
  const isApproval = resolution === 'APPROVED' || resolution === 'EDITED';
  const isOtherRoute = task.decision?.routeTarget === 'CORE_SYSTEM';
  if (task.status !== 'IN_REVIEW' || (resolution === 'EDITED') !== (isOtherRoute && isApproval)) return;
  if (isApproval && failing.some(({ overridable }) => !overridable)) return;
  await claimReview(process.reviewing, taskId, false, BY_ANN);
  const current = await process.cases.load(caseId);
  const claimed = await taskOf(process, caseId, taskId);
  await decideReview(
    process.reviewing,
    taskId,
    {
      reviewedHash: reviewedHash(reviewed(current, claimed, context({ signals: calm }))),
      reviewedRevision: current.revision,
      resolution,
      reasonCode: REASONS[resolution],
      note: null,
      overrides: isApproval ? failing.map(({ name }) => name) : [],
      action: resolution === 'EDITED' ? { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'PARTNER_API' } : null,
    },
    BY_ANN,
  );
  await process.clock.runUntil(process.runner.ended(taskId));
}

const REASONS = {
  APPROVED: 'CONFIRMED',
  EDITED: 'CORRECTED',
  REJECTED: 'NOT_JUSTIFIED',
  INFO_REQUESTED: 'MORE_INFORMATION_NEEDED',
} as const;
