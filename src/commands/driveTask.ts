import { ORCHESTRATOR } from '../domain/actors.ts';
import type { Attempt } from '../domain/attempts.ts';
import type { Case } from '../domain/case.ts';
import { consequences } from '../domain/consequences.ts';
import type { Decided } from '../domain/decide.ts';
import type { Actor, CaseEvent } from '../domain/events.ts';
import { nextStep, type Step } from '../domain/nextStep.ts';
import { type Effect, expired, recordable } from '../domain/recordable.ts';
import type { JudgeContext } from '../domain/verdicts.ts';
import type { Outcome } from '../domain/vocabulary.ts';
import type { Observer } from '../runtime/observer.ts';
import type { CaseVault } from '../vault/vault.ts';
import { type Automation, pausesAsOfNow } from './automation.ts';
import type { Again, CaseStore, Decide } from './caseStore.ts';
import { type EffectDependencies, execute, lookUp, recommend } from './effects.ts';
import { ShuttingDownError } from './errors.ts';
import { type JudgeDependencies, judgeContext, readText, type TaskText, textOf } from './judging.ts';
import { untilAvailable } from './untilAvailable.ts';
import { attemptMs, createPatience, createPlace, LOOK_AT_ATTEMPT_MS, type Place } from './waiting.ts';

export type DriveDependencies = EffectDependencies &
  JudgeDependencies & {
    readonly cases: CaseStore;
    readonly automation: Pick<Automation, 'current'>;
    /**
     * Aborts some time after `shutdown`, when what is in flight has had its time: until then what an effect brought is still
     * recorded, also when the store is away for a moment.
     */
    readonly ending: AbortSignal;
  };

/**
 * What a drive begins with where a person has something done: the decision and the attempt that it permits are one append, and whoever
 * appended an attempt is the one who makes it.
 */
export type Opening = {
  readonly actor: Actor;
  readonly decide: (current: Case, context: JudgeContext) => Decided;
  /** Told when it is recorded, or known as a repeat. */
  readonly told: (outcome: { readonly current: Case; readonly replayed: boolean }) => void;
};

/** A task that this process has received just now, and nobody else knows yet: there is nothing to be looked up. */
export type Received = { readonly current: Case; readonly vault: CaseVault };

type Change = {
  /** What was recorded of an effect, if anything. */
  readonly recorded: CaseEvent | null;
  /** When that was decided, by the monotonic clock. */
  readonly atMs: number;
  /** Whether the task had its outcome before. */
  readonly settled: boolean;
  /** Whether an opening was a repeat. */
  readonly replayed: boolean;
};

const outcomeIn = (current: Case, taskId: string): Outcome | null =>
  current.tasks.get(taskId)?.outcome ?? null;

/**
 * Drives one task until it needs nothing more for now: the loop of DESIGN section 4, the same for a live request, a retry that
 * falls due, and recovery. What an effect brought is appended whatever else has happened to the case, if it says anything new.
 *
 * @param traceparent of the request that caused this; null where time or recovery did
 * @param opening what a person decides first
 * @param received where it begins; without it the log is looked at first
 * @returns the case when the task needs nothing, or nothing before its retry is due
 * @throws ShuttingDownError when the process ends first; the task goes on from its stream. RefusedError of an opening
 */
export async function driveTask(
  deps: DriveDependencies,
  caseId: string,
  taskId: string,
  traceparent: string | null,
  opening: Opening | null = null,
  received?: Received,
): Promise<Case> {
  const place = createPlace(deps, caseId);
  try {
    return await drive(deps, caseId, taskId, traceparent, place, opening, received);
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
  opening: Opening | null,
  received: Received | undefined,
): Promise<Case> {
  const { cases, clock, shutdown, ending } = deps;
  const load = (): Promise<TaskText> => readText(deps, caseId, taskId);
  const text = received
    ? textOf(received.current, taskId, received.vault)
    : await untilAvailable(clock, shutdown, load, deps.observer.storeAway);
  const waiting = { patienceLeftMs: createPatience(clock), place };
  const pauses = pausesAsOfNow(deps.automation);
  let effect: Effect | null = received ? await recommendAtOnce(deps, text, taskId) : null;
  let causationId: string | null = text.causationId;
  let person = opening;
  for (;;) {
    const first = person;
    const actor = first?.actor ?? ORCHESTRATOR;
    const context = { actor, correlationId: taskId, causationId, traceparent };
    const brought: Effect | null = effect;
    const again: Again = (work) =>
      untilAvailable(clock, brought ? ending : shutdown, work, deps.observer.storeAway);
    const judging = judgeContext(deps, text.signals, pauses.paused);
    const decide: Decide<Change> = (current, now) => {
      const recorded = brought && recordable(current, brought);
      const { events, replayed } = first?.decide(current, judging(now)) ?? {
        events: consequences(current, taskId, recorded ? [recorded] : [], judging(now)),
        replayed: false,
      };
      const settled = outcomeIn(current, taskId) !== null;
      return { events, result: { recorded, atMs: clock.monotonicMs(), settled, replayed } };
    };
    const { current, events, result } = await cases.change(caseId, context, decide, {
      again,
      beforehand: pauses.beforehand,
    });
    first?.told({ current, replayed: result.replayed });
    person = null;
    tell(deps.observer, result, outcomeIn(current, taskId));
    tellShadows(deps.observer, events);
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

/** What nobody else knows yet needs no look at the log before it is recommended on; null where it needs something else by now. */
async function recommendAtOnce(
  deps: DriveDependencies,
  text: TaskText,
  taskId: string,
): Promise<Effect | null> {
  const current = deps.cases.known(text.current.caseId) ?? text.current;
  const task = current.tasks.get(taskId);
  const needs = nextStep(current, taskId, deps.clock.now());
  if (!task || needs.kind !== 'recommend' || deps.shutdown.aborted) return null;
  return recommend(deps, current, task, text.description, text.vault);
}

function tell(observer: Observer, { recorded, settled }: Change, outcome: Outcome | null): void {
  if (outcome !== null && !settled) observer.taskSettled(outcome);
  if (recorded?.type === 'ActionOutcomeResolved') observer.outcomeResolved(recorded.data);
}

function tellShadows(observer: Observer, events: readonly CaseEvent[]): void {
  for (const { type, data } of events) {
    if (type === 'GuardrailEvaluated' && data.shadow)
      observer.shadowJudged(data.verdict, data.shadow.verdict);
  }
}

/** Whether this very attempt was started by one of these events; after a lost answer another process may have gone further. */
const isAmong = ({ started }: Attempt, events: readonly CaseEvent[]): boolean =>
  events.some(
    ({ type, data }) =>
      type === 'ActionStarted' && data.taskId === started.taskId && data.attempt === started.attempt,
  );

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
