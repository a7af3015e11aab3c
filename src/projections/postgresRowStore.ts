import { type ClientBase, escapeIdentifier, type Pool } from 'pg';
import { classifyPostgresError, codeOf } from '../postgres/errors.ts';
import { withTransaction } from '../postgres/transaction.ts';
import type { Projection, Row } from './projection.ts';
import { type Checkpoint, type ParkedCase, RowRefusedError, type RowStore } from './rowStore.ts';

/** Read models in the schema `readmodel` of Postgres: disposable, made by this code rather than by migrations. */
export function createPostgresRowStore(pool: Pool): RowStore {
  return {
    prepare: async (projections) => {
      await withTransaction(pool, async (client) => {
        await client.query('select pg_advisory_xact_lock(7240311507003)');
        await client.query(BOOKKEEPING);
        for (const projection of projections) await client.query(createTable(projection));
      });
    },
    checkpoint: async () => {
      const { rows } = await pool.query<Checkpoint>(
        'select log_id as "logId", fingerprint, position from readmodel.checkpoint',
      );
      return rows[0] ?? null;
    },
    parked: async () => {
      const { rows } = await pool.query<Omit<ParkedCase, 'revision'> & { revision: bigint }>(
        'select stream, revision, position, code from readmodel.parked order by position',
      );
      return rows.map((row) => ({ ...row, revision: Number(row.revision) }));
    },
    read: async ({ table, key }, keys) => {
      if (keys.length === 0) return new Map();
      const text = `select ${escapeIdentifier(key)} as key, to_jsonb(t) as row from ${tableName(table)} t
        where ${escapeIdentifier(key)} = any($1)`;
      const { rows } = await refusingRows(() => pool.query<{ key: string; row: Row }>(text, [keys]));
      return new Map(rows.map(({ key: value, row }) => [value, row]));
    },
    commit: (before, after, changed, parked) =>
      refusingRows(() =>
        withTransaction(pool, async (client) => {
          if (!(await moveCheckpoint(client, before, after))) return false;
          for (const [projection, rows] of changed) await upsert(client, projection, rows);
          await park(client, parked);
          return true;
        }),
      ),
    reset: async (projections, checkpoint) => {
      await withTransaction(pool, async (client) => {
        for (const { table } of projections) await client.query(`drop table if exists ${tableName(table)}`);
        for (const projection of projections) await client.query(createTable(projection));
        await client.query('delete from readmodel.parked');
        await client.query(
          `insert into readmodel.checkpoint (only_row, log_id, fingerprint, position) values (true, $1, $2, $3)
            on conflict (only_row) do update set log_id = $1, fingerprint = $2, position = $3`,
          [checkpoint.logId, checkpoint.fingerprint, checkpoint.position],
        );
      });
    },
  };
}

const BOOKKEEPING = `
  create table if not exists readmodel.checkpoint (
    only_row boolean primary key check (only_row), log_id text not null, fingerprint text not null, position bigint);
  create table if not exists readmodel.parked (
    stream text primary key, revision bigint not null, position bigint not null, code text not null)`;

const tableName = (table: string): string => `readmodel.${escapeIdentifier(table)}`;

function createTable({ table, key, columns, indexes }: Projection): string {
  const definitions = Object.entries(columns).map(([column, type]) => `${escapeIdentifier(column)} ${type}`);
  const statements = [
    `create table if not exists ${tableName(table)} (${definitions.join(', ')}, primary key (${escapeIdentifier(key)}))`,
    ...indexes.map(
      (list, index) =>
        `create index if not exists ${escapeIdentifier(`${table}_${index}`)} on ${tableName(table)} (${list})`,
    ),
  ];
  return statements.join(';\n');
}

async function moveCheckpoint(client: ClientBase, before: Checkpoint, after: Checkpoint): Promise<boolean> {
  const { rowCount } = await client.query(
    `update readmodel.checkpoint set position = $1
      where log_id = $2 and fingerprint = $3 and position is not distinct from $4`,
    [after.position, before.logId, before.fingerprint, before.position],
  );
  return rowCount === 1;
}

async function upsert(
  client: ClientBase,
  { table, key, columns }: Projection,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(columns).map((column) => escapeIdentifier(column));
  const updates = names
    .filter((name) => name !== escapeIdentifier(key))
    .map((name) => `${name} = excluded.${name}`);
  await client.query(
    `insert into ${tableName(table)} (${names.join(', ')})
      select ${names.join(', ')} from jsonb_populate_recordset(null::${tableName(table)}, $1::jsonb)
      on conflict (${escapeIdentifier(key)}) do update set ${updates.join(', ')}`,
    [JSON.stringify(rows)],
  );
}

async function park(client: ClientBase, parked: readonly ParkedCase[]): Promise<void> {
  for (const { stream, revision, position, code } of parked) {
    await client.query(
      'insert into readmodel.parked (stream, revision, position, code) values ($1, $2, $3, $4) on conflict do nothing',
      [stream, revision, position, code],
    );
  }
}

async function refusingRows<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (classifyPostgresError(error) !== 'data') throw error;
    throw new RowRefusedError(codeOf(error) ?? 'unknown', error);
  }
}
