import { expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import { idle } from '../support/clock.ts';
import { succeeded } from '../support/scripted.ts';
import { startProcess, startWithCase } from '../support/world.ts';

it('an answer that comes after somebody recorded the attempt as unknown is in no event, but is told', async () => {
  const backend = Promise.withResolvers<BackendAnswer>();
  const slow = await startWithCase({ backend: () => backend.promise });
  const answer = slow.submit();
  await idle();
  const [taskId = ''] = (await slow.cases.load('C1001')).tasks.keys();

  const other = startProcess({}, slow.outside);
  await other.clock.runUntil(other.drive(taskId));
  const types = await slow.types();
  expect(types.slice(-2)).toStrictEqual(['ActionExecuted', 'RoutedToManual']);

  backend.resolve(succeeded);
  const { task } = await slow.clock.runUntil(answer);
  expect(task).toMatchObject({ outcome: 'AUTO_FAILED', manual: { codes: ['ACTION_OUTCOME_UNKNOWN'] } });
  expect(await slow.types()).toStrictEqual(types);
  expect(slow.told).toContain('too late SUCCEEDED');
});
