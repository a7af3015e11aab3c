import type { Pool, QueryResultRow } from 'pg';
import { classifyPostgresError } from '../postgres/errors.ts';
import { KeyDestroyedError, type KeyStore, KeyStoreRefusedError } from './port.ts';

const IS_DESTROYED = 'exists (select from vault.destroyed_keys where case_id = $1)';

/** A key store in the `vault` schema of Postgres. */
export function createPostgresKeyStore(pool: Pool): KeyStore {
  const query = <Row extends QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> =>
    ask<Row>(pool, text, values);
  const destroyBytes = (caseId: string): Promise<unknown> =>
    query('delete from vault.case_keys where case_id = $1', [caseId]);
  return {
    find: async (caseId) => {
      const text = `select key from vault.case_keys where case_id = $1 and not ${IS_DESTROYED}`;
      const [found] = await query<{ key: Buffer }>(text, [caseId]);
      return found?.key ?? null;
    },
    findOrCreate: async (caseId, candidate) => {
      await query(
        `insert into vault.case_keys (case_id, key, created_at)
          select $1::text, $2::bytea, now() where not ${IS_DESTROYED} on conflict (case_id) do nothing`,
        [caseId, candidate],
      );
      // Asked once more, after the key is there: a destruction that does not see the key is seen here.
      const [kept] = await query<{ key: Buffer | null; destroyed: boolean }>(
        `select (select key from vault.case_keys where case_id = $1) as key, ${IS_DESTROYED} as destroyed`,
        [caseId],
      );
      if (kept?.key && !kept.destroyed) return kept.key;
      await destroyBytes(caseId);
      throw new KeyDestroyedError(caseId);
    },
    destroy: async (caseId) => {
      // By itself, before the key goes: whoever makes a key meanwhile sees either this, or has its key deleted.
      await query(
        'insert into vault.destroyed_keys (case_id, destroyed_at) values ($1, now()) on conflict (case_id) do nothing',
        [caseId],
      );
      await destroyBytes(caseId);
    },
  };
}

/** Tells whether the bytes of a case's key are still in the `vault` schema of Postgres, without reading them. */
export const createPostgresKeyExists =
  (pool: Pick<Pool, 'query'>) =>
  async (caseId: string): Promise<boolean> =>
    (await ask(pool, 'select from vault.case_keys where case_id = $1', [caseId])).length > 0;

async function ask<Row extends QueryResultRow>(
  pool: Pick<Pool, 'query'>,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>(text, values)).rows;
  } catch (error) {
    const failure = classifyPostgresError(error);
    throw failure === 'unavailable' || failure === 'contention' ? error : new KeyStoreRefusedError(error);
  }
}
