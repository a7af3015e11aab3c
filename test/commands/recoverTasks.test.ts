import { setImmediate } from 'node:timers/promises';
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

it('drives on at most 16 tasks at one time, oldest first, so that new ones are not crowded out', async () => {
  const unfinished = Array.from({ length: 40 }, (_, n) => ({
    caseId: `C${n}`,
    taskId: `task-${n}`,
    executing: false,
  }));
  const started: string[] = [];
  const running = new Map<string, () => void>();
  const seen: number[] = [];
  const runner = {
    start: (_caseId: string, taskId: string) => {
      started.push(taskId);
    },
    ended: (taskId: string) =>
      new Promise<void>((resolve) => {
        running.set(taskId, resolve);
      }),
  };
  const recovered = recoverTasks(runner, unfinished, logger, new AbortController().signal);
  for (let ended = 0; ended < unfinished.length; ended += 1) {
    await setImmediate();
    seen.push(running.size);
    const [oldest] = running;
    if (!oldest) break;
    running.delete(oldest[0]);
    oldest[1]();
  }
  expect(await recovered).toBe(40);
  expect(started).toEqual(unfinished.map(({ taskId }) => taskId));
  // Full as long as there is something to fill it with: 24 ends start another one, then it empties.
  expect(seen).toEqual([
    ...Array.from({ length: 24 }, () => 16),
    ...Array.from({ length: 16 }, (_, n) => 16 - n),
  ]);
});
