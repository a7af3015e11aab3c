import type { AuditRow } from '../../src/projections/audit.ts';
import type { MemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import type { Row } from '../../src/projections/projection.ts';
import type { Filter, ReadModels } from '../../src/projections/queries.ts';
import type { ReviewRow } from '../../src/projections/reviews.ts';
import type { Clock } from '../../src/runtime/clock.ts';

const POLL_MS = 2;

/** What the API reads, over a row store in memory: the same answers as the queries give on Postgres. */
export function createMemoryReadModels(rowStore: MemoryRowStore, clock: Clock): ReadModels {
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
    cases: async (page) => newestFirst(rowsOf('cases'), 'opened_position', page),
    tasks: async (page) => newestFirst(rowsOf('tasks'), 'received_position', page),
    audit: async ({ from = '', to = '\u{10ffff}', ...page }) =>
      newestFirst(
        rowsOf<AuditRow>('audit_log').filter(
          ({ settled_at }) => settled_at !== null && settled_at >= from && settled_at < to,
        ),
        'settled_position',
        page,
      ),
    reviews: async ({ filter, limit, after }) =>
      rowsOf<ReviewRow>('reviews')
        .filter((row) => row.state === 'OPEN' && matches(row, filter))
        .sort((a, b) => compare(urgency(a), urgency(b)))
        .filter((row) => after === null || compare(urgency(row), [after.dueBy, after.position]) > 0)
        .slice(0, limit),
    position,
    parkedCases: async () => (await rowStore.parked()).length,
    committed: () => {},
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

type Urgency = readonly [dueBy: string, position: number];
const urgency = (row: ReviewRow): Urgency => [row.due_by ?? '', row.routed_position ?? 0];
const compare = (a: Urgency, b: Urgency): number => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1);
