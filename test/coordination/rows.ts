import { caseStream } from '../../src/domain/identifiers.ts';
import type { TaskStatus } from '../../src/domain/vocabulary.ts';
import { projection } from '../../src/projections/projection.ts';
import type { RowStore } from '../../src/projections/rowStore.ts';
import { type TaskRow, tasksProjection } from '../../src/projections/tasks.ts';
import { AT } from '../support/builders.ts';

export const NOW = '2026-01-01T12:00:00.000Z';

/** A task's row: number `n` is of the case `C{n}`, and older than number n + 1. */
export function taskRow(n: number, status: TaskStatus, changes: Partial<TaskRow> = {}): TaskRow {
  return {
    task_id: `C${n}~${String(n).padStart(32, '0')}`,
    case_id: `C${n}`,
    status,
    outcome: null,
    attempts: 0,
    succeeded: false,
    due_at: null,
    channel: 'SYSTEM',
    user_role: 'OPS',
    intent: null,
    route_target: null,
    confidence: null,
    reason_code: null,
    decision_source: null,
    shadow_policy: null,
    shadow_difference: null,
    received_at: AT,
    updated_at: AT,
    revision: n,
    position: n,
    received_position: n,
    ...changes,
  };
}

export const emptyTasks = async (rowStore: RowStore): Promise<unknown> =>
  rowStore.reset(
    [projection(tasksProjection)],
    { logId: 'log', fingerprint: 'test' },
    await rowStore.checkpoint().catch(() => null),
  );

/** Writes tasks and parks cases, as a projector does. */
export async function putTasks(
  rowStore: RowStore,
  rows: readonly TaskRow[],
  parkedCases: readonly string[] = [],
): Promise<void> {
  const checkpoint = await rowStore.checkpoint();
  if (!checkpoint) throw new Error('there are no read models yet');
  const parked = parkedCases.map((caseId) => ({
    stream: caseStream(caseId),
    revision: 1,
    position: 1n,
    code: 'TEST',
  }));
  const changed = new Map([[projection(tasksProjection), rows]]);
  if (!(await rowStore.commit(checkpoint, checkpoint, changed, parked)))
    throw new Error('nothing was written');
}
