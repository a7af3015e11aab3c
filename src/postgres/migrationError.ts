export type MigrationErrorCode =
  | 'MIGRATION_BAD_NAME'
  | 'MIGRATION_DUPLICATE_VERSION'
  | 'MIGRATION_CHANGED'
  | 'MIGRATION_DATABASE_NEWER'
  | 'MIGRATION_OUT_OF_ORDER'
  | 'MIGRATION_LOCK_TIMEOUT'
  | 'MIGRATION_FAILED';

/** Why the schema could not be brought up to date; the message names the file and what to do. */
export class MigrationError extends Error {
  readonly code: MigrationErrorCode;
  constructor(code: MigrationErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MigrationError';
    this.code = code;
  }
}
