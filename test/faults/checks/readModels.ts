import { escapeIdentifier, type Pool } from 'pg';
import { canonicalJson } from '../../../src/domain/hash.ts';
import { codec } from '../../../src/eventstore/codec.ts';
import type { EventStore } from '../../../src/eventstore/port.ts';
import { createMemoryRowStore } from '../../../src/projections/memoryRowStore.ts';
import type { Projection, Row } from '../../../src/projections/projection.ts';
import { fingerprintOf, READ_MODELS } from '../../../src/projections/readModels.ts';
import { rebuild } from '../../../src/projections/rebuild.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { Journal } from '../journal.ts';

/** The read models are what a fresh fold of the log gives, row by row. Returns how many rows there are. */
export async function checkReadModels(store: EventStore, pool: Pool, journal: Journal): Promise<number> {
  const fresh = createMemoryRowStore();
  const fingerprint = fingerprintOf(store.kind);
  const { parked } = await rebuild(
    {
      store,
      codec,
      rowStore: fresh,
      projections: READ_MODELS,
      logId: 'fresh',
      fingerprint,
      clock: systemClock,
    },
    () => {},
  );
  for (const { stream, revision, code } of parked) {
    journal.violate('every event can be projected', `${stream}/${revision}`, code);
  }
  let rows = 0;
  for (const model of READ_MODELS) {
    const wanted = byKey(model, fresh.rows(model.table));
    const found = byKey(model, await rowsIn(pool, model));
    rows += found.size;
    for (const key of new Set([...wanted.keys(), ...found.keys()])) {
      if (wanted.get(key) === found.get(key)) continue;
      const what = `is ${found.get(key)}, should be ${wanted.get(key)}`;
      journal.violate('read models equal a fresh fold', `${model.table} ${key}`, what);
    }
  }
  return rows;
}

const byKey = ({ key }: Projection, rows: readonly Row[]): ReadonlyMap<string, string> =>
  new Map(rows.map((row) => [String(row[key]), canonicalJson(row)]));

async function rowsIn(pool: Pool, { table }: Projection): Promise<readonly Row[]> {
  const { rows } = await pool.query<{ row: Row }>(
    `select to_jsonb(t) as row from readmodel.${escapeIdentifier(table)} t`,
  );
  return rows.map(({ row }) => row);
}
