import type { Case } from '../domain/case.ts';
import { consequences, type JudgeContext } from '../domain/consequences.ts';
import type { ActionExecuted, Actor, DecisionRecommended } from '../domain/events.ts';
import { nextStep, type Step } from '../domain/nextStep.ts';
import type { Policy } from '../domain/policy.ts';
import { readSignals, type Signals } from '../domain/signals.ts';
import { lastAttempt } from '../domain/task.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import { type CaseVault, PERSONAL_FIELDS, type Vault } from '../vault/vault.ts';
import type { CaseStore, Decide } from './caseStore.ts';
import { type EffectDependencies, execute, recommend } from './effects.ts';
import { ShuttingDownError } from './errors.ts';
import { untilAvailable } from './untilAvailable.ts';

export type DriveDependencies = EffectDependencies & {
  readonly cases: CaseStore;
  readonly vault: Vault;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: () => string;
  /** After this time an unfinished task counts as abandoned: longer than a recommendation and the attempt after it take. */
  readonly abandonedAfterMs: number;
};

/** Who acts when the loop appends. */
export const ORCHESTRATOR: Actor = { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' };

/** Time left between a backend's own time-out and the deadline of the attempt, to record the result. */
const RECORDING_MARGIN_MS = 1_000;
/** How long to wait for a change that another process may make, before looking again. */
const LOOK_AGAIN_MS = 200;
/** Where the text cannot be read, nothing may be assumed of it: every signal is raised. */
const ALL_RAISED: Signals = {
  negated: true,
  uncertain: true,
  severalRequests: true,
  instructsSystem: true,
};

type Effect = DecisionRecommended | ActionExecuted;

/**
 * Drives one task until it needs nothing more: the loop of DESIGN section 4, the same for a live request and for recovery.
 * What an effect brought is appended whatever else has happened to the case, if its step is still open.
 *
 * @param traceparent of the request that caused this; null on recovery
 * @returns the case when the task needed nothing more
 * @throws ShuttingDownError when the process ends first; the task goes on from its stream
 */
export async function driveTask(
  deps: DriveDependencies,
  caseId: string,
  taskId: string,
  traceparent: string | null,
): Promise<Case> {
  const { cases, clock, shutdown } = deps;
  const text = await readText(deps, caseId, taskId);
  let effect: Effect | null = null;
  let causationId: string | null = text.causationId;
  for (;;) {
    const context = { actor: ORCHESTRATOR, correlationId: taskId, causationId, traceparent };
    const brought: Effect | null = effect;
    const decide: Decide<boolean> = (current, now) => {
      const inTime = brought !== null && isOpen(current, brought);
      const judging = judgeContext(deps, text.signals, now);
      return { events: consequences(current, taskId, inTime ? [brought] : [], judging), result: inTime };
    };
    const changed = await untilAvailable(clock, shutdown, () => cases.change(caseId, context, decide));
    const { current, events, result: inTime } = changed;
    if (brought?.type === 'ActionExecuted' && !inTime) deps.observer.resultTooLate(taskId, brought.data);
    causationId = current.tasks.get(taskId)?.lastEventId ?? null;
    const step = nextStep(current, taskId, clock.now());
    if (step.kind === 'nothing') return current;
    const startedHere = events.some(
      (event) => event.type === 'ActionStarted' && event.data.taskId === taskId,
    );
    // What has been started just now is done; nothing else begins while the process is ending.
    if (shutdown.aborted && !startedHere) {
      throw new ShuttingDownError(`task ${taskId} goes on when a process starts`);
    }
    effect = await take(deps, current, taskId, step, startedHere, text);
  }
}

function judgeContext(deps: DriveDependencies, signals: Signals, now: string): JudgeContext {
  return {
    policy: deps.policy,
    playbook: deps.playbook,
    signals,
    now,
    newActionId: deps.newId(),
    mayStart: !deps.shutdown.aborted,
    backend: (route) => {
      const backend = deps.backends.get(route);
      return {
        attemptMs: (backend?.timeoutMs ?? 0) + RECORDING_MARGIN_MS,
        simulated: backend?.kind === 'simulated',
      };
    },
  };
}

type TaskText = {
  readonly vault: CaseVault | null;
  readonly description: string | null;
  readonly signals: Signals;
  readonly causationId: string | null;
};

async function readText(deps: DriveDependencies, caseId: string, taskId: string): Promise<TaskText> {
  const { cases, clock, shutdown } = deps;
  return untilAvailable(clock, shutdown, async () => {
    const [vault, current] = await Promise.all([vaultOf(deps, caseId), cases.load(caseId)]);
    const task = current.tasks.get(taskId);
    if (!task) throw new Error(`case ${caseId} has no task ${taskId}`);
    const description = vault?.open(PERSONAL_FIELDS.description, task.description) ?? null;
    const signals = description === null ? ALL_RAISED : readSignals(description);
    return { vault, description, signals, causationId: task.lastEventId };
  });
}

/** Where the keys cannot be reached, the task waits for them as it waits for the log. */
const vaultOf = (deps: DriveDependencies, caseId: string): Promise<CaseVault | null> =>
  deps.vault.of(caseId).catch((error: unknown) => {
    throw new StoreUnavailableError('The key store did not answer', error);
  });

/** Takes one step that is not pure; null when nothing came of it yet. */
async function take(
  deps: DriveDependencies,
  current: Case,
  taskId: string,
  step: Step,
  startedHere: boolean,
  text: TaskText,
): Promise<Effect | null> {
  const task = current.tasks.get(taskId);
  if (!task) return null;
  switch (step.kind) {
    case 'recommend':
      return recommend(deps, current, task, text.description, text.vault);
    case 'execute':
      if (startedHere) return execute(deps, current, step.action, text.vault);
      await waitFor(deps, current.caseId, step.action.deadlineAt);
      return null;
    case 'wait':
      await waitFor(deps, current.caseId, step.until);
      return null;
    default:
      return null;
  }
}

async function waitFor(deps: DriveDependencies, caseId: string, until: string): Promise<void> {
  const left = Date.parse(until) - Date.parse(deps.clock.now());
  await deps.cases.nextChange(caseId, left > 0 ? Math.min(left, LOOK_AGAIN_MS) : LOOK_AGAIN_MS);
}

function isOpen(current: Case, effect: Effect): boolean {
  const task = current.tasks.get(effect.data.taskId);
  if (!task) return false;
  if (effect.type === 'DecisionRecommended') return task.status === 'RECEIVED';
  const open = lastAttempt(task);
  return open?.executed === null && open.started.attempt === effect.data.attempt;
}
