import { expect, it } from 'vitest';
import { ALIVE_MS, type Coordinator } from '../../src/coordination/port.ts';
import type { CoordinationUnderTest } from './contract.ts';
import { NOW, putTasks, taskRow } from './rows.ts';

const id = (n: number): string => taskRow(n, 'RECEIVED').task_id;
const seen = async (coordinator: Coordinator): Promise<[string, string][]> =>
  (await coordinator.unattended(NOW, 100)).map(({ taskId, why }) => [taskId, why]);

/** What every coordinator must find once its time has come. */
export function itFindsWhatIsDue(world: () => CoordinationUnderTest): void {
  it('retries that are due by the time given', async () => {
    await putTasks(world().rowStore, [
      taskRow(1, 'RETRY_SCHEDULED', { due_at: NOW }),
      taskRow(2, 'RETRY_SCHEDULED', { due_at: '2026-01-01T12:00:00.001Z' }),
      taskRow(3, 'RETRY_SCHEDULED', { due_at: '2025-12-31T23:59:59.999Z' }),
    ]);
    expect(await world().process().unattended(NOW, 10)).toEqual([
      { taskId: id(1), caseId: 'C1', executing: false, why: 'due' },
      { taskId: id(3), caseId: 'C3', executing: false, why: 'due' },
    ]);
  });

  it('reviews that nobody has decided in time, the oldest task first among all that is due', async () => {
    await putTasks(world().rowStore, [
      taskRow(1, 'IN_REVIEW', { due_at: '2026-01-01T12:00:00.001Z' }),
      taskRow(2, 'IN_REVIEW', { due_at: NOW }),
      taskRow(3, 'IN_REVIEW'),
      taskRow(4, 'RETRY_SCHEDULED', { due_at: NOW }),
      taskRow(5, 'IN_REVIEW', { due_at: '2025-12-31T23:59:59.999Z' }),
    ]);
    expect(await seen(world().process())).toEqual([2, 4, 5].map((n) => [id(n), 'due']));
  });

  it('what is due and was a dead process’s as due', async () => {
    const [gone, other] = [world().process(), world().process()];
    await putTasks(world().rowStore, [taskRow(1, 'IN_REVIEW', { due_at: NOW })]);
    await gone.beat([id(1)]);
    expect(await seen(other)).toEqual([]);
    await world().advance(ALIVE_MS + 1);
    expect(await seen(other)).toEqual([[id(1), 'due']]);
  });
}
