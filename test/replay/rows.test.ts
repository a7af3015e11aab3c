import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import type { ColumnType, Projection } from '../../src/projections/projection.ts';
import { fingerprintOf, READ_MODELS } from '../../src/projections/readModels.ts';
import { createReadKeys } from '../../src/projections/rowKeys.ts';
import type { VerifiedRows } from '../../src/replay/verifyLog.ts';
import {
  closePostgres,
  createRig,
  type PostgresRows,
  postgresRows,
  type Rig,
  rebuildRows,
} from '../projections/support.ts';
import { history } from './history.ts';
import { placesOf, rechained, rowsOf, storeOf, verify } from './support.ts';

let log: readonly ReadEvent[];
let rows: PostgresRows;
let rig: Rig;
beforeAll(async () => {
  log = await history();
});
beforeEach(async () => {
  rows = await postgresRows();
  rig = createRig(rows.rowStore, { store: await storeWith(log) });
  await rig.catchUp();
});
afterAll(closePostgres);

async function storeWith(events: readonly ReadEvent[]): Promise<EventStore> {
  const store = createMemoryEventStore();
  for (const { stream, revision, id, type, data, metadata } of events)
    await store.append(stream, revision - 1, [{ id, type, data, metadata }]);
  return store;
}

const readModels = (): VerifiedRows => ({
  rowStore: rows.rowStore,
  readKeys: createReadKeys(rows.pool),
  projections: READ_MODELS,
  fingerprint: fingerprintOf('memory'),
});
const verifyRows = () => verify(rig.store, readModels());

/** The key of some row of a read model. */
async function someKey({ table, key }: Projection): Promise<string> {
  const { rows: found } = await rows.pool.query<{ key: string }>(
    `select ${key} as key from readmodel.${table} order by ${key} limit 1 offset 2`,
  );
  return found[0]?.key ?? '';
}

const OTHER: Readonly<Record<ColumnType, (column: string) => string>> = {
  text: () => "'WRONG'",
  boolean: (column) => `not ${column}`,
  integer: (column) => `coalesce(${column}, 0) + 1`,
  bigint: (column) => `coalesce(${column}, 0) + 1`,
  'double precision': (column) => `coalesce(${column}, 0) + 1e-9`,
  jsonb: () => `'["WRONG"]'`,
};

describe('read models', () => {
  it('that nobody touched are what the log says', async () => {
    const report = await verifyRows();
    expect(rowsOf(report)).toEqual([]);
    expect(report).toMatchObject({ result: 'CLEAN', rows: 4 * 7, readModelsUpTo: report.upTo });
  });

  it.each(READ_MODELS)(
    'a row of $table with other values is found column by column, and healed by a rebuild',
    async (model) => {
      const { table, key, columns } = model;
      const wrong = await someKey(model);
      const others = Object.entries(columns).filter(([column]) => column !== key);
      for (const [column, type] of others) {
        await rows.pool.query(
          `update readmodel.${table} set ${column} = ${OTHER[type](column)} where ${key} = $1`,
          [wrong],
        );
      }
      const report = await verifyRows();
      expect(rowsOf(report)).toEqual(
        others.map(([column]) => `${table} ${wrong} ${column}: the column is not what the log says`),
      );
      const caseId = wrong.split('~')[0];
      expect(new Set(placesOf(report))).toEqual(new Set([`ROW case-${caseId}/null`]));
      await rebuildRows(rig, rows);
      expect(await verifyRows()).toMatchObject({ result: 'CLEAN' });
    },
  );

  it.each(READ_MODELS)('a row of $table that is gone is found, and healed by a rebuild', async (model) => {
    const { table, key } = model;
    const gone = await someKey(model);
    await rows.pool.query(`delete from readmodel.${table} where ${key} = $1`, [gone]);
    expect(rowsOf(await verifyRows())).toEqual([`${table} ${gone} null: the row is missing`]);
    await rebuildRows(rig, rows);
    expect(await verifyRows()).toMatchObject({ result: 'CLEAN' });
  });

  it.each(READ_MODELS)(
    'a row of $table that no event makes is found, and healed by a rebuild',
    async (model) => {
      const { table, key } = model;
      // One of a case that there is, one of a case that there is not, and one of none at all.
      const keys =
        key === 'case_id'
          ? ['more', 'a b']
          : ['executed', 'more'].map((id) => `${id}~${'0'.repeat(32)}`).concat('?');
      for (const extra of keys) {
        await rows.pool.query(
          `insert into readmodel.${table}
          select (jsonb_populate_record(t, jsonb_build_object('${key}', $1::text))).* from readmodel.${table} t limit 1`,
          [extra],
        );
      }
      const report = await verifyRows();
      expect(rowsOf(report).toSorted()).toEqual(
        keys.map((extra) => `${table} ${extra} null: no event makes this row`).toSorted(),
      );
      await rebuildRows(rig, rows);
      expect(await verifyRows()).toMatchObject({ result: 'CLEAN' });
    },
  );

  it.each([
    ['the last event of a case is', 'executed', 5],
    ['a whole case is', 'executed', 0],
  ])('show that %s missing from the log, for as long as they are not made anew', async (_, caseId, from) => {
    const cut = log.filter(({ stream, revision }) => stream !== `case-${caseId}` || revision < from);
    const report = await verify(storeOf(cut), readModels());
    expect(new Set(placesOf(report))).toEqual(new Set([`ROW case-${caseId}/null`]));
    expect(new Set(report.mismatches.map(({ row }) => row?.table))).toEqual(
      new Set(from === 0 ? READ_MODELS.map(({ table }) => table) : ['cases', 'tasks', 'audit_log']),
    );
  });

  it('that trail behind the log are compared as of where they are', async () => {
    await rig.store.append('case-late', -1, openedLate());
    const report = await verifyRows();
    expect(report).toMatchObject({ result: 'CLEAN', rows: 4 * 7, upTo: String(log.length + 1) });
    expect(report.readModelsUpTo).toBe(String(log.length));
  });

  it('that move on while they are read are looked at again', async () => {
    const { rowStore, ...others } = readModels();
    let moved = false;
    const read: typeof rowStore.read = async (projection, keys) => {
      if (!moved) {
        moved = true;
        await rig.append('C1001', { type: 'CaseNoteAdded', data: { text: { sealed: 'x' }, command: null } });
        await rig.catchUp();
      }
      return rowStore.read(projection, keys);
    };
    const report = await verify(rig.store, { ...others, rowStore: { ...rowStore, read } });
    expect(moved).toBe(true);
    expect(rowsOf(report)).toEqual([]);
    expect(report.result).toBe('CLEAN');
  });

  it('whose rows never stand still are not compared, which is told', async () => {
    const { rowStore, ...others } = readModels();
    const read: typeof rowStore.read = async (projection, keys) => {
      if (projection.table === 'cases') {
        await rig.append('C1001', { type: 'CaseNoteAdded', data: { text: { sealed: 'x' }, command: null } });
        await rig.catchUp();
      }
      return rowStore.read(projection, keys);
    };
    const report = await verify(rig.store, { ...others, rowStore: { ...rowStore, read } });
    expect(report).toMatchObject({
      result: 'INCOMPLETE',
      mismatches: [],
      notReplayed: [{ reason: 'READ_MODEL_ROWS_MOVING', count: 1, examples: [{ caseId: 'C1001' }] }],
    });
  });

  it('of another version, and none at all, are not compared, which is told', async () => {
    const other = await verify(rig.store, { ...readModels(), fingerprint: 'other' });
    expect(other).toMatchObject({
      result: 'INCOMPLETE',
      readModelsUpTo: null,
      notReplayed: [{ reason: 'READ_MODELS_OF_ANOTHER_VERSION' }],
    });
    await rows.pool.query('delete from readmodel.checkpoint');
    expect(await verifyRows()).toMatchObject({ notReplayed: [{ reason: 'READ_MODELS_MISSING' }] });
  });

  function openedLate() {
    const [event] = log.filter(({ type }) => type === 'CaseOpened');
    if (!event) throw new Error('no event');
    const [late] = rechained([{ ...event, stream: 'case-late', id: '019b0000-0000-7000-8000-00000000aaaa' }]);
    if (!late) throw new Error('no event');
    const { id, type, data, metadata } = late;
    return [{ id, type, data, metadata }];
  }
});
