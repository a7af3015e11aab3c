import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { READ_ALL, READ_STREAM } from '../../../src/eventstore/postgres/reader.ts';
import { type LogUnderTest, openLog } from './support.ts';

const ROWS = 30_000;

let log: LogUnderTest;
let pool: pg.Pool;

beforeAll(async () => {
  log = await openLog('schema');
  pool = log.pool();
  // Without autovacuum the planner knows nothing of the table, as in the first minute of every busy log.
  await pool.query('ALTER TABLE eventlog.events SET (autovacuum_enabled = false)');
  await pool.query(`INSERT INTO eventlog.events (stream, revision, id, type, data, metadata)
    SELECT 'case-' || n % 300, n / 300, gen_random_uuid(), 'T', repeat('x', 400), repeat('y', 300)
      FROM generate_series(0, ${ROWS - 1}) AS n`);
});

afterAll(() => log.close());

/*
 * A transaction id stored with an event means nothing in another cluster: after dump and restore events are hidden, and
 * new ones sort before old checkpoints. So none is stored, and no default or constraint reads one.
 */
test('nothing in the log depends on transaction ids', async () => {
  const { rows: columns } = await pool.query(
    `SELECT column_name AS name, data_type AS type, column_default AS default FROM information_schema.columns
      WHERE table_schema = 'eventlog' AND table_name = 'events' ORDER BY ordinal_position`,
  );
  expect(columns).toEqual([
    { name: 'position', type: 'bigint', default: "nextval('eventlog.events_position'::regclass)" },
    { name: 'revision', type: 'bigint', default: null },
    { name: 'id', type: 'uuid', default: null },
    { name: 'stream', type: 'text', default: null },
    { name: 'type', type: 'text', default: null },
    { name: 'data', type: 'text', default: null },
    { name: 'metadata', type: 'text', default: null },
  ]);
  const { rows: functions } = await pool.query(
    `SELECT proname FROM pg_proc WHERE pronamespace = 'eventlog'::regnamespace AND prosrc ~ 'xact_id|txid|snapshot_x'`,
  );
  expect(functions).toEqual([]);
});

// With CACHE 20 a session keeps 19 numbers and appends with them later, below positions that were read long ago.
test('the sequence of positions hands out one at a time', async () => {
  const { rows } = await pool.query(
    `SELECT cache_size, increment_by, cycle FROM pg_sequences WHERE schemaname = 'eventlog'`,
  );
  expect(rows).toEqual([{ cache_size: 1n, increment_by: 1n, cycle: false }]);
});

async function plan(statement: string, values: readonly unknown[]): Promise<string> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${statement}`, [...values]);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

/** Scans of the whole table that the statement makes, inside functions too. */
async function sequentialScans(statement: string): Promise<number> {
  const client = await log.client();
  const scans = async (): Promise<number> => {
    const { rows } = await client.query<{ scans: bigint }>(
      `SELECT seq_scan AS scans FROM pg_stat_xact_user_tables WHERE relid = 'eventlog.events'::regclass`,
    );
    return Number(rows[0]?.scans);
  };
  await client.query('BEGIN');
  const before = await scans();
  await client.query(statement);
  const after = await scans();
  await client.query('ROLLBACK');
  return after - before;
}

/*
 * A planner without statistics took "position > $1 AND position <= $2" for a small range and sorted the rest of the log
 * for every page, and scanned the whole table to find that there was nothing new: 20 times a second, a projection each.
 */
test.each(['without statistics', 'with statistics'])(
  'reads and appends use the indexes, %s',
  async (when) => {
    if (when === 'with statistics') await pool.query('ANALYZE eventlog.events');
    for (const after of [0, ROWS / 2, ROWS - 10]) {
      const page = await plan(READ_ALL, [after, ROWS, 500]);
      expect(page).toContain('Index Scan using events_pkey');
      expect(page).not.toMatch(/Sort|Seq Scan|Bitmap/);
    }
    const stream = await plan(READ_STREAM, ['case-7', 3, 1000]);
    expect(stream).toContain('events_stream_revision_key');
    expect(stream).not.toContain('Seq Scan');

    const append = (expected: number) =>
      `SELECT eventlog.append_events('case-7', ${expected}, ARRAY[gen_random_uuid()], '{T}', '{""}', '{""}')`;
    expect(await sequentialScans('SELECT count(*) FROM eventlog.events')).toBe(1);
    expect(await sequentialScans(`SELECT eventlog.readable_until(${ROWS}, 100)`)).toBe(0);
    expect(await sequentialScans('SELECT eventlog.readable_until(0, 100)')).toBe(0);
    expect(await sequentialScans(append(99))).toBe(0);
    expect(await sequentialScans(append(50))).toBe(0);
  },
);
