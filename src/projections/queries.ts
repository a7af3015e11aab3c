import { escapeIdentifier, type Pool } from 'pg';
import type { Clock } from '../runtime/clock.ts';
import type { AuditRow } from './audit.ts';
import type { CaseRow } from './cases.ts';
import type { Row } from './projection.ts';
import type { ReviewRow } from './reviews.ts';
import type { TaskRow } from './tasks.ts';

/** Columns that must have these values; undefined ones do not filter. */
export type Filter = { readonly [column: string]: string | undefined };

/** One page: what it filters by, how many rows, and behind which row it begins (null: the first page). */
export type Page<After> = { readonly filter: Filter; readonly limit: number; readonly after: After | null };

/** What the API reads from the read models. */
export type ReadModels = {
  /** Cases, newest first. */
  readonly cases: (page: Page<number>) => Promise<CaseRow[]>;
  /** Tasks, newest first. */
  readonly tasks: (page: Page<number>) => Promise<TaskRow[]>;
  /** Settled tasks, newest first; `from` and `to` bound the time of settling, inclusive and exclusive. */
  readonly audit: (
    page: Page<number> & { readonly from?: string | undefined; readonly to?: string | undefined },
  ) => Promise<AuditRow[]>;
  /** Open reviews, the most urgent first. */
  readonly reviews: (
    page: Page<{ readonly dueBy: string; readonly position: number }>,
  ) => Promise<ReviewRow[]>;
  /** How far the read models have got; null before the first event. */
  readonly position: () => Promise<bigint | null>;
  readonly parkedCases: () => Promise<number>;
  /** To be told when this process has projected a batch. */
  readonly committed: () => void;
  /** Waits until the read models hold a position. Returns false when they did not within the given milliseconds. */
  readonly caughtUp: (position: bigint, milliseconds: number) => Promise<boolean>;
};

/** How often to look whether another process has projected; commits of this process are heard of at once. */
const POLL_MS = 50;

export function createReadModels(pool: Pool, clock: Clock): ReadModels {
  let nextCommit = new AbortController();
  const select = async <R extends Row>(query: Query): Promise<R[]> => {
    const { text, values } = toSql(query);
    const { rows } = await pool.query<{ row: R }>(text, values);
    return rows.map(({ row }) => row);
  };
  const position = async (): Promise<bigint | null> => {
    const { rows } = await pool.query<{ position: bigint | null }>(
      'select position from readmodel.checkpoint',
    );
    return rows[0]?.position ?? null;
  };
  return {
    cases: ({ filter, limit, after }) =>
      select({
        table: 'cases',
        conditions: [...equal(filter), ...before('opened_position', after)],
        limit,
        order: 'opened_position desc',
      }),
    tasks: ({ filter, limit, after }) =>
      select({
        table: 'tasks',
        conditions: [...equal(filter), ...before('received_position', after)],
        limit,
        order: 'received_position desc',
      }),
    audit: ({ filter, limit, after, from, to }) =>
      select({
        table: 'audit_log',
        conditions: [
          ['settled_position is not null', []],
          ...equal(filter),
          ...before('settled_position', after),
          ...(from === undefined ? [] : [condition('settled_at >= ?', from)]),
          ...(to === undefined ? [] : [condition('settled_at < ?', to)]),
        ],
        limit,
        order: 'settled_position desc',
      }),
    reviews: ({ filter, limit, after }) =>
      select({
        table: 'reviews',
        conditions: [
          condition('state = ?', 'OPEN'),
          ...equal(filter),
          ...(after ? [condition('(due_by, routed_position) > (?, ?)', after.dueBy, after.position)] : []),
        ],
        limit,
        order: 'due_by, routed_position',
      }),
    position,
    parkedCases: async () => {
      const { rows } = await pool.query<{ count: bigint }>('select count(*) as count from readmodel.parked');
      return Number(rows[0]?.count ?? 0n);
    },
    committed: () => {
      nextCommit.abort();
      nextCommit = new AbortController();
    },
    caughtUp: async (wanted, milliseconds) => {
      const end = clock.monotonicMs() + milliseconds;
      for (;;) {
        const reached = await position();
        if (reached !== null && reached >= wanted) return true;
        if (clock.monotonicMs() >= end) return false;
        await clock.sleep(POLL_MS, nextCommit.signal);
      }
    },
  };
}

type Condition = readonly [sql: string, values: readonly (string | number)[]];
type Query = {
  readonly table: string;
  readonly conditions: readonly Condition[];
  readonly limit: number;
  readonly order: string;
};

const condition = (sql: string, ...values: (string | number)[]): Condition => [sql, values];

const before = (column: string, after: number | null): Condition[] =>
  after === null ? [] : [condition(`${column} < ?`, after)];

const equal = (filter: Filter): Condition[] =>
  Object.entries(filter).flatMap(([column, value]) =>
    value === undefined ? [] : [condition(`${escapeIdentifier(column)} = ?`, value)],
  );

/** Conditions hold a `?` for each value, so that SQL is built from this file's own words alone. */
function toSql({ table, conditions, limit, order }: Query): { text: string; values: (string | number)[] } {
  const values: (string | number)[] = [];
  const where = conditions.map(([sql, bound]) => {
    let next = 0;
    return sql.replaceAll('?', () => {
      values.push(bound[next++] ?? '');
      return `$${values.length}`;
    });
  });
  const clause = where.length > 0 ? `where ${where.join(' and ')}` : '';
  values.push(limit);
  return {
    text: `select to_jsonb(t) as row from readmodel.${escapeIdentifier(table)} t ${clause} order by ${order} limit $${values.length}`,
    values,
  };
}
