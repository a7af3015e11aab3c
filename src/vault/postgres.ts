import type { Pool } from 'pg';
import { classifyPostgresError } from '../postgres/errors.ts';
import { type KeyStore, KeyStoreRefusedError } from './port.ts';

/** A key store in the `vault` schema of Postgres. */
export function createPostgresKeyStore(pool: Pool): KeyStore {
  const query = async (text: string, values: unknown[]): Promise<{ readonly key: Buffer }[]> => {
    try {
      return (await pool.query<{ key: Buffer }>(text, values)).rows;
    } catch (error) {
      const failure = classifyPostgresError(error);
      throw failure === 'unavailable' || failure === 'contention' ? error : new KeyStoreRefusedError(error);
    }
  };
  const find = async (caseId: string): Promise<Buffer | null> => {
    const [found] = await query('select key from vault.case_keys where case_id = $1', [caseId]);
    return found?.key ?? null;
  };
  return {
    find,
    findOrCreate: async (caseId, candidate) => {
      await query(
        'insert into vault.case_keys (case_id, key, created_at) values ($1, $2, now()) on conflict (case_id) do nothing',
        [caseId, candidate],
      );
      const key = await find(caseId);
      if (!key) throw new Error(`the key of case ${caseId} was destroyed while it was being created`);
      return key;
    },
  };
}
