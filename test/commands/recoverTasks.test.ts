import { expect, it } from 'vitest';
import { recoverTasks } from '../../src/commands/recoverTasks.ts';

const logger = { info: () => {}, warn: () => {}, error: () => {} };

it('begins with every task that is in the middle of an attempt: those that wait for it may be many and older', async () => {
  const waiting = Array.from({ length: 40 }, (_, n) => ({
    caseId: 'C1',
    taskId: `waiting-${n}`,
    executing: false,
  }));
  const open = { caseId: 'C1', taskId: 'open', executing: true };
  const started: string[] = [];
  let attemptEnds = (): void => {};
  const attempt = new Promise<void>((resolve) => {
    attemptEnds = resolve;
  });
  const runner = {
    start: (_caseId: string, taskId: string) => {
      started.push(taskId);
      if (taskId === open.taskId) attemptEnds();
    },
    ended: () => attempt,
  };
  const recovered = await recoverTasks(runner, [...waiting, open], logger, new AbortController().signal);
  expect(recovered).toBe(41);
  expect(started).toEqual(['open', ...waiting.map(({ taskId }) => taskId)]);
});
