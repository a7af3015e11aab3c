import { escapeIdentifier, type Pool } from 'pg';
import { tableName } from './postgresTables.ts';
import type { Projection } from './projection.ts';

/** Reads the next keys of a read model, in an order of the database's own; `after` is the last one before them, null to begin. */
export type ReadKeys = (projection: Projection, after: string | null, limit: number) => Promise<string[]>;

export const createReadKeys =
  (pool: Pick<Pool, 'query'>): ReadKeys =>
  async ({ table, key }, after, limit) => {
    const column = escapeIdentifier(key);
    const { rows } = await pool.query<{ key: string }>(
      `select ${column} as key from ${tableName(table)} where $1::text is null or ${column} > $1
        order by ${column} limit $2`,
      [after, limit],
    );
    return rows.map((row) => row.key);
  };
