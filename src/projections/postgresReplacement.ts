import type { ClientBase, Pool, PoolClient } from 'pg';
import { classifyPostgresError, codeOf } from '../postgres/errors.ts';
import { withTransaction } from '../postgres/transaction.ts';
import { beginAnew, readCheckpoint, rowsIn } from './postgresRows.ts';
import { BESIDE, LIVE, tableName, takeNames } from './postgresTables.ts';
import type { Projection } from './projection.ts';
import { CheckpointMovedError } from './projector.ts';
import type { Replacement } from './rowStore.ts';

const REPLACEMENT_LOCK = 7240311507006n;
/**
 * How long to wait for a vacuum, which ends itself after a second (`deadlock_timeout`) for whoever waits. This comes first, in a mode
 * that keeps neither readers nor writers waiting.
 */
const MAINTENANCE_MS = 3_000;

/**
 * Begins to make all rows anew in tables beside those that are read. A session lock, which ends with its connection, keeps
 * others away; should it be lost unnoticed, the checkpoint of the new rows still lets only one write them.
 *
 * @returns null while another one is in the making
 */
export async function beginReplacement(
  pool: Pool,
  projections: readonly Projection[],
): Promise<Replacement | null> {
  const holder = await pool.connect();
  // Nobody else listens, and an unheard 'error' event ends the process.
  const onError = (): void => {};
  holder.on('error', onError);
  const letGo = (broken: boolean): void => {
    holder.removeListener('error', onError);
    holder.release(broken);
  };
  try {
    const { rows } = await holder.query<{ ours: boolean }>('select pg_try_advisory_lock($1) as ours', [
      REPLACEMENT_LOCK,
    ]);
    if (rows[0]?.ours !== true) {
      letGo(false);
      return null;
    }
    await dropTablesBeside(holder);
  } catch (error) {
    letGo(true);
    throw error;
  }
  let planned = false;
  return {
    rows: rowsIn(pool, BESIDE),
    swap: async (catchUp, patienceMs) => {
      if (!planned) await tellPlanner(pool, projections);
      planned = true;
      return swap(pool, projections, catchUp, patienceMs);
    },
    end: () => end(holder, letGo),
  };
}

/** By the holder of the lock alone: whoever has lost it must not drop what the next one makes. */
async function end(holder: PoolClient, letGo: (broken: boolean) => void): Promise<void> {
  try {
    await dropTablesBeside(holder);
    await holder.query('select pg_advisory_unlock($1)', [REPLACEMENT_LOCK]);
    letGo(false);
  } catch {
    letGo(true);
  }
}

/** Also tables of projections that only another version has. */
async function dropTablesBeside(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select format('readmodel.%I', tablename) as name from pg_tables
      where schemaname = 'readmodel' and right(tablename, length($1)) = $1`,
    [BESIDE],
  );
  if (rows.length > 0) await client.query(`drop table ${rows.map(({ name }) => name).join(', ')}`);
}

async function swap(
  pool: Pool,
  projections: readonly Projection[],
  catchUp: Parameters<Replacement['swap']>[0],
  patienceMs: number,
): Promise<boolean> {
  try {
    return await withTransaction(pool, async (client) => {
      await bePatient(client, MAINTENANCE_MS);
      await lockTables(client, projections, 'share update exclusive');
      await bePatient(client, patienceMs);
      // Writers wait from here on, readers of the checkpoint do not.
      await client.query(`lock table ${tableName('checkpoint')} in exclusive mode`);
      const reached = await catchUp(await readCheckpoint(client, tableName('checkpoint')));
      if (reached === null) return false;
      // Readers wait from here on.
      await lockTables(client, projections, 'access exclusive');
      const made = await readCheckpoint(client, tableName('checkpoint', BESIDE));
      if (made?.position !== reached.position)
        throw new CheckpointMovedError('another rebuild has taken over');
      await takePlace(client, projections);
      await beginAnew(client, tableName('checkpoint'), reached);
      return true;
    });
  } catch (error) {
    if (isHeldUp(error)) return false;
    throw error;
  }
}

const isHeldUp = (error: unknown): boolean =>
  classifyPostgresError(error) === 'contention' || codeOf(error) === '57014';

/** Of each statement as a whole: lock_timeout would count anew for each table. */
const bePatient = (client: ClientBase, milliseconds: number): Promise<unknown> =>
  client.query("select set_config('statement_timeout', $1, true)", [String(milliseconds)]);

async function lockTables(
  client: ClientBase,
  projections: readonly Projection[],
  mode: 'share update exclusive' | 'access exclusive',
): Promise<void> {
  const names = projections.flatMap(({ table }) => [tableName(table, BESIDE), tableName(table, LIVE)]);
  await client.query(`lock table ${names.join(', ')} in ${mode} mode`);
}

async function takePlace(client: ClientBase, projections: readonly Projection[]): Promise<void> {
  for (const projection of projections) {
    const { rows } = await client.query<{ name: string }>(
      'select conname as name from pg_constraint where conrelid = to_regclass($1)',
      [tableName(projection.table, BESIDE)],
    );
    const constraints = rows.map(({ name }) => name);
    await client.query(takeNames(projection, constraints));
  }
  const columns = 'stream, revision, position, code';
  await client.query(`
    delete from ${tableName('parked')};
    insert into ${tableName('parked')} (${columns}) select ${columns} from ${tableName('parked', BESIDE)};
    drop table ${tableName('parked', BESIDE)}, ${tableName('checkpoint', BESIDE)}`);
}

/** Without statistics the first queries after the swap would be planned for empty tables. Slow or not, it is no reason to fail. */
async function tellPlanner(pool: Pool, projections: readonly Projection[]): Promise<void> {
  for (const { table } of projections) {
    await pool.query(`analyze ${tableName(table, BESIDE)}`).catch((error: unknown) => {
      if (!isHeldUp(error)) throw error;
    });
  }
}
