import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPostgresCoordinator, type PostgresCoordinator } from '../../src/coordination/postgres.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { describeCoordinatorContract } from './contract.ts';
import { emptyTasks, NOW, putTasks, taskRow } from './rows.ts';
import { type CoordinationDatabase, openCoordinationDatabase } from './support.ts';

let database: CoordinationDatabase;
let process: () => PostgresCoordinator;
beforeAll(async () => {
  database = await openCoordinationDatabase('coordinator');
  const pool = await database.pool();
  process = () => createPostgresCoordinator(pool, uuidv7());
});
afterAll(() => database?.close());

describeCoordinatorContract('postgres', async () => ({
  process,
  rowStore: database.rowStore,
  advance: database.age,
  forget: database.forget,
}));

describe('the coordinator in Postgres', () => {
  beforeEach(async () => {
    await database.forget();
    await emptyTasks(database.rowStore);
  });

  it('does not forget a claim over a beat that was under way, and does over one that came after its answer', async () => {
    const [mine, other] = [process(), process()];
    const tasks = Array.from({ length: 10 }, (_, n) => taskRow(n, 'RECEIVED'));
    const wanted = tasks.map(({ task_id }) => task_id);
    await putTasks(database.rowStore, tasks);
    await mine.beat([]);
    for (let round = 0; round < 30; round += 1) {
      const claim = mine.claim(wanted);
      await Promise.all([claim, mine.beat([])]);
      expect(await claim).toEqual(wanted);
      expect(await other.unattended(NOW, 100)).toEqual([]);
      await mine.beat([]);
      expect(await other.unattended(NOW, 100)).toHaveLength(10);
    }
  });

  it('lets the others of an earlier start be dead at once, for one that knows that it is alone', async () => {
    const [before, now] = [process(), process()];
    const row = taskRow(1, 'RECEIVED');
    await putTasks(database.rowStore, [row]);
    await before.beat([row.task_id]);
    await before.lead();
    expect(await now.lead()).toBe(false);
    await now.declareOthersDead();
    expect(await now.lead()).toBe(true);
    await now.beat([]);
    expect(await now.unattended(NOW, 10)).toMatchObject([{ taskId: row.task_id, why: 'dead' }]);
    await now.declareOthersDead();
    expect(await before.lead()).toBe(false);
    expect(await now.claim([row.task_id])).toEqual([row.task_id]);
  });

  it('keeps one row a process, and writes nothing to the log of Postgres that a crash would need', async () => {
    const mine = process();
    for (let beat = 0; beat < 5; beat += 1) await mine.beat(['C1~a', 'C2~b']);
    const { rows } = await database.owner.query('select driving from coordination.processes');
    expect(rows).toEqual([{ driving: ['C1~a', 'C2~b'] }]);
    const { rows: kept } = await database.owner.query(
      `select relname, relpersistence from pg_class
        where relnamespace = 'coordination'::regnamespace and relkind = 'r' order by relname`,
    );
    expect(kept).toEqual([
      { relname: 'leader', relpersistence: 'u' },
      { relname: 'processes', relpersistence: 'u' },
    ]);
  });
});

describe('when the database hangs', () => {
  /** Far less than the pool's other bounds, and than the test's. */
  const SOON_MS = 3_000;
  let gate: Gate;
  beforeAll(async () => {
    gate = await openGate(database.url);
  });
  beforeEach(() => database.forget());
  afterAll(() => gate?.close());

  it('every method rejects in time, on connections there were and on new ones', async () => {
    const pool = await database.pool({
      url: gate.url,
      max: 3,
      statementTimeoutMs: 100,
      connectTimeoutMs: 200,
    });
    const mine = createPostgresCoordinator(pool, uuidv7());
    await Promise.all([mine.beat([]), mine.lead(), mine.unattended(NOW, 1)]);
    gate.fallSilent();
    const began = performance.now();
    const asked = [
      mine.beat([]),
      mine.unattended(NOW, 1),
      mine.claim(['C1~a']),
      mine.lead(),
      mine.resign(),
      mine.leave(),
      mine.declareOthersDead(),
    ];
    const answers = await Promise.allSettled(asked);
    expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
    expect(performance.now() - began).toBeLessThan(SOON_MS);
  });

  it('a claim behind one that hangs rejects in time, and so do a beat and a renewal behind a row that is locked', async () => {
    const pool = await database.pool({ statementTimeoutMs: 100 });
    const mine = createPostgresCoordinator(pool, uuidv7());
    await Promise.all([mine.beat([]), mine.lead()]);
    const holder = await database.owner.connect();
    try {
      await holder.query('begin');
      await holder.query('select pg_advisory_xact_lock(7240311507005)');
      await holder.query('update coordination.processes set beat_at = beat_at');
      await holder.query('update coordination.leader set renewed_at = renewed_at');
      for (const work of [() => mine.claim(['C1~a']), () => mine.beat([]), () => mine.lead()]) {
        await expect(work()).rejects.toMatchObject({ code: '57014' });
      }
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    expect(await mine.claim(['C1~a'])).toEqual(['C1~a']);
  });
});
