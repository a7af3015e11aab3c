/** Stable codes of everything that can stop an embedded Postgres from starting or running. */
export type EmbeddedPostgresErrorCode =
  | 'DATA_DIR_IN_USE'
  | 'DATA_DIR_UNUSABLE'
  | 'DATA_DIR_WRONG_VERSION'
  | 'POSTGRES_NOT_FOUND'
  | 'POSTGRES_USER_UNUSABLE'
  | 'POSTGRES_INIT_FAILED'
  | 'POSTGRES_START_FAILED'
  | 'POSTGRES_EXITED';

/** An error of the embedded Postgres: `code` is stable, `message` says what to do. It never holds the password. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
    this.code = code;
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, ...), or undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
