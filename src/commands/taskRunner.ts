import type { Case } from '../domain/case.ts';
import { RefusedError } from '../domain/refusal.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../runtime/logger.ts';
import { atMost } from './atMost.ts';
import type { DriveDependencies, Opening, Received } from './driveTask.ts';
import { driveTask } from './driveTask.ts';
import { ShuttingDownError } from './errors.ts';
import { createTroubles } from './troubles.ts';
import { LOOK_AGAIN_MS } from './waiting.ts';

/** Runs the loop for the tasks that this process drives. */
export type TaskRunner = {
  /**
   * Drives a task in the background, once however often it is asked.
   *
   * @param received the task where this process has received it just now; else the log is looked at first
   */
  readonly start: (caseId: string, taskId: string, traceparent: string | null, received?: Received) => void;
  /**
   * Records what a person decides about a task, and drives on what follows from it. Where this process drives the task already, it
   * waits for that to end, unless `known` tells meanwhile that nothing is left to record.
   *
   * @param known the case where the decision turns out to be a repeat; null where it is still to be made. Its RefusedError is the answer
   * @returns the case with the decision
   * @throws RefusedError of the decision; ShuttingDownError
   */
  readonly decide: (
    caseId: string,
    taskId: string,
    traceparent: string | null,
    decision: Omit<Opening, 'told'>,
    known: () => Promise<Case | null>,
  ) => Promise<{ readonly current: Case; readonly replayed: boolean }>;
  /**
   * Waits until a task is settled (its outcome is there, or it was cancelled), whoever drives it.
   *
   * @param milliseconds longest time to wait
   * @returns the case as far as it got
   */
  readonly settled: (caseId: string, taskId: string, milliseconds: number) => Promise<Case>;
  /** Resolves when this process does not drive the task any more. */
  readonly ended: (taskId: string) => Promise<void>;
  /** Resolves when nothing is in flight any more, or after the given milliseconds. */
  readonly drain: (milliseconds: number) => Promise<void>;
  /** How many tasks this process drives just now. */
  readonly inFlight: () => number;
  /** Which they are. */
  readonly driving: () => readonly string[];
  /** Whether driving a task has failed in a way that time does not heal, so lately that it is not worth another try yet. */
  readonly isResting: (taskId: string) => boolean;
};

/** What a drive begins with, where it is not the log alone; and who is told why it failed. */
type Beginning = {
  readonly opening?: Opening;
  readonly received?: Received | undefined;
  readonly onError?: (error: unknown) => void;
};

export function createTaskRunner(deps: DriveDependencies, logger: Logger): TaskRunner {
  const running = new Map<string, Promise<void>>();
  const troubles = createTroubles(deps.clock);

  const run = async (
    caseId: string,
    taskId: string,
    traceparent: string | null,
    { opening, onError, received }: Beginning,
  ): Promise<void> => {
    try {
      await driveTask(deps, caseId, taskId, traceparent, opening ?? null, received);
      troubles.forget(taskId);
    } catch (error) {
      onError?.(error);
      if (error instanceof ShuttingDownError || error instanceof RefusedError) return;
      const restMs = troubles.add(taskId);
      logger.error(
        { err: error, caseId, taskId, restMs },
        'a task could not be driven on; it is tried again',
      );
    } finally {
      running.delete(taskId);
    }
  };

  return {
    start: (caseId, taskId, traceparent, received) => {
      if (!running.has(taskId)) running.set(taskId, run(caseId, taskId, traceparent, { received }));
    },
    decide: async (caseId, taskId, traceparent, decision, known) => {
      // One at a time drives a task here: perhaps the attempt that this very decision, or another one, has permitted just before.
      for (let other = running.get(taskId); other; other = running.get(taskId)) {
        const current = await known();
        if (current) return { current, replayed: true };
        await Promise.race([other, deps.cases.nextChange(caseId, LOOK_AGAIN_MS)]);
      }
      const { promise, resolve, reject } = Promise.withResolvers<Parameters<Opening['told']>[0]>();
      const opening = { ...decision, told: resolve };
      running.set(taskId, run(caseId, taskId, traceparent, { opening, onError: reject }));
      return promise;
    },
    settled: async (caseId, taskId, milliseconds) => {
      const { cases, clock, shutdown } = deps;
      const end = clock.monotonicMs() + milliseconds;
      for (;;) {
        // What is settled stays so: no look is needed to tell it.
        const known = cases.known(caseId);
        if (isSettledIn(known, taskId)) return known;
        const mine = running.get(taskId);
        const left = end - clock.monotonicMs();
        const isOver = left <= 0 || shutdown.aborted;
        if (mine && !isOver) {
          await atMost(clock, mine, left, shutdown);
          continue;
        }
        const current = await cases.load(caseId);
        if (isOver || !current.tasks.has(taskId) || isSettledIn(current, taskId)) return current;
        await cases.nextChange(caseId, Math.min(left, LOOK_AGAIN_MS));
      }
    },
    ended: async (taskId) => running.get(taskId),
    drain: async (milliseconds) => {
      await atMost(deps.clock, Promise.allSettled(running.values()), milliseconds);
    },
    inFlight: () => running.size,
    driving: () => [...running.keys()],
    isResting: troubles.isResting,
  };
}

const isSettledIn = (current: Case | null, taskId: string): current is Case => {
  const task = current?.tasks.get(taskId);
  return task !== undefined && isSettled(task);
};

/** Whether a task has its answer for ever: an outcome, or it was cancelled. */
export const isSettled = (task: Task): boolean => task.outcome !== null || task.status === 'CANCELLED';
