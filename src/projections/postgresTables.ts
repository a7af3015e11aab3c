import { escapeIdentifier } from 'pg';
import type { Projection } from './projection.ts';

/** The tables that are read. */
export const LIVE = '';
/** Behind the names of tables that are being made anew. */
export const BESIDE = '_rebuilding';

/** The full name of a table of the read models. */
export const tableName = (table: string, suffix: string = LIVE): string =>
  `readmodel.${escapeIdentifier(`${table}${suffix}`)}`;

const indexName = (table: string, suffix: string, index: number): string =>
  escapeIdentifier(`${table}${suffix}_${index}`);

/** SQL that makes the tables of checkpoint and parked cases, where they are missing. */
export const createBookkeeping = (suffix: string): string => `
  create table if not exists ${tableName('checkpoint', suffix)} (
    only_row boolean primary key check (only_row), log_id text not null, fingerprint text not null,
    generation integer not null default 0, position bigint);
  create table if not exists ${tableName('parked', suffix)} (
    stream text primary key, revision bigint not null, position bigint not null, code text not null)`;

/** SQL that makes a projection's table with its indexes. */
export function createTable({ table, key, columns, indexes }: Projection, suffix: string): string {
  const definitions = Object.entries(columns).map(([column, type]) => `${escapeIdentifier(column)} ${type}`);
  const name = tableName(table, suffix);
  const statements = [
    `create table ${name} (${definitions.join(', ')}, primary key (${escapeIdentifier(key)}))`,
    ...indexes.map((list, index) => `create index ${indexName(table, suffix, index)} on ${name} (${list})`),
  ];
  return statements.join(';\n');
}

/**
 * SQL that drops a projection's table and gives its name, and those of its indexes and constraints, to the new one.
 *
 * @param constraints names that the new table's constraints have; which there are depends on the server's version
 */
export function takeNames({ table, indexes }: Projection, constraints: readonly string[]): string {
  const made = `${table}${BESIDE}_`;
  const own = constraints.filter((name) => name.startsWith(made));
  const statements = [
    `drop table ${tableName(table)}`,
    `alter table ${tableName(table, BESIDE)} rename to ${escapeIdentifier(table)}`,
    ...indexes.map(
      (_list, index) =>
        `alter index readmodel.${indexName(table, BESIDE, index)} rename to ${indexName(table, LIVE, index)}`,
    ),
    ...own.map((name) => {
      const wanted = `${table}_${name.slice(made.length)}`;
      return `alter table ${tableName(table)} rename constraint ${escapeIdentifier(name)} to ${escapeIdentifier(wanted)}`;
    }),
  ];
  return statements.join(';\n');
}
