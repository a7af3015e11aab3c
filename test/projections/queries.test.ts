import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReadModels, type ReadModels } from '../../src/projections/queries.ts';
import { READ_MODELS } from '../../src/projections/readModels.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { AT, opened, received, recommended, routed, taskId } from '../support/builders.ts';
import {
  closePostgres,
  createRig,
  executedTask,
  type PostgresRows,
  postgresRows,
  type Rig,
} from './support.ts';

afterAll(closePostgres);

describe('pages of a list', () => {
  let rows: PostgresRows;
  let rig: Rig;
  let readModels: ReadModels;

  beforeEach(async () => {
    rows = await postgresRows();
    rig = createRig(rows.rowStore);
    readModels = createReadModels(rows.pool, systemClock);
  });

  it('hold every task once, newest first, however many come in between', async () => {
    await rig.append('A', opened(), ...Array.from({ length: 10 }, (_, index) => received(index + 1)));
    await rig.catchUp();
    const seen: string[] = [];
    let after: number | null = null;
    for (let n = 0; n < 10; n += 1) {
      const page = await readModels.tasks({ filter: {}, limit: 3, after });
      seen.push(...page.map((row) => row.task_id));
      const last = page.at(-1);
      if (!last) break;
      after = last.received_position;
      await rig.append('A', received(100 + n));
      await rig.append(`B${n}`, opened());
      await rig.catchUp();
    }
    expect(seen).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map(taskId));
  });

  it('of the audit log are in the order of settling, and hold only what is settled', async () => {
    await rig.append('A', opened(), received(1), received(2), ...executedTask(3));
    await rig.append('B', opened(), ...executedTask(4));
    await rig.append('A', recommended(2), routed(2, ['X']));
    await rig.catchUp();
    const page = async (limit: number, after: number | null, filter = {}): Promise<string[]> =>
      (await readModels.audit({ filter, limit, after })).map((row) => row.task_id);
    expect(await page(10, null)).toEqual([2, 4, 3].map(taskId));
    const [first] = await readModels.audit({ filter: {}, limit: 1, after: null });
    expect(await page(10, first?.settled_position ?? null)).toEqual([4, 3].map(taskId));
    expect(await page(10, null, { outcome: 'AUTO_SUCCESS', case_id: 'A' })).toEqual([taskId(3)]);
    expect(await page(10, null, { actor_id: 'nobody' })).toEqual([]);
  });
});

describe('over 20,000 rows, a list', () => {
  let plans: string[] = [];
  let readModels: ReadModels;

  beforeAll(async () => {
    const { rowStore, pool } = await postgresRows();
    await rowStore.prepare(READ_MODELS);
    await pool.query(FILL);
    const explaining = {
      query: async (text: string, values: unknown[]) => {
        const { rows } = await pool.query<{ 'QUERY PLAN': unknown }>(`explain (format json) ${text}`, values);
        plans.push(JSON.stringify(rows[0]?.['QUERY PLAN']));
        return { rows: [] };
      },
    };
    readModels = createReadModels(explaining as unknown as pg.Pool, systemClock);
  }, 30_000);
  beforeEach(() => {
    plans = [];
  });

  const first = { filter: {}, limit: 51, after: null };
  const behind = { dueBy: '2026-01-02T00:00:00.000Z', position: 5 };
  const lists: readonly (readonly [string, (models: ReadModels) => Promise<unknown>])[] = [
    ['of cases', (models) => models.cases(first)],
    ['of closed cases', (models) => models.cases({ ...first, filter: { state: 'CLOSED' }, after: 9_000 })],
    ['of tasks', (models) => models.tasks({ ...first, after: 9_000 })],
    ['of tasks by status', (models) => models.tasks({ ...first, filter: { status: 'EXECUTING' } })],
    ['of tasks by case', (models) => models.tasks({ ...first, filter: { case_id: 'C7' } })],
    ['of the audit log', (models) => models.audit({ ...first, after: 9_000 })],
    ['of one case’s audit trail', (models) => models.audit({ ...first, filter: { case_id: 'C7' } })],
    ['of reviews', (models) => models.reviews({ ...first, sort: 'dueBy', now: AT })],
    ['of the oldest reviews', (models) => models.reviews({ ...first, sort: 'oldest', now: AT })],
    [
      'of closed reviews, the newest first',
      (models) =>
        models.reviews({ ...first, filter: { status: 'CLOSED' }, sort: 'newest', now: AT, after: behind }),
    ],
    [
      'of one queue’s reviews',
      (models) =>
        models.reviews({ ...first, filter: { queue: 'security' }, sort: 'dueBy', now: AT, after: behind }),
    ],
  ];
  it.each(lists)('%s is read through an index in its order, without a sort', async (_what, list) => {
    await list(readModels);
    expect(plans).toHaveLength(1);
    expect(plans[0]).toContain('"Index Name"');
    expect(plans[0]).not.toMatch(/Seq Scan|"Sort"/);
  });
});

const FILL = `
  insert into readmodel.cases (case_id, state, priority, retry_count, attributes, opened_at, updated_at, revision, position, opened_position)
    select 'C' || n, case when n % 50 = 0 then 'CLOSED' else 'OPEN' end, 'MEDIUM', 0, '{}', 't', 't', 5, n, n
      from generate_series(1, 20000) n;
  insert into readmodel.tasks (task_id, case_id, status, attempts, channel, user_role, received_at, updated_at, revision, position, received_position)
    select 'T' || n, 'C' || n % 20, case when n % 1000 = 0 then 'EXECUTING' else 'COMPLETED' end, 1, 'SYSTEM', 'OPS', 't', 't', 5, n, n
      from generate_series(1, 20000) n;
  insert into readmodel.audit_log (task_id, case_id, actor_id, status, attempts, outcome, event_id, settled_at, settled_position)
    select 'T' || n, 'C' || n % 20, 'anonymous', 'COMPLETED', 1, 'AUTO_SUCCESS', 'e', 't', n
      from generate_series(1, 20000) n;
  insert into readmodel.reviews (task_id, case_id, state, queue, queues, codes, due_by, overdue, waiting_for_info, routed_at, routed_position, position)
    select 'T' || n, 'C' || n % 20, (array['OPEN', 'NONE', 'CLOSED', 'NONE'])[1 + n % 4],
           (array['security', 'failures', 'operations'])[1 + n % 3], '[]', '[]', '2026-01-0' || 1 + n % 9 || 'T00:00:00.000Z', false, false, 't', n, n
      from generate_series(1, 20000) n;
  analyze readmodel.cases, readmodel.tasks, readmodel.audit_log, readmodel.reviews`;
