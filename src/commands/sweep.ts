import { BEAT_MS, type Coordinator, FAIR_SHARE, type Unattended } from '../coordination/port.ts';
import { nextStep } from '../domain/nextStep.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Observer } from '../runtime/observer.ts';
import type { CaseStore } from './caseStore.ts';
import type { TaskRunner } from './taskRunner.ts';

export type SweepDependencies = {
  readonly coordinator: Coordinator;
  readonly runner: Pick<TaskRunner, 'start' | 'driving' | 'isResting'>;
  readonly cases: Pick<CaseStore, 'load'>;
  /** Cases whose rows in the read models are stale, because an event could not be projected. */
  readonly parkedCases: () => Promise<readonly string[]>;
  /** Position of the newest event in the log, and of the newest one that the read models hold; null where there is none. */
  readonly positions: () => Promise<{ readonly log: bigint | null; readonly readModels: bigint | null }>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: Pick<Observer, 'takenOver'>;
};

/** How many tasks taken up here are driven at one time, so that new ones are not crowded out. Open attempts do not count. */
const AT_ONCE = 128;
/** How many candidates are looked at in one sweep: more than may be resting (troubles.ts). */
const MOST_CANDIDATES = 1_000;
/**
 * How long a task must have been seen without a driver, where none is known to be dead: whoever has just received it speaks up.
 * And read models that trail would show as unfinished what is long done: they must have caught up with that first look.
 */
const SPEAK_UP_MS = 2 * BEAT_MS;
/** Every so many sweeps parked cases are read from their streams, so many of them. */
const PARKED_EVERY = 10;
const MOST_PARKED = 50;

/**
 * Says that this process is alive, and what it drives, until `signal` aborts. In a loop of its own: whatever else is slow, a
 * process that lives must not count as dead.
 */
export async function beat(
  deps: Pick<SweepDependencies, 'coordinator' | 'runner' | 'clock' | 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  const once = () => deps.coordinator.beat(deps.runner.driving());
  await everyBeat(
    deps,
    once,
    'telling other processes that this one lives failed; it is tried again',
    signal,
  );
}

/**
 * Finds tasks that need somebody, whatever has become of the process that had them, and drives them on: retries that fall due,
 * work of a dead process, work that was received and whose answer was lost. The same on any number of processes; that two drive
 * one task now and then costs a call of the model, never an effect.
 *
 * @param signal ends it
 */
export async function sweep(deps: SweepDependencies, signal: AbortSignal): Promise<void> {
  const problem = 'looking for tasks that nobody drives failed; it is tried again';
  await everyBeat(deps, createSweep(deps), problem, signal);
}

/** Does work every BEAT_MS; of failures in a row the first is logged. */
async function everyBeat(
  { clock, logger }: Pick<SweepDependencies, 'clock' | 'logger'>,
  work: () => Promise<void>,
  problem: string,
  signal: AbortSignal,
): Promise<void> {
  let failing = false;
  while (!signal.aborted) {
    try {
      await work();
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ err: error }, problem);
      failing = true;
    }
    await clock.sleep(BEAT_MS, signal);
  }
}

function createSweep(deps: SweepDependencies): () => Promise<void> {
  const { coordinator, runner, clock, observer } = deps;
  const firstSeen = new Map<string, { readonly atMs: number; readonly position: bigint }>();
  const taken = new Map<string, string>();
  let sweeps = 0;

  const ripeOf = async (found: readonly Unattended[]): Promise<Unattended[]> => {
    const unclaimed = found.filter(({ why }) => why === 'unclaimed');
    const { log, readModels } =
      unclaimed.length > 0 ? await deps.positions() : { log: null, readModels: null };
    const atMs = clock.monotonicMs();
    const still = new Set(unclaimed.map(({ taskId }) => taskId));
    for (const taskId of firstSeen.keys()) if (!still.has(taskId)) firstSeen.delete(taskId);
    for (const taskId of still) {
      if (!firstSeen.has(taskId)) firstSeen.set(taskId, { atMs, position: log ?? 0n });
    }
    return found.filter(({ taskId }) => {
      const first = firstSeen.get(taskId);
      if (runner.isResting(taskId)) return false;
      return !first || (atMs - first.atMs >= SPEAK_UP_MS && (readModels ?? -1n) >= first.position);
    });
  };

  const take = async (tasks: readonly Unattended[]): Promise<void> => {
    if (tasks.length === 0) return;
    const claimed = new Set(await coordinator.claim(tasks.map(({ taskId }) => taskId)));
    for (const { taskId, caseId, executing, why } of tasks.filter((task) => claimed.has(task.taskId))) {
      observer.takenOver(why);
      if (!executing) taken.set(taskId, caseId);
      runner.start(caseId, taskId, null);
    }
  };

  return async () => {
    const driving = new Set(runner.driving());
    for (const taskId of taken.keys()) if (!driving.has(taskId)) taken.delete(taskId);
    const found = (await coordinator.unattended(clock.now(), MOST_CANDIDATES)).filter(
      ({ taskId }) => !driving.has(taskId),
    );
    if (sweeps % PARKED_EVERY === 0) found.push(...(await unattendedParked(deps, sweeps / PARKED_EVERY)));
    sweeps += 1;
    const ripe = await ripeOf(found);
    const waiting = ripe.filter(({ executing }) => !executing);
    const open = ripe.filter(({ executing }) => executing);
    await take([
      ...open,
      ...spread(waiting, [...taken.values()]).slice(0, Math.max(0, AT_ONCE - taken.size)),
    ]);
  };
}

/** Leaves out what would be too much of one case beside what is taken already. */
function spread(tasks: readonly Unattended[], takenOf: readonly string[]): Unattended[] {
  const counts = new Map<string, number>();
  const count = (caseId: string): number => {
    const counted = (counts.get(caseId) ?? 0) + 1;
    counts.set(caseId, counted);
    return counted;
  };
  for (const caseId of takenOf) count(caseId);
  return tasks.filter(({ caseId }) => count(caseId) <= FAIR_SHARE);
}

/** Tasks of parked cases that need somebody, from the cases' own streams; a case that cannot be folded has none. */
async function unattendedParked(
  { parkedCases, cases, runner, clock }: SweepDependencies,
  round: number,
): Promise<Unattended[]> {
  const parked = await parkedCases();
  const start = (round * MOST_PARKED) % Math.max(1, parked.length);
  const driving = new Set(runner.driving());
  const found: Unattended[] = [];
  for (const caseId of [...parked, ...parked].slice(start, start + Math.min(MOST_PARKED, parked.length))) {
    const current = await cases.load(caseId).catch(() => null);
    for (const { taskId, status } of current?.tasks.values() ?? []) {
      const step = current && nextStep(current, taskId, clock.now());
      if (!step || step.kind === 'nothing' || step.kind === 'sleep' || driving.has(taskId)) continue;
      found.push({ taskId, caseId, executing: status === 'EXECUTING', why: 'dead' });
    }
  }
  return found;
}
