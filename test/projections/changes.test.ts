import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { type Change, createReadChanges, type ReadChanges } from '../../src/projections/changes.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { READ_MODELS } from '../../src/projections/readModels.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { cancelled, opened, received, recommended, routed, taskId } from '../support/builders.ts';
import { createMemoryReadModels } from '../support/memoryReadModels.ts';
import { claimed, released } from '../support/reviewBuilders.ts';
import {
  closePostgres,
  createRig,
  executedTask,
  MIXED_HISTORY,
  type PostgresRows,
  postgresRows,
  type Rig,
  rebuildRows,
} from './support.ts';

afterAll(closePostgres);

let rows: PostgresRows;
let rig: Rig;
let read: ReadChanges;
beforeEach(async () => {
  rows = await postgresRows();
  rig = createRig(rows.rowStore);
  read = createReadChanges(rows.pool);
  await rows.rowStore.prepare(READ_MODELS);
});

const shown = ({ task, review }: Change) => [task.task_id, task.status, review.state, review.assignee];
const lastPosition = async (): Promise<bigint> => (await rig.store.lastPosition()) ?? 0n;
const toReview = (n: number) => [received(n), recommended(n), routed(n, ['X'])];

describe('changes behind a position', () => {
  it('are none before there is anything', async () => {
    expect(await read(0n, 10)).toEqual({ changes: [], reached: 0n });
  });

  it('come in the order of the newest event, once a task, as it stands now', async () => {
    await rig.append('A', opened(), received(1), ...toReview(2));
    await rig.catchUp();
    const first = await read(0n, 10);
    expect(first.changes.map(shown)).toEqual([
      [taskId(1), 'RECEIVED', 'NONE', null],
      [taskId(2), 'IN_REVIEW', 'OPEN', null],
    ]);
    expect(first.reached).toBe(await lastPosition());
    await rig.append('A', recommended(1), claimed(2, 'raj'), released(2, 'raj'), claimed(2), cancelled(1));
    await rig.catchUp();
    expect((await read(first.reached, 10)).changes.map(shown)).toEqual([
      [taskId(2), 'IN_REVIEW', 'OPEN', 'rita'],
      [taskId(1), 'CANCELLED', 'NONE', null],
    ]);
    expect((await read(0n, 10)).changes).toHaveLength(2);
  });

  it('are read in pages, each of which says where to go on', async () => {
    await rig.append('A', opened(), ...[1, 2, 3, 4, 5].flatMap(toReview));
    await rig.append('B', opened());
    await rig.catchUp();
    const seen: string[] = [];
    let after = 0n;
    const sizes: number[] = [];
    for (let page = 0; page < 4; page += 1) {
      const { changes, reached } = await read(after, 2);
      sizes.push(changes.length);
      seen.push(...changes.map(({ task }) => task.task_id));
      after = reached;
    }
    expect(sizes).toEqual([2, 2, 1, 0]);
    expect(seen).toEqual([1, 2, 3, 4, 5].map(taskId));
    // Events of no task are behind it as well: nothing has to be looked at again.
    expect(after).toBe(await lastPosition());
  });

  it('are none for whoever is further than the read models, who does not go back', async () => {
    await rig.append('A', opened(), received(1));
    await rig.catchUp();
    const ahead = (await lastPosition()) + 3n;
    expect(await read(ahead, 10)).toEqual({ changes: [], reached: ahead });
    await rig.append('A', received(2), received(3), received(4), received(5));
    await rig.catchUp();
    const { changes, reached } = await read(ahead, 10);
    expect(changes.map(({ task }) => task.task_id)).toEqual([taskId(5)]);
    expect(reached).toBe(ahead + 1n);
  });

  it('are the same after the read models were made anew in place', async () => {
    for (const [caseId, ...events] of MIXED_HISTORY) await rig.append(caseId, ...events);
    await rig.catchUp();
    const before = await read(5n, 100);
    await rows.rowStore.reset(READ_MODELS, rig.deps, await rows.rowStore.checkpoint());
    expect(await read(5n, 100)).toEqual({ changes: [], reached: 5n });
    await rig.catchUp();
    expect(await read(5n, 100)).toEqual(before);
    await rebuildRows(rig, rows);
    expect(await read(5n, 100)).toEqual(before);
  });

  it('are the same over rows in memory', async () => {
    const memory = createMemoryRowStore();
    const other = createRig(memory, { store: rig.store });
    for (const [caseId, ...events] of MIXED_HISTORY) await rig.append(caseId, ...events);
    await rig.catchUp();
    await other.catchUp();
    const readModels = createMemoryReadModels(memory, systemClock);
    for (const [after, limit] of [
      [0n, 100],
      [0n, 2],
      [9n, 3],
      [1_000n, 3],
    ] as const) {
      expect(await readModels.changes(after, limit)).toEqual(await read(after, limit));
    }
  });
});

/** Some are executed, some wait for a person, some are claimed again and again, some are cancelled when the next one comes. */
const whatHappensTo = (n: number): CaseEvent[] => {
  if (n % 3 === 0) return [...executedTask(n), cancelled(n - 1)];
  return n % 3 === 1 ? [...toReview(n), claimed(n), released(n), claimed(n, 'raj')] : toReview(n);
};

describe('whoever reads changes while others write', () => {
  it('has every row as it stands in the end, whatever the page and whenever it was read', async () => {
    const cases = ['A', 'B', 'C', 'D'];
    await Promise.all(cases.map((caseId) => rig.append(caseId, opened())));
    await rig.catchUp();
    let writing = true;
    const write = async (caseId: string, first: number): Promise<void> => {
      for (let n = first; n < first + 12; n += 1) await rig.append(caseId, ...whatHappensTo(n));
    };
    const project = async (): Promise<void> => {
      while (writing) await rig.catchUp();
      await rig.catchUp();
    };
    const follow = async (limit: number): Promise<Map<string, Change>> => {
      const known = new Map<string, Change>();
      let after = 0n;
      for (;;) {
        const isLast = !writing && (await rows.rowStore.checkpoint())?.position === (await lastPosition());
        const { changes, reached } = await read(after, limit);
        for (const change of changes) {
          expect(BigInt(change.task.position)).toBeGreaterThan(after);
          known.set(change.task.task_id, change);
        }
        after = reached;
        if (isLast && changes.length < limit) return known;
      }
    };
    const followers = [1, 3, 100].map(follow);
    const projecting = project();
    await Promise.all(cases.map((caseId, index) => write(caseId, 1 + index * 99)));
    writing = false;
    await projecting;
    const { tasks = [], reviews = [] } = await rows.dump();
    expect(tasks).toHaveLength(48);
    for (const known of await Promise.all(followers)) {
      const inOrder = [...known.values()].sort((a, b) => (a.task.task_id < b.task.task_id ? -1 : 1));
      expect(inOrder.map(({ task }) => task)).toEqual(tasks);
      expect(inOrder.map(({ review }) => review)).toEqual(reviews);
    }
  });
});

it('changes are read by their index and by key, with statistics and without', async () => {
  await rows.pool.query(`
    alter table readmodel.tasks set (autovacuum_enabled = false);
    alter table readmodel.reviews set (autovacuum_enabled = false);
    insert into readmodel.tasks (task_id, case_id, status, position)
      select 'T' || n, 'C' || n % 20, 'COMPLETED', n from generate_series(1, 20000) n;
    insert into readmodel.reviews (task_id, case_id, state, position)
      select 'T' || n, 'C' || n % 20, 'NONE', n from generate_series(1, 20000) n`);
  const plans: string[] = [];
  const explaining = {
    query: async (text: string, values: unknown[]) => {
      const found = await rows.pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
      plans.push(found.rows.map((row) => row['QUERY PLAN']).join('\n'));
      return { rows: [] };
    },
  };
  const explain = createReadChanges(explaining as unknown as typeof rows.pool);
  await explain(9_000n, 100);
  await rows.pool.query('analyze readmodel.tasks, readmodel.reviews');
  await explain(9_000n, 100);
  await explain(19_990n, 100);
  expect(plans).toHaveLength(3);
  for (const plan of plans) {
    expect(plan).toMatch(/Index Scan using tasks_\d on tasks/);
    expect(plan).toContain('Index Scan using reviews_pkey on reviews');
    expect(plan).not.toMatch(/Seq Scan on (tasks|reviews)/);
  }
});
