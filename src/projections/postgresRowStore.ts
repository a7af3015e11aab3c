import type { Pool } from 'pg';
import { beginReplacement } from './postgresReplacement.ts';
import { rowsIn } from './postgresRows.ts';
import { LIVE } from './postgresTables.ts';
import type { ReplaceableRowStore } from './rowStore.ts';

/** Read models in the schema `readmodel` of Postgres: disposable, made by this code rather than by migrations. */
export function createPostgresRowStore(pool: Pool): ReplaceableRowStore {
  return {
    ...rowsIn(pool, LIVE),
    replacement: (projections) => beginReplacement(pool, projections),
  };
}
