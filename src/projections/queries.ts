import type { Pool } from 'pg';
import type { ShadowDifference } from '../domain/vocabulary.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AuditRow } from './audit.ts';
import type { CaseRow } from './cases.ts';
import { createReadChanges, type ReadChanges } from './changes.ts';
import { createReviewQueries, type ReviewQueries } from './reviewQueries.ts';
import { type Condition, createSelect, equal, type Filter, where } from './select.ts';
import { createReadSettled, type ReadSettled, type SettledWithin, settledWithin } from './settledRows.ts';
import type { TaskRow } from './tasks.ts';

/** One page: what it filters by, how many rows, and behind which row it begins (null: the first page). */
export type Page<After> = { readonly filter: Filter; readonly limit: number; readonly after: After | null };

/** What the API reads from the read models. */
export type ReadModels = ReviewQueries & {
  /** Cases, newest first. */
  readonly cases: (page: Page<number>) => Promise<CaseRow[]>;
  /** Tasks, newest first. */
  readonly tasks: (page: Page<number>) => Promise<TaskRow[]>;
  /** Settled tasks, newest first. */
  readonly audit: (page: Page<number> & SettledWithin) => Promise<AuditRow[]>;
  /** Settled tasks, oldest first, for those who want all of them. */
  readonly settled: ReadSettled;
  /** How many tasks a shadow policy was evaluated on, by the most dangerous way in which it differed. */
  readonly shadowDifferences: (policyHash: string) => Promise<Partial<Record<ShadowDifference, number>>>;
  readonly changes: ReadChanges;
  /** How far the read models have got; null before the first event. */
  readonly position: () => Promise<bigint | null>;
  readonly parkedCases: () => Promise<number>;
  /** To be told when this process has projected a batch. */
  readonly committed: () => void;
  /** Calls back at each batch that this process projects, until what is returned is called. */
  readonly onCommitted: (listener: () => void) => () => void;
  /** Waits until the read models hold a position. Returns false when they did not within the given milliseconds. */
  readonly caughtUp: (position: bigint, milliseconds: number) => Promise<boolean>;
};

/** How often to look whether another process has projected; commits of this process are heard of at once. */
const POLL_MS = 50;

export function createReadModels(pool: Pool, clock: Clock): ReadModels {
  const listeners = new Set<() => void>();
  const onCommitted: ReadModels['onCommitted'] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const select = createSelect(pool);
  const position = async (): Promise<bigint | null> => {
    const { rows } = await pool.query<{ position: bigint | null }>(
      'select position from readmodel.checkpoint',
    );
    return rows[0]?.position ?? null;
  };
  return {
    ...createReviewQueries(select, pool),
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
    audit: ({ filter, limit, after, ...within }) =>
      select({
        table: 'audit_log',
        conditions: [
          ['settled_position is not null', []],
          ...equal(filter),
          ...before('settled_position', after),
          ...settledWithin(within),
        ],
        limit,
        order: 'settled_position desc',
      }),
    settled: createReadSettled(pool),
    shadowDifferences: async (policyHash) => {
      const { rows } = await pool.query<{ difference: ShadowDifference; count: bigint }>(
        `select shadow_difference as difference, count(*) as count from readmodel.tasks
          where shadow_policy = $1 group by 1`,
        [policyHash],
      );
      return Object.fromEntries(rows.map(({ difference, count }) => [difference, Number(count)]));
    },
    changes: createReadChanges(pool),
    position,
    parkedCases: async () => {
      const { rows } = await pool.query<{ count: bigint }>('select count(*) as count from readmodel.parked');
      return Number(rows[0]?.count ?? 0n);
    },
    committed: () => {
      for (const listener of listeners) listener();
    },
    onCommitted,
    caughtUp: async (wanted, milliseconds) => {
      const end = clock.monotonicMs() + milliseconds;
      let woken = new AbortController();
      const stop = onCommitted(() => woken.abort());
      try {
        for (;;) {
          woken = new AbortController();
          const reached = await position();
          if (reached !== null && reached >= wanted) return true;
          if (clock.monotonicMs() >= end) return false;
          await clock.sleep(POLL_MS, woken.signal);
        }
      } finally {
        stop();
      }
    },
  };
}

const before = (column: string, after: number | null): Condition[] =>
  where(`${column} < ?`, after ?? undefined);
