import type { AuditRow } from '../../src/projections/audit.ts';
import { type Change, reachedBy } from '../../src/projections/changes.ts';
import type { MemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import type { Row } from '../../src/projections/projection.ts';
import type { ReadModels } from '../../src/projections/queries.ts';
import type { Filter } from '../../src/projections/select.ts';
import type { TaskRow } from '../../src/projections/tasks.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { memoryReviewQueries } from './memoryReviewQueries.ts';

const POLL_MS = 2;

/** What the API reads, over a row store in memory: the same answers as the queries give on Postgres. */
export function createMemoryReadModels(rowStore: MemoryRowStore, clock: Clock): ReadModels {
  const listeners = new Set<() => void>();
  const rowsOf = <R extends Row>(table: string): R[] => [...rowStore.rows(table)] as R[];
  const newestFirst = <R extends Row>(
    rows: readonly R[],
    column: string,
    { filter, limit, after }: { filter: Filter; limit: number; after: number | null },
  ): R[] =>
    rows
      .filter((row) => matches(row, filter) && row[column] !== null)
      .filter((row) => after === null || Number(row[column]) < after)
      .sort((a, b) => Number(b[column]) - Number(a[column]))
      .slice(0, limit);
  const position = async (): Promise<bigint | null> => (await rowStore.checkpoint())?.position ?? null;
  return {
    ...memoryReviewQueries(
      () => rowsOf('reviews'),
      () => rowsOf('tasks'),
    ),
    cases: async (page) => newestFirst(rowsOf('cases'), 'opened_position', page),
    tasks: async (page) => newestFirst(rowsOf('tasks'), 'received_position', page),
    audit: async ({ from = '', to = '\u{10ffff}', asOf = '\u{10ffff}', ...page }) =>
      newestFirst(
        rowsOf<AuditRow>('audit_log').filter(
          ({ settled_at: at }) => at !== null && at >= from && at < to && at <= asOf,
        ),
        'settled_position',
        page,
      ),
    settled: async ({ filter, limit, after, upTo, from = '', to = '\u{10ffff}', asOf = '\u{10ffff}' }) => {
      const settled = rowsOf<AuditRow>('audit_log').filter(
        ({ settled_at: at, settled_position: place }) =>
          at !== null &&
          at >= from &&
          at < to &&
          at <= asOf &&
          Number(place) > after &&
          Number(place) <= upTo,
      );
      const rows = settled
        .filter((row) => matches(row, filter))
        .sort((a, b) => Number(a.settled_position) - Number(b.settled_position))
        .slice(0, limit);
      return { rows, reached: await position() };
    },
    shadowDifferences: async (policyHash) => {
      const tasks = rowsOf<TaskRow>('tasks').filter((row) => row.shadow_policy === policyHash);
      const byDifference = Map.groupBy(tasks, (row) => row.shadow_difference);
      return Object.fromEntries([...byDifference].map(([difference, rows]) => [difference, rows.length]));
    },
    changes: async (after, limit) => {
      const checkpoint = await position();
      const reviews = new Map(rowsOf<Change['review']>('reviews').map((row) => [row.task_id, row]));
      const changes = rowsOf<TaskRow>('tasks')
        .filter((row) => row.position > after)
        .sort((a, b) => a.position - b.position)
        .slice(0, limit)
        .flatMap((task) => {
          const review = reviews.get(task.task_id);
          return review ? [{ task, review }] : [];
        });
      return { changes, reached: reachedBy(changes, limit, after, checkpoint) };
    },
    position,
    parkedCases: async () => (await rowStore.parked()).length,
    committed: () => {
      for (const listener of listeners) listener();
    },
    onCommitted: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    caughtUp: async (wanted, milliseconds) => {
      const end = clock.monotonicMs() + milliseconds;
      for (;;) {
        const reached = await position();
        if (reached !== null && reached >= wanted) return true;
        if (clock.monotonicMs() >= end) return false;
        await clock.sleep(POLL_MS);
      }
    },
  };
}

const matches = (row: Row, filter: Filter): boolean =>
  Object.entries(filter).every(([column, value]) => value === undefined || row[column] === value);
