import { escapeIdentifier, type Pool } from 'pg';
import type { Row } from './projection.ts';

/** Columns that must have these values; undefined ones do not filter. */
export type Filter = { readonly [column: string]: string | boolean | undefined };

type Value = string | number | boolean;
/** SQL with a `?` for each of its values. */
export type Condition = readonly [sql: string, values: readonly Value[]];

export type Query = {
  readonly table: string;
  readonly conditions: readonly Condition[];
  readonly limit: number;
  readonly order: string;
};

/** Reads whole rows of one read model. */
export type Select = <R extends Row>(query: Query) => Promise<R[]>;

export const createSelect =
  (pool: Pick<Pool, 'query'>): Select =>
  async <R extends Row>(query: Query) => {
    const { text, values } = toSql(query);
    const { rows } = await pool.query<{ row: R }>(text, values);
    return rows.map(({ row }) => row);
  };

export const condition = (sql: string, ...values: Value[]): Condition => [sql, values];

/** A condition on a value, where there is one. */
export const where = (sql: string, value: Value | undefined): Condition[] =>
  value === undefined ? [] : [condition(sql, value)];

export const equal = (filter: Filter): Condition[] =>
  Object.entries(filter).flatMap(([column, value]) => where(`${escapeIdentifier(column)} = ?`, value));

/** A query as SQL, whose rows have one column `row`. Conditions hold a `?` for each value: it is built from this code's own words alone. */
export function toSql({ table, conditions, limit, order }: Query): {
  readonly text: string;
  readonly values: Value[];
} {
  const values: Value[] = [];
  const numbered = conditions.map(([sql, bound]) => {
    let next = 0;
    return sql.replaceAll('?', () => {
      values.push(bound[next++] ?? '');
      return `$${values.length}`;
    });
  });
  const clause = numbered.length > 0 ? `where ${numbered.join(' and ')}` : '';
  values.push(limit);
  const page = `select * from readmodel.${escapeIdentifier(table)} ${clause} order by ${order} limit $${values.length}`;
  // Only what is on the page is made JSON of, whatever the planner knows of the table.
  return { text: `select to_jsonb(t) as row from (${page}) t order by ${order}`, values };
}
