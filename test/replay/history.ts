import { driveTask } from '../../src/commands/driveTask.ts';
import { claimReview, decideReview } from '../../src/commands/reviews.ts';
import { createSources } from '../../src/commands/sources.ts';
import type { Actor } from '../../src/domain/events.ts';
import { caseStream } from '../../src/domain/identifiers.ts';
import { reviewed, reviewedHash } from '../../src/domain/reviewed.ts';
import { identifyLog } from '../../src/eventstore/identity.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { LOG_ID } from '../projections/support.ts';
import { calm, context, playbook, policy } from '../support/builders.ts';
import { failed, modelSays, succeeded, unknown } from '../support/scripted.ts';
import { createOutside, type Process, startProcess } from '../support/world.ts';

const SYSTEM: Actor = { kind: 'system', id: 'test', roles: [], authMethod: 'internal' };
const ANN: Actor = { kind: 'person', id: 'ann', roles: ['OPS'], authMethod: 'oidc' };
const BY_ANN = { actor: ANN, traceparent: null, sentKey: null };

/** A process on a log that has its name, policy and playbook, as every service begins. */
export async function startService(script: Parameters<typeof startProcess>[0] = {}): Promise<Process> {
  const outside = createOutside();
  const process = startProcess(script, outside);
  await identifyLog(process.log, SYSTEM, LOG_ID, outside.clock.now());
  const { shadow = null } = script;
  await createSources(process.log).register({ policy, shadow, playbook }, outside.clock.now());
  return process;
}

/** A person claims and approves what waits, against its confidence. */
async function approve(process: Process, caseId: string, taskId: string): Promise<void> {
  await claimReview(process.reviewing, taskId, false, BY_ANN);
  const current = await process.cases.load(caseId);
  const task = current.tasks.get(taskId);
  if (!task) throw new Error('the task is gone');
  const asked = {
    reviewedHash: reviewedHash(reviewed(current, task, context({ signals: calm }))),
    reviewedRevision: current.revision,
    resolution: 'APPROVED',
    reasonCode: 'CONFIRMED',
    note: null,
    overrides: ['confidence'],
    action: null,
  } as const;
  await decideReview(process.reviewing, taskId, asked, BY_ANN);
  await process.clock.runUntil(process.runner.ended(taskId));
}

/** Lets time pass for as long as a retry is scheduled. */
async function driveOut(process: Process, caseId: string, taskId: string): Promise<void> {
  for (;;) {
    await process.clock.runUntil(process.runner.ended(taskId));
    const task = (await process.cases.load(caseId)).tasks.get(taskId);
    if (task?.status !== 'RETRY_SCHEDULED' || !task.retry) return;
    process.clock.advance(Date.parse(task.retry.dueAt) - Date.parse(process.clock.now()));
    await process.clock.runUntil(driveTask(process.reviewing, caseId, taskId, null));
  }
}

/** What becomes of the tasks of each case: `executed` was done at once, `approved` by a person, and so on. */
const ANSWERS = {
  executed: [succeeded],
  retried: [failed, succeeded],
  unknown: [unknown, succeeded],
  refused: [],
  approved: [succeeded],
  paused: [],
  closed: [succeeded],
} as const;

/** The log of `happened`. */
export const history = async (): Promise<ReadEvent[]> =>
  (await happened()).outside.store.readAll(null, 10_000);

/**
 * A process whose log is as the real loop has written it: a case done at once, one tried again after a failure, one after an unknown outcome, one that
 * a person has, one that a person has approved, one that met a pause, one that was suspended, opened again and closed.
 */
export async function happened(): Promise<Process> {
  const answers = Object.values(ANSWERS).flat();
  let confidence = 0.95;
  const process = await startService({
    model: () => modelSays({ retryStrategy: 'BACKOFF', confidence }),
    backend: (_, call) => answers[call - 1] ?? succeeded,
  });
  const run = async (caseId: string, says = 0.95): Promise<string> => {
    confidence = says;
    await process.open({ caseId });
    const { task } = await process.clock.runUntil(process.submit({ caseId, waitMs: 0 }));
    await driveOut(process, caseId, task.taskId);
    return task.taskId;
  };
  await run('executed');
  await run('retried');
  await run('unknown');
  await run('refused', 0.5);
  await approve(process, 'approved', await run('approved', 0.5));
  const pause = { target: { scope: 'ALL', name: null }, reason: 'BECAUSE', ...BY_ANN } as const;
  await process.automation.pause(pause);
  await run('paused');
  await process.automation.resume(pause);
  await run('C1001');
  await process.note();
  for (const state of ['SUSPENDED', 'OPEN', 'CLOSED'] as const) await process.change(state);
  return process;
}

/** The events of one case, in order. */
export const eventsOf = (log: readonly ReadEvent[], caseId: string): ReadEvent[] =>
  log.filter(({ stream }) => stream === caseStream(caseId));
