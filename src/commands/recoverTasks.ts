import type { Logger } from '../runtime/logger.ts';
import type { TaskRunner } from './taskRunner.ts';

/** How many unfinished tasks are driven on at one time after a start, so that new ones are not crowded out. */
const AT_ONCE = 16;

/** A task that an earlier process left unfinished; `executing`: in the middle of an attempt. */
export type UnfinishedTask = {
  readonly caseId: string;
  readonly taskId: string;
  readonly executing: boolean;
};

/**
 * Drives on every task that an earlier process left unfinished, oldest first. Those in the middle of an attempt all begin
 * at once: the others of their case wait until that attempt has ended, and must not keep it from ending.
 *
 * @param unfinished what the read models know as unfinished when they have caught up
 * @returns how many there were
 */
export async function recoverTasks(
  runner: Pick<TaskRunner, 'start' | 'ended'>,
  unfinished: readonly UnfinishedTask[],
  logger: Logger,
  signal: AbortSignal,
): Promise<number> {
  if (unfinished.length > 0) logger.info({ tasks: unfinished.length }, 'driving on unfinished tasks');
  const executing = unfinished.filter((task) => task.executing);
  for (const { caseId, taskId } of executing) runner.start(caseId, taskId, null);
  const queue = unfinished.filter((task) => !task.executing).values();
  const worker = async (): Promise<void> => {
    for (const { caseId, taskId } of queue) {
      if (signal.aborted) return;
      runner.start(caseId, taskId, null);
      await runner.ended(taskId);
    }
  };
  await Promise.all([
    ...executing.map(({ taskId }) => runner.ended(taskId)),
    ...Array.from({ length: AT_ONCE }, worker),
  ]);
  return unfinished.length;
}
