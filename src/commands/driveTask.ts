import type { Attempt } from '../domain/attempts.ts';
import type { Case } from '../domain/case.ts';
import { consequences, type JudgeContext } from '../domain/consequences.ts';
import type { Actor, CaseEvent } from '../domain/events.ts';
import { nextStep, type Step } from '../domain/nextStep.ts';
import type { Policy } from '../domain/policy.ts';
import { type Effect, expired, recordable } from '../domain/recordable.ts';
import { readSignals, type Signals } from '../domain/signals.ts';
import type { Outcome } from '../domain/vocabulary.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Observer } from '../runtime/observer.ts';
import { KeyStoreRefusedError } from '../vault/port.ts';
import { type CaseVault, PERSONAL_FIELDS, type Vault } from '../vault/vault.ts';
import type { Again, CaseStore, Decide } from './caseStore.ts';
import { type EffectDependencies, execute, lookUp, recommend } from './effects.ts';
import { ShuttingDownError } from './errors.ts';
import { untilAvailable } from './untilAvailable.ts';
import { attemptMs, createPatience, createPlace, LOOK_AT_ATTEMPT_MS, type Place } from './waiting.ts';

export type DriveDependencies = EffectDependencies & {
  readonly cases: CaseStore;
  readonly vault: Vault;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: () => string;
  /**
   * Aborts some time after `shutdown`, when what is in flight has had its time: until then what an effect brought is still
   * recorded, also when the store is away for a moment.
   */
  readonly ending: AbortSignal;
};

/** Who acts when the loop appends. */
export const ORCHESTRATOR: Actor = { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' };

/** Time left between a backend's own time-out and the deadline of the attempt, to record the result. */
const RECORDING_MARGIN_MS = 1_000;
/** Where the text cannot be read, nothing may be assumed of it: every signal is raised. */
const ALL_RAISED: Signals = {
  negated: true,
  uncertain: true,
  severalRequests: true,
  instructsSystem: true,
};

type Decided = {
  /** What was recorded of an effect, if anything. */
  readonly recorded: CaseEvent | null;
  /** When that was decided, by the monotonic clock. */
  readonly atMs: number;
  /** Whether the task had its outcome before. */
  readonly settled: boolean;
};

const outcomeIn = (current: Case, taskId: string): Outcome | null =>
  current.tasks.get(taskId)?.outcome ?? null;

/**
 * Drives one task until it needs nothing more for now: the loop of DESIGN section 4, the same for a live request, a retry that
 * falls due, and recovery. What an effect brought is appended whatever else has happened to the case, if it says anything new.
 *
 * @param traceparent of the request that caused this; null where time or recovery did
 * @returns the case when the task needs nothing, or nothing before its retry is due
 * @throws ShuttingDownError when the process ends first; the task goes on from its stream
 */
export async function driveTask(
  deps: DriveDependencies,
  caseId: string,
  taskId: string,
  traceparent: string | null,
): Promise<Case> {
  const place = createPlace(deps, caseId);
  try {
    return await drive(deps, caseId, taskId, traceparent, place);
  } finally {
    place.leave();
  }
}

async function drive(
  deps: DriveDependencies,
  caseId: string,
  taskId: string,
  traceparent: string | null,
  place: Place,
): Promise<Case> {
  const { cases, clock, shutdown, ending } = deps;
  const text = await readText(deps, caseId, taskId);
  const waiting = { patienceLeftMs: createPatience(clock), place };
  let effect: Effect | null = null;
  let causationId: string | null = text.causationId;
  for (;;) {
    const context = { actor: ORCHESTRATOR, correlationId: taskId, causationId, traceparent };
    const brought: Effect | null = effect;
    const again: Again = (work) =>
      untilAvailable(clock, brought ? ending : shutdown, work, deps.observer.storeAway);
    const judging = judgeContext(deps, text.signals);
    const decide: Decide<Decided> = (current, now) => {
      const recorded = brought && recordable(current, brought);
      return {
        events: consequences(current, taskId, recorded ? [recorded] : [], judging(now)),
        result: { recorded, atMs: clock.monotonicMs(), settled: outcomeIn(current, taskId) !== null },
      };
    };
    const { current, events, result } = await cases.change(caseId, context, decide, { again });
    tell(deps.observer, result, outcomeIn(current, taskId));
    causationId = current.tasks.get(taskId)?.lastEventId ?? null;
    const step = nextStep(current, taskId, clock.now());
    if (step.kind === 'nothing' || step.kind === 'sleep') return current;
    const startedHere = step.kind === 'await' && isAmong(step.attempt, events);
    // What has been started just now is done; nothing else begins while the process is ending.
    if (shutdown.aborted && !startedHere) {
      throw new ShuttingDownError(`task ${taskId} goes on from its stream`);
    }
    const startedAtMs = startedHere ? result.atMs : null;
    effect = await take(deps, current, taskId, step, text, { ...waiting, startedAtMs });
  }
}

function tell(observer: Observer, { recorded, settled }: Decided, outcome: Outcome | null): void {
  if (outcome !== null && !settled) observer.taskSettled(outcome);
  if (recorded?.type === 'ActionOutcomeResolved') observer.outcomeResolved(recorded.data);
}

/** Whether this very attempt was started by one of these events; after a lost answer another process may have gone further. */
const isAmong = ({ started }: Attempt, events: readonly CaseEvent[]): boolean =>
  events.some(
    ({ type, data }) =>
      type === 'ActionStarted' && data.taskId === started.taskId && data.attempt === started.attempt,
  );

/** What verdicts of one step are computed from, by the time of the append; a backend is asked once whether it is available. */
function judgeContext(deps: DriveDependencies, signals: Signals): (now: string) => JudgeContext {
  const answers = new Map<string, boolean>();
  const available = (route: string): boolean => {
    const answer = answers.get(route) ?? deps.backends.get(route)?.available() !== false;
    answers.set(route, answer);
    return answer;
  };
  return (now) => ({
    policy: deps.policy,
    playbook: deps.playbook,
    signals,
    now,
    wallNow: deps.clock.now(),
    newActionId: deps.newId(),
    mayStart: !deps.shutdown.aborted,
    backend: (route) => {
      const backend = deps.backends.get(route);
      return {
        attemptMs: (backend?.timeoutMs ?? 0) + RECORDING_MARGIN_MS,
        simulated: backend?.kind === 'simulated',
        idempotent: backend?.idempotent === true,
        lookup: typeof backend?.lookUp === 'function',
        available: () => available(route),
      };
    },
  });
}

type TaskText = {
  readonly vault: CaseVault | null;
  readonly description: string | null;
  readonly signals: Signals;
  readonly causationId: string | null;
};

async function readText(deps: DriveDependencies, caseId: string, taskId: string): Promise<TaskText> {
  const { cases, clock, shutdown } = deps;
  const load = async (): Promise<TaskText> => {
    const [vault, current] = await Promise.all([vaultOf(deps, caseId), cases.load(caseId)]);
    const task = current.tasks.get(taskId);
    if (!task) throw new Error(`case ${caseId} has no task ${taskId}`);
    const description = vault?.open(PERSONAL_FIELDS.description, task.description) ?? null;
    const signals = description === null ? ALL_RAISED : readSignals(description);
    return { vault, description, signals, causationId: task.lastEventId };
  };
  return untilAvailable(clock, shutdown, load, deps.observer.storeAway);
}

/** Where the keys cannot be reached, the task waits for them as it waits for the log. */
const vaultOf = (deps: DriveDependencies, caseId: string): Promise<CaseVault | null> =>
  deps.vault.of(caseId).catch((error: unknown) => {
    if (error instanceof KeyStoreRefusedError) throw error;
    throw new StoreUnavailableError('The key store did not answer', error);
  });

type Waiting = {
  /** When this process decided, by the monotonic clock, to start the open attempt; null where it did not. */
  readonly startedAtMs: number | null;
  readonly patienceLeftMs: (attempt: Attempt) => number;
  readonly place: Place;
};

/** Takes one step that is not pure; null when nothing came of it yet. */
async function take(
  deps: DriveDependencies,
  current: Case,
  taskId: string,
  step: Step,
  text: TaskText,
  { startedAtMs, patienceLeftMs, place }: Waiting,
): Promise<Effect | null> {
  const task = current.tasks.get(taskId);
  if (!task) return null;
  switch (step.kind) {
    case 'recommend':
      return recommend(deps, current, task, text.description, text.vault);
    case 'await': {
      const { started } = step.attempt;
      if (startedAtMs !== null) {
        const deadlineMs = startedAtMs + attemptMs(step.attempt);
        return execute(deps, current, started, deadlineMs, text.vault);
      }
      const left = patienceLeftMs(step.attempt);
      if (left <= 0) return expired(started);
      await deps.cases.nextChange(current.caseId, Math.min(left, LOOK_AT_ATTEMPT_MS));
      return null;
    }
    case 'lookUp':
      return lookUp(deps, current, step.action, text.vault);
    case 'wait':
      await place.wait();
      return null;
    default:
      return null;
  }
}
