import type { Pool } from 'pg';
import type { KeyStore } from './port.ts';

/** A key store in the `vault` schema of Postgres. */
export function createPostgresKeyStore(pool: Pool): KeyStore {
  const find = async (caseId: string): Promise<Buffer | null> => {
    const found = await pool.query<{ key: Buffer }>('select key from vault.case_keys where case_id = $1', [
      caseId,
    ]);
    return found.rows[0]?.key ?? null;
  };
  return {
    find,
    findOrCreate: async (caseId, candidate) => {
      await pool.query(
        'insert into vault.case_keys (case_id, key, created_at) values ($1, $2, now()) on conflict (case_id) do nothing',
        [caseId, candidate],
      );
      const key = await find(caseId);
      if (!key) throw new Error(`the key of case ${caseId} was destroyed while it was being created`);
      return key;
    },
  };
}
