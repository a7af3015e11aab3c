import type { Pool } from 'pg';
import type { AuditRow } from './audit.ts';
import { type Condition, equal, type Filter, toSql, where } from './select.ts';

/** Bounds of the time of settling (ISO 8601): `from` inclusive, `to` exclusive, `asOf` inclusive. What is undefined bounds nothing. */
export type SettledWithin = {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly asOf?: string | undefined;
};

export const settledWithin = ({ from, to, asOf }: SettledWithin): Condition[] => [
  ...where('settled_at >= ?', from),
  ...where('settled_at < ?', to),
  ...where('settled_at <= ?', asOf),
];

/** A page of the audit log, from its beginning on. */
export type SettledPage = SettledWithin & {
  readonly filter: Filter;
  readonly limit: number;
  /** The position behind which the page begins, and the last one that it may hold. */
  readonly after: number;
  readonly upTo: bigint;
};

/**
 * Reads settled tasks in the order in which they were settled, and how far the read models had got at that very moment: where they are
 * made anew meanwhile, rows are missing for a while.
 */
export type ReadSettled = (
  page: SettledPage,
) => Promise<{ readonly rows: readonly AuditRow[]; readonly reached: bigint | null }>;

export const createReadSettled =
  (pool: Pick<Pool, 'query'>): ReadSettled =>
  async ({ filter, limit, after, upTo, ...within }) => {
    const { text, values } = toSql({
      table: 'audit_log',
      conditions: [
        ['settled_position > ?', [after]],
        ['settled_position <= ?', [Number(upTo)]],
        ...equal(filter),
        ...settledWithin(within),
      ],
      limit,
      order: 'settled_position',
    });
    // One statement sees one state of both.
    const { rows } = await pool.query<{ reached: bigint | null; row: AuditRow | null }>(
      `with page as (${text}) select checkpoint.position as reached, page.row from readmodel.checkpoint
        left join page on true order by (page.row ->> 'settled_position')::bigint`,
      values,
    );
    return { reached: rows[0]?.reached ?? null, rows: rows.flatMap(({ row }) => row ?? []) };
  };
