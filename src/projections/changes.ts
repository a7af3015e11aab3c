import type { Pool } from 'pg';
import type { ReviewRow } from './reviews.ts';
import type { TaskRow } from './tasks.ts';

/** One task whose row has changed, with the row of its review. */
export type Change = { readonly task: TaskRow; readonly review: ReviewRow };

export type Changes = {
  /** In the order of the newest event about each task: at most one a task, as it stands now. */
  readonly changes: readonly Change[];
  /** Everything up to here is among them, or was before. */
  readonly reached: bigint;
};

/**
 * Reads at most so many tasks that have changed behind a position, from one moment of the read models. Whoever goes on from
 * `reached` misses no row's newest state: rows and checkpoint move together, and what changes later is behind that checkpoint.
 * Where the read models have not got to `after` (they are being made anew), nothing is found and `reached` is `after`.
 */
export type ReadChanges = (after: bigint, limit: number) => Promise<Changes>;

export const createReadChanges =
  (pool: Pick<Pool, 'query'>): ReadChanges =>
  async (after, limit) => {
    const { rows } = await pool.query<Found>(CHANGES, [after, limit]);
    const changes = rows.flatMap(({ task, review }) => (task && review ? [{ task, review }] : []));
    return { changes, reached: reachedBy(changes, limit, after, rows[0]?.checkpoint ?? null) };
  };

/** How far a page of changes reaches: to its last row where it is full, else as far as the read models have got. */
export function reachedBy(
  changes: readonly Change[],
  limit: number,
  after: bigint,
  checkpoint: bigint | null,
): bigint {
  const last = changes.at(-1);
  if (last && changes.length === limit) return BigInt(last.task.position);
  return checkpoint !== null && checkpoint > after ? checkpoint : after;
}

type Found = {
  readonly checkpoint: bigint | null;
  readonly task: TaskRow | null;
  readonly review: ReviewRow | null;
};

// Not a join of both tables, for which the planner might read all of the second one.
const CHANGES = `
  with changed as (
    select position, to_jsonb(task) as task,
        (select to_jsonb(review) from readmodel.reviews review where review.task_id = task.task_id) as review
      from readmodel.tasks task where position > $1 order by position limit $2)
  select checkpoint.position as checkpoint, task, review
    from (select position from readmodel.checkpoint limit 1) checkpoint left join changed on true
    order by changed.position`;
