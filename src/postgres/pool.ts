import pg from 'pg';

export type PoolOptions = {
  readonly url: string;
  /** Most connections. */
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Told when an idle connection breaks; the pool has dropped it already. Without a listener it would end the process. */
  readonly onError: (error: Error) => void;
  /** The role every connection works under (see {@link serviceRoleOf}); null: the user of the URL. */
  readonly role?: string | null;
  /** The server ends any statement after this time; the client gives up one second later. */
  readonly statementTimeoutMs?: number;
  /** Longest wait for a connection, new or free. */
  readonly connectTimeoutMs?: number;
  /** The server ends a session that leaves a transaction open and idle for this long. */
  readonly idleInTransactionTimeoutMs?: number;
};

/** The role that a migrated database offers the running service: it can append and read events, and change none. */
const SERVICE_ROLE = 'case_orchestrator_service';

// synchronous_commit: what is acknowledged is durable, whatever the database's or the user's default says.
// tcp_keepalives: a peer that vanished in the middle of an append must not hold its locks for the default two hours.
const SETTINGS = `SELECT set_config('statement_timeout', $1, false),
  set_config('idle_in_transaction_session_timeout', $2, false),
  set_config('tcp_keepalives_idle', '15', false),
  set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false),
  set_config('synchronous_commit',
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
  CASE WHEN $3::text IS NOT NULL THEN set_config('role', $3, false) END`;

/**
 * A pool with bounds on everything. `bigint` columns and arrays (counts too) come as JavaScript bigint; every other type
 * as the driver gives it (timestamps as Date). Connects on first use.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const settings = [
    String(statementTimeoutMs),
    String(options.idleInTransactionTimeoutMs ?? 15_000),
    options.role ?? null,
  ];
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 3_000,
    idleTimeoutMillis: 30_000,
    query_timeout: statementTimeoutMs + 1_000,
    keepAlive: true,
    types: { getTypeParser },
    onConnect: (client) => configure(client, settings),
  });
  pool.on('error', options.onError);
  return pool;
}

/**
 * The role that the service should work under on this database: where migrations could make it, grant it to this user
 * and let it append; else null, and the service works as the user of its URL.
 */
export async function serviceRoleOf(pool: pg.Pool): Promise<string | null> {
  const { rows } = await pool.query<{ usable: boolean | null }>(USABLE_ROLE, [SERVICE_ROLE]);
  return rows[0]?.usable === true ? SERVICE_ROLE : null;
}

// Before version 16 a member could always SET ROLE, and pg_has_role knew no 'SET'.
const USABLE_ROLE = `SELECT pg_has_role(session_user, oid,
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
  AND has_any_column_privilege(oid, to_regclass('eventlog.events'), 'INSERT')
  AND has_table_privilege(oid, to_regclass('vault.case_keys'), 'INSERT') AS usable
  FROM pg_roles WHERE rolname = $1`;

const INT8 = 20;
const INT8_ARRAY = 1016;

const parseInt8Array = (text: string): bigint[] =>
  text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt);

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') => {
  if (oid === INT8) return BigInt;
  if (oid === INT8_ARRAY) return parseInt8Array;
  return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
};

async function configure(client: pg.ClientBase, settings: readonly (string | null)[]): Promise<void> {
  await client.query(SETTINGS, [...settings]);
}
