import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALIVE_MS, type Coordinator } from '../../src/coordination/port.ts';
import { createPostgresCoordinator, UNATTENDED } from '../../src/coordination/postgres.ts';
import { NOW } from './rows.ts';
import { type CoordinationDatabase, openCoordinationDatabase } from './support.ts';

const SETTLED = 100_000;
/** As many as one process has in flight at most. */
const DRIVEN = 2_000;
/** A queue that nobody has worked on for weeks. */
const IN_REVIEW = 50_000;
/** Generous: each takes a few milliseconds, and every process asks twice a second. */
const MOST_MS = 100;

let database: CoordinationDatabase;
let pool: pg.Pool;
let coordinator: Coordinator;

beforeAll(async () => {
  database = await openCoordinationDatabase('coordinator plans');
  pool = await database.pool();
  coordinator = createPostgresCoordinator(pool, uuidv7());
  // Without autovacuum the planner knows nothing of the table, as right after a rebuild.
  await pool.query('alter table readmodel.tasks set (autovacuum_enabled = false)');
  await insert(1, SETTLED, 'COMPLETED');
});
afterAll(() => database?.close());

async function insert(
  from: number,
  count: number,
  status: string,
  dueAt: string | null = null,
): Promise<void> {
  await pool.query(
    `insert into readmodel.tasks (task_id, case_id, status, due_at, received_position)
      select 'case-' || n || '~' || md5(n::text), 'case-' || n, $3, $4, n from generate_series($1::int, $1 + $2 - 1) n`,
    [from, count, status, dueAt],
  );
}

async function plan(): Promise<string> {
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${UNATTENDED}`, [
    NOW,
    100,
    `${ALIVE_MS} milliseconds`,
  ]);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

/** The median of several runs, in milliseconds. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times.toSorted((a, b) => a - b)[2] ?? Number.NaN;
}

/*
 * Every process asks twice a second, against a table in which nearly all tasks are settled. A join with ids out of arrays is
 * what a planner misjudges: a nested loop over thousands of both takes seconds.
 */
async function expectGoodPlan(): Promise<string> {
  const text = await plan();
  expect(text).toContain('hashed SubPlan');
  expect(text).not.toMatch(/Seq Scan on tasks|Join|Nested Loop/);
  expect(await timeOf(() => coordinator.unattended(NOW, 100))).toBeLessThan(MOST_MS);
  return text;
}

test('the unattended are found by indexes, without statistics and with them', async () => {
  await expectGoodPlan();
  await pool.query('analyze readmodel.tasks');
  // A bitmap would visit all that earlier statuses of every task have left in the index, until the next vacuum.
  expect(await expectGoodPlan()).not.toContain('Bitmap');
});

test('tens of thousands that wait for a person are passed over until their time has come', async () => {
  await insert(SETTLED + 10 * DRIVEN, IN_REVIEW, 'IN_REVIEW', '2026-01-02T00:00:00.000Z');
  await insert(SETTLED + 10 * DRIVEN + IN_REVIEW, 5, 'IN_REVIEW', NOW);
  await insert(SETTLED + 10 * DRIVEN + IN_REVIEW + 5, DRIVEN, 'IN_REVIEW');
  expect(await coordinator.unattended(NOW, 100)).toHaveLength(5);
  await expectGoodPlan();
  await pool.query('analyze readmodel.tasks');
  const text = await expectGoodPlan();
  expect(text).not.toContain('Bitmap');
  // By the time, not by all that waits.
  expect(text).toMatch(/Index Cond: .*status = ANY.*due_at <=/);
  await pool.query("delete from readmodel.tasks where status = 'IN_REVIEW'");
});

test('thousands of tasks are said to be driven, claimed and passed over in little time', async () => {
  await insert(SETTLED + 1, DRIVEN, 'DECIDED');
  await insert(SETTLED + DRIVEN + 1, DRIVEN, 'RETRY_SCHEDULED', '2026-01-02T00:00:00.000Z');
  const { rows } = await pool.query<{ task_id: string }>(
    `select task_id from readmodel.tasks where status = 'DECIDED' order by received_position`,
  );
  const driving = rows.map(({ task_id }) => task_id);
  expect(await timeOf(() => coordinator.beat(driving))).toBeLessThan(MOST_MS);
  expect(await timeOf(() => coordinator.claim(driving))).toBeLessThan(MOST_MS);
  expect(await coordinator.unattended(NOW, 100)).toEqual([]);
  expect(await timeOf(() => coordinator.unattended(NOW, 100))).toBeLessThan(MOST_MS);
  await coordinator.beat(driving.slice(1));
  expect(await coordinator.unattended(NOW, 100)).toMatchObject([{ taskId: driving[0] }]);
  await pool.query('analyze readmodel.tasks');
  await expectGoodPlan();
});
