import { caseStream } from '../domain/identifiers.ts';
import type { MemoryRowStore } from '../projections/memoryRowStore.ts';
import type { TaskRow } from '../projections/tasks.ts';
import type { Clock } from '../runtime/clock.ts';
import { ALIVE_MS, type Coordinator, FAIR_SHARE, type Unattended } from './port.ts';

/** What Postgres is between processes, for tests and simulation. */
export type MemoryCoordination = {
  /** The coordinator of one process; `rowStore` holds the read models that the processes share. */
  readonly forProcess: (processId: string, rowStore: Pick<MemoryRowStore, 'rows' | 'parked'>) => Coordinator;
  /** Forgets everything, as a crash of Postgres does. */
  readonly forget: () => void;
};

type Said = { readonly at: number; readonly driving: readonly string[] };

const FORGOTTEN_MS = 600_000;
const UNFINISHED = ['RECEIVED', 'DECIDED', 'EXECUTING', 'OUTCOME_UNKNOWN'];
const WAITING = ['RETRY_SCHEDULED', 'IN_REVIEW'];

/**
 * Coordination in memory: the same answers as in Postgres, each of them atomic, without timers and without chance.
 *
 * @param clock the coordinator's own, which may jump like a database's
 */
export function createMemoryCoordination(clock: Pick<Clock, 'now'>): MemoryCoordination {
  const processes = new Map<string, Said>();
  let leader: { readonly processId: string; readonly at: number } | null = null;

  const now = (): number => Date.parse(clock.now());
  const holds = (at: number): boolean => Math.abs(now() - at) < ALIVE_MS;
  const drivenBy = (who: (processId: string, said: Said) => boolean): Set<string> =>
    new Set([...processes].flatMap(([id, said]) => (who(id, said) ? said.driving : [])));

  const unattended = (rows: readonly TaskRow[], parked: ReadonlySet<string>, due: string): Unattended[] => {
    const live = drivenBy((_, { at }) => holds(at));
    const dead = drivenBy((_, { at }) => !holds(at));
    return rows
      .filter(
        (row) => needsSomebody(row, due) && !live.has(row.task_id) && !parked.has(caseStream(row.case_id)),
      )
      .toSorted(byUrgency)
      .map(rankedInCase())
      .toSorted((a, b) => Number(a.isOver) - Number(b.isOver))
      .map(({ row: { task_id, case_id, status } }) => ({
        taskId: task_id,
        caseId: case_id,
        executing: status === 'EXECUTING',
        why: WAITING.includes(status) ? 'due' : dead.has(task_id) ? 'dead' : 'unclaimed',
      }));
  };

  const forProcess: MemoryCoordination['forProcess'] = (processId, rowStore) => ({
    beat: async (driving) => {
      for (const [id, { at }] of processes) if (now() - at > FORGOTTEN_MS) processes.delete(id);
      processes.set(processId, { at: now(), driving: [...driving] });
    },
    unattended: async (due, limit) => {
      const parked = new Set((await rowStore.parked()).map(({ stream }) => stream));
      return unattended(rowStore.rows('tasks') as unknown as TaskRow[], parked, due).slice(0, limit);
    },
    claim: async (taskIds) => {
      const mine = processes.get(processId);
      if (!mine || !holds(mine.at)) return [];
      const others = drivenBy((id, { at }) => id !== processId && holds(at));
      const taken = [...new Set(taskIds)].filter((taskId) => !others.has(taskId));
      processes.set(processId, { at: mine.at, driving: [...new Set([...mine.driving, ...taken])] });
      return taken;
    },
    lead: async () => {
      if (leader && leader.processId !== processId && holds(leader.at)) return false;
      leader = { processId, at: now() };
      return true;
    },
    resign: async () => {
      if (leader?.processId === processId) leader = null;
    },
    leave: async () => {
      processes.delete(processId);
      if (leader?.processId === processId) leader = null;
    },
  });

  return {
    forProcess,
    forget: () => {
      processes.clear();
      leader = null;
    },
  };
}

const needsSomebody = ({ status, due_at }: TaskRow, due: string): boolean =>
  UNFINISHED.includes(status) || (WAITING.includes(status) && due_at !== null && due_at <= due);

const byUrgency = (a: TaskRow, b: TaskRow): number =>
  Number(b.status === 'EXECUTING') - Number(a.status === 'EXECUTING') ||
  a.received_position - b.received_position;

/** Says of each row whether its case has had its fair share before it; open attempts come first whatever there is. */
function rankedInCase(): (row: TaskRow) => { readonly row: TaskRow; readonly isOver: boolean } {
  const counts = new Map<string, number>();
  return (row) => {
    if (row.status === 'EXECUTING') return { row, isOver: false };
    const count = (counts.get(row.case_id) ?? 0) + 1;
    counts.set(row.case_id, count);
    return { row, isOver: count > FAIR_SHARE };
  };
}
