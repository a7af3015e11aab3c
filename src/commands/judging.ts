import type { Case } from '../domain/case.ts';
import type { Playbook } from '../domain/playbook.ts';
import type { Policy } from '../domain/policy.ts';
import { readSignals, type Signals } from '../domain/signals.ts';
import type { JudgeContext } from '../domain/verdicts.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import { KeyStoreRefusedError } from '../vault/port.ts';
import { type CaseVault, PERSONAL_FIELDS, type Vault } from '../vault/vault.ts';
import type { CaseStore } from './caseStore.ts';

/** What a verdict must know of a backend. It cannot be called from here: whatever judges does not act. */
type JudgedBackend = {
  readonly kind: string;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
  /** Null where it cannot be asked what became of a call. */
  readonly lookUp: object | null;
  readonly available: () => boolean;
};

/** What it takes to judge a task. */
export type JudgeDependencies = {
  readonly cases: Pick<CaseStore, 'load'>;
  readonly vault: Vault;
  readonly policy: Policy;
  /** A candidate that is evaluated beside it and never acted on; null without one. */
  readonly shadow: Policy | null;
  readonly playbook: Playbook;
  readonly backends: ReadonlyMap<string, JudgedBackend>;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly shutdown: AbortSignal;
};

/** Time left between a backend's own time-out and the deadline of the attempt, to record the result. */
const RECORDING_MARGIN_MS = 1_000;
/** Where the text cannot be read, nothing may be assumed of it: every signal is raised. */
const ALL_RAISED: Signals = {
  negated: true,
  uncertain: true,
  severalRequests: true,
  instructsSystem: true,
};

/**
 * What verdicts of one step are computed from, by the time of the append; a backend is asked once whether it is available.
 *
 * @param paused what of the automation is paused
 * @returns makes it for an append at that time (ISO 8601)
 */
export function judgeContext(
  deps: JudgeDependencies,
  signals: Signals,
  paused: JudgeContext['paused'],
): (now: string) => JudgeContext {
  const answers = new Map<string, boolean>();
  const available = (route: string): boolean => {
    const answer = answers.get(route) ?? deps.backends.get(route)?.available() !== false;
    answers.set(route, answer);
    return answer;
  };
  return (now) => ({
    policy: deps.policy,
    shadow: deps.shadow,
    playbook: deps.playbook,
    signals,
    now,
    wallNow: deps.clock.now(),
    paused,
    newActionId: deps.newId(),
    mayStart: !deps.shutdown.aborted,
    backend: (route) => {
      const backend = deps.backends.get(route);
      return {
        attemptMs: (backend?.timeoutMs ?? 0) + RECORDING_MARGIN_MS,
        simulated: backend?.kind === 'simulated',
        idempotent: backend?.idempotent === true,
        lookup: (backend?.lookUp ?? null) !== null,
        available: () => available(route),
      };
    },
  });
}

/** The text of a task and what it says, with the vault that opened it (null where its key is gone). */
export type TaskText = {
  /** The case that it was read from. */
  readonly current: Case;
  readonly vault: CaseVault | null;
  readonly description: string | null;
  readonly signals: Signals;
  readonly causationId: string | null;
};

/**
 * Reads the text of a task of a case that is there.
 *
 * @throws StoreUnavailableError where log or keys cannot be reached
 */
export async function readText(
  deps: Pick<JudgeDependencies, 'cases' | 'vault'>,
  caseId: string,
  taskId: string,
): Promise<TaskText> {
  const [vault, current] = await Promise.all([vaultOf(deps, caseId), deps.cases.load(caseId)]);
  return textOf(current, taskId, vault);
}

/** The text of a task of a case, opened with the case's vault. */
export function textOf(current: Case, taskId: string, vault: CaseVault | null): TaskText {
  const task = current.tasks.get(taskId);
  if (!task) throw new Error(`case ${current.caseId} has no task ${taskId}`);
  const description = vault?.open(PERSONAL_FIELDS.description, task.description) ?? null;
  const signals = description === null ? ALL_RAISED : readSignals(description);
  return { current, vault, description, signals, causationId: task.lastEventId };
}

/** Where the keys cannot be reached, the task waits for them as it waits for the log. */
const vaultOf = (deps: Pick<JudgeDependencies, 'vault'>, caseId: string): Promise<CaseVault | null> =>
  deps.vault.of(caseId).catch((error: unknown) => {
    if (error instanceof KeyStoreRefusedError) throw error;
    throw new StoreUnavailableError('The key store did not answer', error);
  });
