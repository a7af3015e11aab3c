import { type ClientBase, escapeIdentifier, type Pool } from 'pg';
import { classifyPostgresError, codeOf } from '../postgres/errors.ts';
import { withTransaction } from '../postgres/transaction.ts';
import { createBookkeeping, createTable, tableName } from './postgresTables.ts';
import type { Projection, Row } from './projection.ts';
import {
  type Checkpoint,
  isSameCheckpoint,
  type ParkedCase,
  RowRefusedError,
  type RowStore,
} from './rowStore.ts';

/** Read models in the schema `readmodel` of Postgres, in tables whose names end in `suffix`. */
export function rowsIn(pool: Pool, suffix: string): RowStore {
  const name = (table: string): string => tableName(table, suffix);
  return {
    prepare: (projections) =>
      withTransaction(pool, async (client) => {
        await client.query('select pg_advisory_xact_lock(7240311507003)');
        await prepareBookkeeping(client, suffix);
        for (const projection of projections) {
          // Not "if not exists": an index of this version on a table of another one would be refused, or silently missed.
          if (!(await exists(client, name(projection.table)))) {
            await client.query(createTable(projection, suffix));
          }
        }
      }),
    checkpoint: () => readCheckpoint(pool, name('checkpoint')),
    parked: async () => {
      const { rows } = await pool.query<Omit<ParkedCase, 'revision'> & { revision: bigint }>(
        `select stream, revision, position, code from ${name('parked')} order by position`,
      );
      return rows.map((row) => ({ ...row, revision: Number(row.revision) }));
    },
    read: async ({ table, key }, keys) => {
      if (keys.length === 0) return new Map();
      const text = `select ${escapeIdentifier(key)} as key, to_jsonb(t) as row from ${name(table)} t
        where ${escapeIdentifier(key)} = any($1)`;
      const { rows } = await refusingRows(() => pool.query<{ key: string; row: Row }>(text, [keys]));
      return new Map(rows.map(({ key: value, row }) => [value, row]));
    },
    commit: (before, after, changed, parked) =>
      refusingRows(() =>
        withTransaction(pool, async (client) => {
          if (!(await moveCheckpoint(client, name('checkpoint'), before, after))) return false;
          for (const [projection, rows] of changed) {
            await upsert(client, name(projection.table), projection, rows);
          }
          await park(client, name('parked'), parked);
          return true;
        }),
      ),
    reset: (projections, madeFrom, before) =>
      withTransaction(pool, async (client) => {
        await prepareBookkeeping(client, suffix);
        // In the order of every other writer, so that none waits for another in a circle.
        await client.query(`lock table ${name('checkpoint')} in exclusive mode`);
        if (!isSameCheckpoint(await readCheckpoint(client, name('checkpoint')), before)) return null;
        for (const projection of projections) {
          await client.query(`drop table if exists ${name(projection.table)}`);
          await client.query(createTable(projection, suffix));
        }
        await client.query(`delete from ${name('parked')}`);
        return beginAnew(client, name('checkpoint'), { ...madeFrom, position: null });
      }),
  };
}

/** The checkpoint in a table; null in an empty one. */
export async function readCheckpoint(
  database: Pick<ClientBase, 'query'>,
  table: string,
): Promise<Checkpoint | null> {
  const { rows } = await database.query<Checkpoint>(
    `select log_id as "logId", fingerprint, generation, position from ${table}`,
  );
  return rows[0] ?? null;
}

/** Sets the checkpoint of rows that were made anew, and returns it. */
export async function beginAnew(
  client: ClientBase,
  table: string,
  { logId, fingerprint, position }: Omit<Checkpoint, 'generation'>,
): Promise<Checkpoint> {
  const { rows } = await client.query<{ generation: number }>(
    `insert into ${table} as old (only_row, log_id, fingerprint, position, generation) values (true, $1, $2, $3, 1)
      on conflict (only_row) do update
        set log_id = $1, fingerprint = $2, position = $3, generation = old.generation + 1
      returning generation`,
    [logId, fingerprint, position],
  );
  return { logId, fingerprint, generation: rows[0]?.generation ?? 0, position };
}

async function prepareBookkeeping(client: ClientBase, suffix: string): Promise<void> {
  await client.query(createBookkeeping(suffix));
  const table = tableName('checkpoint', suffix);
  const { rowCount } = await client.query(
    "select from pg_attribute where attrelid = to_regclass($1) and attname = 'generation'",
    [table],
  );
  // Earlier versions made it without. Not "if not exists", which keeps all readers waiting also when it does nothing.
  if (rowCount === 0)
    await client.query(`alter table ${table} add column generation integer not null default 0`);
}

async function exists(client: ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    table,
  ]);
  return rows[0]?.found === true;
}

async function moveCheckpoint(
  client: ClientBase,
  table: string,
  before: Checkpoint,
  after: Checkpoint,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update ${table} set position = $1
      where log_id = $2 and fingerprint = $3 and generation = $4 and position is not distinct from $5`,
    [after.position, before.logId, before.fingerprint, before.generation, before.position],
  );
  return rowCount === 1;
}

async function upsert(
  client: ClientBase,
  name: string,
  { key, columns }: Projection,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const names = Object.keys(columns).map((column) => escapeIdentifier(column));
  const updates = names
    .filter((column) => column !== escapeIdentifier(key))
    .map((column) => `${column} = excluded.${column}`);
  await client.query(
    `insert into ${name} (${names.join(', ')})
      select ${names.join(', ')} from jsonb_populate_recordset(null::${name}, $1::jsonb)
      on conflict (${escapeIdentifier(key)}) do update set ${updates.join(', ')}`,
    [JSON.stringify(rows)],
  );
}

async function park(client: ClientBase, table: string, parked: readonly ParkedCase[]): Promise<void> {
  for (const { stream, revision, position, code } of parked) {
    await client.query(
      `insert into ${table} (stream, revision, position, code) values ($1, $2, $3, $4) on conflict do nothing`,
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
