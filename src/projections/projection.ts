import type { CaseEvent, Recorded } from '../domain/events.ts';
import type { Json } from '../domain/hash.ts';

/** A row of a read model: plain JSON values under column names. */
export type Row = { readonly [column: string]: Json };

/** Postgres types that a column may have. Times are text in ISO 8601 UTC, which sorts as it reads. */
export type ColumnType = 'text' | 'boolean' | 'integer' | 'bigint' | 'double precision' | 'jsonb';

/** A read model: a table, and the pure fold that fills it. */
export type Projection<R extends Row = Row> = {
  /** Table name within the schema `readmodel`. */
  readonly table: string;
  /** The column that identifies a row. */
  readonly key: string & keyof R;
  readonly columns: { readonly [C in keyof R]: ColumnType };
  /** Column lists that queries filter and sort by. */
  readonly indexes: readonly string[];
  /** The key of the row that an event concerns; null for none. */
  readonly keyOf: (event: Recorded<CaseEvent>) => string | null;
  /** The row after an event; `row` is undefined before the first one. */
  readonly evolve: (row: R | undefined, event: Recorded<CaseEvent>) => R;
};

/** Makes a typed projection fit beside others in a list: rows come only from its own `evolve`. */
export const projection = <R extends Row>(definition: Projection<R>): Projection =>
  definition as unknown as Projection;

/** A row that must exist, because an earlier event of the same stream made it. */
export function existing<R>(row: R | undefined, event: Recorded<CaseEvent>): R {
  if (row === undefined) {
    throw new Error(`${event.type} at ${event.stream}/${event.revision} has no row to change`);
  }
  return row;
}
