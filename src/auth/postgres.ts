import type { Pool } from 'pg';
import type { ApiKey } from './apiKey.ts';
import { isScope } from './caller.ts';
import type { ApiKeyFinder, ApiKeyStore } from './port.ts';

type Row = {
  readonly id: string;
  readonly secret_sha256: Buffer;
  readonly actor: string;
  readonly roles: string[];
  readonly scopes: string[];
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly revoked_at: Date | null;
};

const COLUMNS = 'id, secret_sha256, actor, roles, scopes, created_at, expires_at, revoked_at';

/** Looks API keys up in the `auth` schema of Postgres, anew for every request: a revoked key is refused from then on. */
export const createPostgresApiKeyFinder = (pool: Pool): ApiKeyFinder => ({
  find: async (id) => {
    const { rows } = await pool.query<Row>(`select ${COLUMNS} from auth.api_keys where id = $1`, [id]);
    return rows[0] ? apiKeyOf(rows[0]) : null;
  },
});

/** All API keys of a database, to administer them. The pool's user must own them: the role of the service only reads. */
export const createPostgresApiKeys = (pool: Pool): ApiKeyStore => ({
  ...createPostgresApiKeyFinder(pool),
  add: async (key) => {
    await pool.query(`insert into auth.api_keys (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8)`, [
      key.id,
      key.secretHash,
      key.actor,
      [...key.roles],
      [...key.scopes],
      key.createdAt,
      key.expiresAt,
      key.revokedAt,
    ]);
  },
  list: async () => {
    const { rows } = await pool.query<Row>(
      `select ${COLUMNS} from auth.api_keys order by created_at desc, id`,
    );
    return rows.map(apiKeyOf);
  },
  revoke: async (id, at) => {
    const { rows } = await pool.query<Row>(
      `update auth.api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1 returning ${COLUMNS}`,
      [id, at],
    );
    return rows[0] ? apiKeyOf(rows[0]) : null;
  },
});

const apiKeyOf = (row: Row): ApiKey => ({
  id: row.id,
  secretHash: row.secret_sha256,
  actor: row.actor,
  roles: row.roles,
  // A scope that only later code knows lets at nothing here.
  scopes: row.scopes.filter(isScope),
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  revokedAt: row.revoked_at?.toISOString() ?? null,
});
