import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { projectBatch } from '../../src/projections/projector.ts';
import { opened, received, stateChanged } from '../support/builders.ts';
import {
  closePostgres,
  createRig,
  executedTask,
  type PostgresRows,
  postgresRows,
  type Rig,
  rebuildRows,
} from './support.ts';

let rows: PostgresRows;
let rig: Rig;

beforeEach(async () => {
  rows = await postgresRows();
  rig = createRig(rows.rowStore);
});
afterAll(closePostgres);

describe('a row that Postgres refuses', () => {
  it.each([
    ['a NUL in a value', '22P05', [opened({ attributes: { name: 'a\u0000b' } })]],
    ['a number out of range', '22003', [opened({ retryCount: 3_000_000_000 })]],
    ['a NUL in a key', '22021', [opened(), received(1, { taskId: 'A~\u0000' })]],
  ])('for %s parks its case alone, in the middle of a batch', async (_what, code, poison) => {
    await rig.append('before', opened());
    await rig.append('A', ...poison);
    await rig.append('before', ...executedTask(2));
    await rig.append('after', opened());
    await rig.catchUp();
    const parked = [{ stream: 'case-A', revision: poison.length - 1, position: expect.any(BigInt), code }];
    expect(await rows.rowStore.parked()).toEqual(parked);
    const { cases, tasks } = await rows.dump();
    const open = poison.length > 1 ? ['A', 'after', 'before'] : ['after', 'before'];
    expect(cases?.map((row) => row.case_id)).toEqual(open);
    expect(tasks).toMatchObject([{ case_id: 'before', outcome: 'AUTO_SUCCESS' }]);
    expect((await rows.rowStore.checkpoint())?.position).toBe(await rig.store.lastPosition());
    expect((await rebuildRows(rig, rows)).parked).toEqual(parked);
    expect(await rows.dump()).toMatchObject({ tasks: [{ case_id: 'before', outcome: 'AUTO_SUCCESS' }] });
  });
});

describe('a long batch with one event that is refused', () => {
  it('is projected around it in few commits', async () => {
    const poison = opened({ attributes: { name: 'a\u0000b' } });
    for (let n = 0; n < 99; n++) await rig.append(`C${n}`, n === 60 ? poison : opened());
    let commits = 0;
    const counted = createRig(
      {
        ...rows.rowStore,
        commit: (...what) => {
          commits += 1;
          return rows.rowStore.commit(...what);
        },
      },
      { store: rig.store },
    );
    await counted.catchUp();
    expect(counted.parked).toMatchObject([{ stream: 'case-C60', code: '22P05' }]);
    expect((await rows.dump()).cases).toHaveLength(98);
    expect(commits).toBeLessThanOrEqual(16);
  });
});

describe('a connection that dies between the rows and the commit', () => {
  it('leaves rows and checkpoint as they were, and the next projector goes on from there', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const before = { dump: await rows.dump(), checkpoint: await rows.rowStore.checkpoint() };
    // The reviews are the last rows that a commit writes.
    await rows.pool.query(`
      create function readmodel.die() returns trigger language plpgsql as
        $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
      create trigger die before insert on readmodel.reviews for each statement execute function readmodel.die()`);
    await rig.append('A', ...executedTask(1), stateChanged('SUSPENDED'));
    await expect(rig.catchUp()).rejects.toThrow();
    expect({ dump: await rows.dump(), checkpoint: await rows.rowStore.checkpoint() }).toEqual(before);

    await rows.pool.query('drop trigger die on readmodel.reviews');
    await rig.catchUp();
    expect(await rows.dump()).toMatchObject({
      cases: [{ case_id: 'A', state: 'SUSPENDED', revision: 6 }],
      reviews: [{ state: 'NONE' }],
    });
  });
});

describe('two projectors at once that believe to be alone', () => {
  it('never write a batch twice, and never go back', async () => {
    const other = createRig(rows.rowStore, { store: rig.store });
    await rig.append('A', opened());
    await rig.catchUp();
    for (let n = 1; n <= 20; n += 1) await rig.append('A', ...executedTask(n));
    const from = await rows.rowStore.checkpoint();
    if (!from) throw new Error('no checkpoint');
    const race = async ({ deps }: Rig): Promise<string> => {
      try {
        for (let checkpoint = from; ; ) {
          const batch = await deps.store.readAll(checkpoint.position, 7);
          if (batch.length === 0) return 'reached the end';
          checkpoint = await projectBatch(deps, checkpoint, batch, new Set());
        }
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
      }
    };
    expect((await Promise.all([race(rig), race(other)])).toSorted()).toEqual([
      'CHECKPOINT_MOVED',
      'reached the end',
    ]);
    const raced = await rows.dump();
    await rebuildRows(rig, rows);
    expect(await rows.dump()).toEqual(raced);
  });
});

describe('preparing', () => {
  it('may be done by several processes at once', async () => {
    await Promise.all(Array.from({ length: 4 }, () => rows.rowStore.prepare(rig.deps.projections)));
    expect(await rows.rowStore.checkpoint()).toBeNull();
  });
});
