/**
 * What a failure of Postgres means to the caller.
 *
 * - `unavailable`: not reached, shutting down, out of resources or not in time. Whether the statement took effect is
 *   not known; the same statement may succeed later.
 * - `contention`: rolled back because of others (deadlock, serialization, lock timeout). Nothing was written.
 * - `data`: this row is wrong (class 22) or breaks a constraint (class 23). Repeating it cannot help.
 * - `other`: everything else, such as a missing table or privilege, and errors that are not Postgres's.
 */
export type PostgresFailure = 'unavailable' | 'contention' | 'data' | 'other';

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const UNAVAILABLE_CLASSES = new Set(['08', '53', '58']);
const UNAVAILABLE_STATES = new Set([
  '25006', // read_only_sql_transaction: a standby after a failover
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
]);
const CONTENTION_STATES = new Set(['40001', '40P01', '55P03']);
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOENT', // the socket's file
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

// The driver's own failures carry no code.
const DRIVER_MESSAGES = [
  'Connection terminated',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
];

/** The SQLSTATE or system code of an error (`23505`, `ECONNREFUSED`); null where it has none. */
export const codeOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/** Sorts any error that a statement, a connection or the pool has thrown. */
export function classifyPostgresError(error: unknown): PostgresFailure {
  const code = codeOf(error);
  if (code === null) return isDriverFailure(error) ? 'unavailable' : 'other';
  if (NETWORK_CODES.has(code) || UNAVAILABLE_STATES.has(code)) return 'unavailable';
  if (CONTENTION_STATES.has(code)) return 'contention';
  if (code.length !== 5) return 'other';
  const sqlClass = code.slice(0, 2);
  if (UNAVAILABLE_CLASSES.has(sqlClass)) return 'unavailable';
  return sqlClass === '22' || sqlClass === '23' ? 'data' : 'other';
}

/** Whether the error is a unique violation (23505) of the constraint with this name. */
export const isUniqueViolation = (error: unknown, constraint: string): boolean =>
  codeOf(error) === '23505' &&
  error instanceof Error &&
  'constraint' in error &&
  error.constraint === constraint;

const isDriverFailure = (error: unknown): boolean =>
  error instanceof Error && DRIVER_MESSAGES.some((message) => error.message.startsWith(message));
