import type { Coordinator, Unattended } from '../../../src/coordination/port.ts';
import type { TaskRow } from '../../../src/projections/tasks.ts';
import type { Host } from '../host.ts';
import type { Link } from '../link.ts';
import type { Shared } from '../shared.ts';

/** What a coordinator says that is not so. */
export type Lies = {
  /** Everybody leads. */
  leads: boolean;
  /** Everybody gets what it claims. */
  claims: boolean;
  /** Tasks that others drive count as unattended. */
  unattended: boolean;
};

/** The coordinator as one process sees it. */
export function coordinatorOf(
  host: Host,
  link: Link,
  { coordination, rows }: Shared,
  lies: Lies,
): Coordinator {
  const honest = coordination.forProcess(host.processId, rows);
  const call = <T>(method: string, changes: boolean, work: () => Promise<T>): Promise<T> =>
    link.call(host, { channel: 'coordinator', method, changes, work });
  const everyTask = (): Unattended[] =>
    (rows.rows('tasks') as unknown as TaskRow[])
      .filter(({ status }) => !['IN_REVIEW', 'COMPLETED', 'REJECTED', 'CANCELLED'].includes(status))
      .map(({ task_id, case_id, status }) => ({
        taskId: task_id,
        caseId: case_id,
        executing: status === 'EXECUTING',
        why: 'dead',
      }));
  // As in Postgres: a beat that was sent before a claim was answered does not forget what that has taken.
  let [claims, answered, newest] = [0, 0, 0];
  let known: readonly string[] = [];
  return {
    beat: (driving) => {
      const upTo = answered;
      return call('beat', true, () => {
        known = newest <= upTo ? [...driving] : [...new Set([...known, ...driving])];
        return honest.beat(known);
      });
    },
    unattended: (now, limit) =>
      call('unattended', false, async () => (lies.unattended ? everyTask() : honest.unattended(now, limit))),
    claim: async (taskIds) => {
      claims += 1;
      const claim = claims;
      try {
        return await call('claim', true, async () => {
          const taken = await honest.claim(taskIds);
          if (taken.length > 0) newest = claim;
          known = [...new Set([...known, ...taken])];
          return lies.claims ? [...taskIds] : taken;
        });
      } finally {
        answered = claim;
      }
    },
    lead: () => call('lead', true, async () => (await honest.lead()) || lies.leads),
    resign: () => call('resign', true, () => honest.resign()),
    leave: () => call('leave', true, () => honest.leave()),
  };
}
