import type { Logger } from '../runtime/logger.ts';
import type { TaskRunner } from './taskRunner.ts';

/** How many unfinished tasks are driven on at one time after a start, so that new ones are not crowded out. */
const AT_ONCE = 16;

/**
 * Drives on every task that an earlier process left unfinished, oldest first.
 *
 * @param unfinished what the read models know as unfinished when they have caught up
 * @returns how many there were
 */
export async function recoverTasks(
  runner: Pick<TaskRunner, 'start' | 'ended'>,
  unfinished: readonly { readonly caseId: string; readonly taskId: string }[],
  logger: Logger,
  signal: AbortSignal,
): Promise<number> {
  if (unfinished.length > 0) logger.info({ tasks: unfinished.length }, 'driving on unfinished tasks');
  const queue = unfinished.values();
  const worker = async (): Promise<void> => {
    for (const { caseId, taskId } of queue) {
      if (signal.aborted) return;
      runner.start(caseId, taskId, null);
      await runner.ended(taskId);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return unfinished.length;
}
