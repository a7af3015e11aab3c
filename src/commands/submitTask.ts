import type { Case } from '../domain/case.ts';
import { receiveTask } from '../domain/decide.ts';
import type { Actor, TaskReceived } from '../domain/events.ts';
import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import { taskIdOf } from '../domain/identifiers.ts';
import type { Policy } from '../domain/policy.ts';
import { RefusedError } from '../domain/refusal.ts';
import type { Task } from '../domain/task.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import { type CaseVault, PERSONAL_FIELDS, type Vault } from '../vault/vault.ts';
import { type CaseStore, type Decide, REQUEST_PATIENCE } from './caseStore.ts';
import { vaultOfCase } from './caseVault.ts';
import type { TaskRunner } from './taskRunner.ts';

export type SubmitTask = {
  readonly caseId: string;
  readonly description: string;
  readonly channel: string;
  readonly userRole: string;
  /** The caller's own idempotency key; null to derive one. */
  readonly sentKey: string | null;
  readonly actor: Actor;
  readonly traceparent: string | null;
};

export type SubmittedTask = {
  readonly current: Case;
  readonly task: Task;
  readonly idempotencyKey: string;
  /** Whether the task was there already. */
  readonly replayed: boolean;
};

export type SubmitDependencies = {
  readonly cases: CaseStore;
  readonly vault: Vault;
  readonly policy: Policy;
  readonly runner: TaskRunner;
};

/**
 * Receives a task durably and starts to drive it. A repeat gets what was recorded: the model is not asked and the backend is not
 * called again (rule 4).
 *
 * @returns the task as it stands now; `outcomeOf` waits for its outcome
 * @throws RefusedError ROLE_NOT_HELD, INVALID_INPUT, CASE_NOT_FOUND, CASE_KEY_DESTROYED or IDEMPOTENCY_KEY_REUSED
 */
export async function submitTask(deps: SubmitDependencies, submitted: SubmitTask): Promise<SubmittedTask> {
  const { caseId, actor, traceparent } = submitted;
  mustHaveRole(actor, submitted.userRole);
  const vault = await vaultOfCase(deps, caseId, 'case_id');
  const received = receivedEvent(submitted, vault);
  const { taskId } = received.data;
  const context = { actor, correlationId: taskId, causationId: null, traceparent };
  const decide: Decide<Task | undefined> = (current) => {
    const { events, replayed } = receiveTask(current, received);
    if (replayed) return { events, result: current.tasks.get(taskId) };
    // Only a new task is held against the policy: a recorded one keeps its answer whatever the policy says by now.
    mustBeKnown('channel', submitted.channel, deps.policy.channels);
    mustBeKnown('user_role', submitted.userRole, deps.policy.roles);
    return { events, result: undefined };
  };
  const { result: known, current } = await deps.cases.change(caseId, context, decide, REQUEST_PATIENCE);
  if (!known) deps.runner.start(caseId, taskId, traceparent, { current, vault });
  return {
    current,
    task: taskIn(current, taskId),
    idempotencyKey: idempotencyKeyOf(submitted),
    replayed: known !== undefined,
  };
}

/**
 * Waits for the outcome of a task, whoever drives it.
 *
 * @param milliseconds longest time to wait
 * @returns the task as far as it got, or as it was where the log cannot be read: it is durable, whatever becomes of it
 */
export async function outcomeOf(
  { runner }: Pick<SubmitDependencies, 'runner'>,
  submitted: SubmittedTask,
  milliseconds: number,
): Promise<SubmittedTask> {
  const { taskId } = submitted.task;
  const { current } = submitted;
  const settled = await runner.settled(current.caseId, taskId, milliseconds).catch((error: unknown) => {
    if (error instanceof StoreUnavailableError) return current;
    throw error;
  });
  return { ...submitted, current: settled, task: taskIn(settled, taskId) };
}

function taskIn(current: Case, taskId: string): Task {
  const task = current.tasks.get(taskId);
  if (!task) throw new Error(`task ${taskId} is not in its case`);
  return task;
}

/** The key that identifies the request within its case: the caller's own, else derived from what was asked. */
function idempotencyKeyOf(submitted: Pick<SubmitTask, 'caseId' | 'description' | 'sentKey'>): string {
  return submitted.sentKey ?? sha256Hex(`${submitted.caseId}|${normalised(submitted.description)}`);
}

const normalised = (description: string): string => description.trim().toLowerCase();

function receivedEvent(submitted: SubmitTask, vault: CaseVault): TaskReceived {
  const { caseId, description, channel, userRole, sentKey } = submitted;
  const origin = sentKey === null ? 'derived' : 'sent';
  const keyHash = vault.hash('idempotency-key', `${origin}:${idempotencyKeyOf(submitted)}`);
  return {
    type: 'TaskReceived',
    data: {
      taskId: taskIdOf(caseId, keyHash),
      description: vault.seal(PERSONAL_FIELDS.description, description.trim()),
      channel,
      userRole,
      idempotencyKeyHash: keyHash,
      requestHash: vault.hash(
        'task-request',
        canonicalJson({ description: normalised(description), channel, userRole }),
      ),
    },
  };
}

/** A role is a claim until authentication says the same (rule 10); for a repeat too, whose answer is no one else's. */
function mustHaveRole({ kind, roles }: Actor, role: string): void {
  if (kind === 'anonymous' || kind === 'system' || roles.includes(role)) return;
  const held = roles.length === 0 ? 'none' : roles.join(', ');
  throw new RefusedError('ROLE_NOT_HELD', `user_role is not among the caller's roles: ${held}`, 'user_role');
}

function mustBeKnown(field: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new RefusedError('INVALID_INPUT', `must be one of ${known.join(', ')}`, field);
}
