import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { createPostgresRowStore } from '../../src/projections/postgresRowStore.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { projectBatch } from '../../src/projections/projector.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { opened, received } from '../support/builders.ts';
import { until } from '../support/until.ts';
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
let endings: (() => Promise<unknown>)[];

beforeEach(async () => {
  rows = await postgresRows();
  rig = createRig(rows.rowStore);
  endings = [];
});
afterEach(async () => {
  for (const end of endings.toReversed()) await end();
});
afterAll(closePostgres);

/** Everything in the schema that has a name or a definition. */
async function catalog(): Promise<readonly string[]> {
  const { rows: found } = await rows.pool.query<{ line: string }>(`
    select 'relation ' || relkind::text || ' ' || relname || coalesce(' ' || reloptions::text, '') as line
      from pg_class where relnamespace = 'readmodel'::regnamespace
    union all select 'column ' || attrelid::regclass || ' ' || attnum || ' ' || attname || ' ' || format_type(atttypid, atttypmod)
        || ' ' || attnotnull
      from pg_attribute join pg_class on pg_class.oid = attrelid
      where relnamespace = 'readmodel'::regnamespace and relkind = 'r' and attnum > 0
    union all select 'index ' || indexname || ' ' || indexdef from pg_indexes where schemaname = 'readmodel'
    union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
      from pg_constraint where connamespace = 'readmodel'::regnamespace
    union all select 'type ' || typname from pg_type where typnamespace = 'readmodel'::regnamespace
    order by 1`);
  return found.map(({ line }) => line);
}

const LISTS = [
  'select * from readmodel.tasks where case_id = $$C7$$ and received_position < 500 order by received_position desc limit 5',
  'select * from readmodel.cases where case_id = $$C7$$',
  'select * from readmodel.audit_log where settled_position is not null order by settled_position desc limit 5',
  'select * from readmodel.reviews where state = $$OPEN$$ order by due_by, routed_position limit 5',
];

async function plans(): Promise<readonly string[][]> {
  const explained = LISTS.map(async (list) => {
    const { rows: lines } = await rows.pool.query(`explain (costs off) ${list}`);
    return lines.map((line) => String(line['QUERY PLAN']));
  });
  return Promise.all(explained);
}

const leftovers = async (): Promise<string[]> =>
  (await catalog()).filter((line) => line.includes('_rebuilding'));

/** A connection of its own in the test's database. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: rows.url });
  await client.connect();
  endings.push(() => client.end());
  return client;
}

describe('what a rebuild leaves', () => {
  it('has the names, definitions and plans of tables that were never rebuilt, each time', async () => {
    await rows.rowStore.prepare(rig.deps.projections);
    const fresh = await catalog();
    expect(fresh.filter((line) => line.startsWith('index ')).length).toBeGreaterThan(
      rig.deps.projections.length * 2,
    );
    for (let n = 1; n <= 100; n += 1) await rig.append(`C${n}`, opened(), ...executedTask(n));
    await rig.catchUp();
    for (const { table } of rig.deps.projections) await rows.pool.query(`analyze readmodel.${table}`);
    const planned = await plans();
    expect(planned.flat().join()).toContain('Index Scan');
    for (let n = 1; n <= 3; n += 1) {
      await rebuildRows(rig, rows);
      await rows.rowStore.prepare(rig.deps.projections);
      expect(await catalog()).toEqual(fresh);
      expect(await plans()).toEqual(planned);
    }
  });
});

describe('a rebuild whose connections are cut half way', () => {
  it('leaves the old rows to readers and the rest to the next one', async () => {
    await rig.append('A', opened());
    await rig.append('A', ...executedTask(1));
    await rig.catchUp();
    const before = await rows.dump();
    const pool = createPool({ url: rows.url, max: 5, applicationName: 'killed', onError: () => {} });
    const replacement = await createPostgresRowStore(pool).replacement(rig.deps.projections);
    if (!replacement) throw new Error('somebody else is at it');
    endings.push(() => pool.end());
    endings.push(() => replacement.end().catch(() => {}));
    const { logId, fingerprint } = rig.deps;
    const start = await replacement.rows.reset(rig.deps.projections, { logId, fingerprint }, null);
    if (!start) throw new Error('there was a checkpoint');
    const half = await rig.store.readAll(null, 3);
    await projectBatch({ ...rig.deps, rowStore: replacement.rows }, start, half, new Set());
    // What another version would have left.
    await rows.pool.query('create table readmodel.gone_rebuilding (n integer)');
    await rows.pool.query('alter table readmodel.checkpoint_rebuilding drop column only_row');
    await expect(rebuildRows(rig, rows)).rejects.toMatchObject({ code: 'REBUILD_RUNNING' });
    await rows.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'killed'",
    );
    expect((await leftovers()).length).toBeGreaterThan(0);
    expect(await rows.dump()).toEqual(before);

    await until('the lock is free', async () => {
      const { rowCount } = await rows.pool.query(
        "select from pg_locks join pg_database on database = pg_database.oid where locktype = 'advisory' and datname = current_database()",
      );
      return rowCount === 0;
    });
    const result = await rebuildRows(rig, rows);
    expect(result).toEqual({ events: 6, parked: [] });
    expect(await rows.dump()).toEqual(before);
    expect(await leftovers()).toEqual([]);
    // Too late, and it must not take anything from anybody.
    await replacement.end();
    expect(await rows.dump()).toEqual(before);
  });
});

describe('a transaction that holds on to the old rows', () => {
  it('delays the rebuild, and keeps other readers waiting for moments only', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const holder = await connect();
    await holder.query('begin; select from readmodel.cases');
    const reader = await connect();
    const waits: number[] = [];
    let heldUp = 0;
    const clock = {
      sleep: async (): Promise<void> => {
        heldUp += 1;
        if (heldUp === 3) await holder.query('commit');
      },
    };
    let done = false;
    const reading = (async () => {
      while (!done) {
        const start = performance.now();
        expect((await reader.query('select from readmodel.cases')).rowCount).toBe(1);
        waits.push(performance.now() - start);
        await systemClock.sleep(5);
      }
    })();
    const told: boolean[] = [];
    const generation = (await rows.rowStore.checkpoint())?.generation ?? 0;
    await rebuild({ ...rig.deps, rowStore: rows.rowStore, clock }, (progress) => told.push(progress.heldUp));
    done = true;
    await reading;
    expect(told).toEqual([false, true, true, true]);
    expect(await rows.rowStore.checkpoint()).toMatchObject({ generation: generation + 1 });
    // The fourth try is the last, and may wait for 400 ms.
    expect(Math.max(...waits)).toBeLessThan(1_500);
  });

  it('because it maintains a table keeps no reader and no writer waiting', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const maintenance = await connect();
    await maintenance.query('begin; lock table readmodel.cases in share update exclusive mode');
    const rebuilding = rebuildRows(rig, rows);
    await until('the rebuild waits', async () => {
      const { rowCount } = await rows.pool.query(
        `select from pg_locks where relation = 'readmodel.cases'::regclass and not granted and mode = 'ShareUpdateExclusiveLock'`,
      );
      return rowCount === 1;
    });
    await rig.append('A', received(1));
    await rig.catchUp();
    expect(await rows.dump()).toMatchObject({ cases: [{ revision: 1 }], tasks: [{ case_id: 'A' }] });
    await maintenance.query('commit');
    await rebuilding;
    expect((await rows.rowStore.checkpoint())?.generation).toBe(2);
  });

  it('for ever ends the rebuild with the reason, and the old rows stay', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const checkpoint = await rows.rowStore.checkpoint();
    const holding: typeof rows.rowStore = {
      ...rows.rowStore,
      replacement: async (projections) => {
        const replacement = await rows.rowStore.replacement(projections);
        return replacement && { ...replacement, swap: async () => false };
      },
    };
    const clock = { sleep: async () => {} };
    const heldUp = rebuild({ ...rig.deps, rowStore: holding, clock }, () => {});
    await expect(heldUp).rejects.toThrow(/in 60 tries: .*pg_stat_activity/);
    expect(await rows.rowStore.checkpoint()).toEqual(checkpoint);
    expect(await leftovers()).toEqual([]);
  });
});

describe('a live projector in the middle of a commit', () => {
  it('is waited for, and what it wrote is in the new rows', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const from = await rows.rowStore.checkpoint();
    if (!from) throw new Error('no checkpoint');
    // The commit stops at its last rows until the test lets it go on.
    const gate = await connect();
    await gate.query('select pg_advisory_lock(1)');
    await rows.pool.query(`
      create function readmodel.wait() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock_shared(1); return new; end $$;
      create trigger wait before insert on readmodel.reviews for each statement execute function readmodel.wait()`);
    await rig.append('A', received(1));
    const batch = await rig.store.readAll(from.position, 10);
    const committing = projectBatch(rig.deps, from, batch, new Set());
    const blocked = (condition: string): Promise<unknown> =>
      until(`somebody waits ${condition}`, async () => {
        const { rowCount } = await rows.pool.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and ${condition}`,
        );
        return rowCount !== 0;
      });
    await blocked("wait_event = 'advisory'");
    let heldUp = 0;
    const clock = {
      sleep: async (): Promise<void> => {
        heldUp += 1;
        if (heldUp < 2) return;
        await gate.query('select pg_advisory_unlock(1)');
        await committing;
      },
    };
    await rebuild({ ...rig.deps, rowStore: rows.rowStore, clock }, () => {});
    expect(heldUp).toBe(2);
    expect((await rows.dump()).tasks).toHaveLength(1);
    expect((await rows.rowStore.checkpoint())?.position).toBe(await rig.store.lastPosition());
  });
});

describe('preparing after an upgrade', () => {
  it('leaves tables of another version as they are until they are made anew', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const [first, ...others] = rig.deps.projections;
    if (!first) throw new Error('no projection');
    const wider: Projection = {
      ...first,
      columns: { ...first.columns, added: 'text' },
      indexes: ['added', ...first.indexes],
      evolve: (row, event) => ({ ...first.evolve(row, event), added: 'new' }),
    };
    const projections = [wider, ...others];
    await rows.rowStore.prepare(projections);
    expect((await rows.dump()).cases?.[0]).not.toHaveProperty('added');
    const newer = createRig(rows.rowStore, { store: rig.store, projections, fingerprint: 'newer' });
    await rebuildRows(newer, rows);
    expect((await rows.dump()).cases).toMatchObject([{ case_id: 'A', added: 'new' }]);
    expect((await catalog()).filter((line) => line.includes('(added)'))).toEqual([
      expect.stringContaining('index cases_0'),
    ]);
  });

  it('gives a checkpoint of an earlier version its generation, and keeps the rest of it', async () => {
    await rig.append('A', opened());
    await rig.catchUp();
    const before = await rows.rowStore.checkpoint();
    await rows.pool.query('alter table readmodel.checkpoint drop column generation');
    await rows.rowStore.prepare(rig.deps.projections);
    expect(await rows.rowStore.checkpoint()).toEqual({ ...before, generation: 0 });
    await rig.append('A', received(1));
    await rig.catchUp();
    expect((await rows.dump()).tasks).toHaveLength(1);
  });
});
