import { canonicalJson } from '../domain/hash.ts';
import { applyBatch, type BatchEvent, parkedAt } from '../projections/applyBatch.ts';
import type { Projection, Row } from '../projections/projection.ts';
import type { Decoded } from './readEvents.ts';
import type { Mismatch } from './report.ts';

/** Rows by key, of each read model. */
export type Rows = ReadonlyMap<Projection, ReadonlyMap<string, Row>>;

/** The rows that a fresh fold of one case's events makes, as of a position of the log. */
export function expectedRows(
  projections: readonly Projection[],
  events: readonly Decoded[],
  position: bigint | null,
): Rows {
  const upTo = events.filter(({ raw }) => position !== null && raw.position <= position);
  const batch = upTo.map(
    (each): BatchEvent =>
      each.kind === 'event'
        ? { kind: 'event', event: each.event }
        : { kind: 'poison', parked: parkedAt(each.raw, 'MALFORMED_EVENT') },
  );
  const { rows } = applyBatch(projections, batch, new Map(), new Set());
  return new Map(
    [...rows].map(([projection, made]) => [
      projection,
      new Map(made.map((row) => [String(row[projection.key]), row])),
    ]),
  );
}

/** A row that is not as it should be, and where. */
export type RowProblem = { readonly row: NonNullable<Mismatch['row']>; readonly detail: string };

/** What is different in rows that are there. Columns that the read model does not have are no concern of the fold. */
export function differences(expected: Rows, found: Rows): RowProblem[] {
  return [...expected].flatMap(([projection, rows]) => {
    const { table, columns } = projection;
    return [...rows].flatMap(([key, row]): RowProblem[] => {
      const actual = found.get(projection)?.get(key);
      if (!actual) return [{ row: { table, key, column: null }, detail: 'the row is missing' }];
      return Object.keys(columns)
        .filter((column) => textOf(row[column]) !== textOf(actual[column]))
        .map((column) => ({ row: { table, key, column }, detail: 'the column is not what the log says' }));
    });
  });
}

const textOf = (value: unknown): string => (value === undefined ? '' : canonicalJson(value));
