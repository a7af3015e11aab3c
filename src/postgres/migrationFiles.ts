import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { MigrationError } from './migrationError.ts';

/** One step of the schema, read from `NNN-name.sql`. */
export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Hexadecimal, of the text with line ends as LF. */
  readonly sha256: string;
};

/**
 * Reads every `*.sql` file of the folders, in order of version.
 *
 * @param folders each a path or a file URL; versions are unique over all of them
 * @throws MigrationError MIGRATION_BAD_NAME, MIGRATION_DUPLICATE_VERSION
 */
export async function readMigrations(folders: readonly (string | URL)[]): Promise<Migration[]> {
  const migrations = (await Promise.all(folders.map(readFolder))).flat();
  migrations.sort((a, b) => a.version - b.version);
  for (const [index, migration] of migrations.entries()) {
    const before = migrations[index - 1];
    if (before?.version === migration.version) {
      throw new MigrationError(
        'MIGRATION_DUPLICATE_VERSION',
        `${before.name} and ${migration.name} have the same version: renumber the newer one.`,
      );
    }
  }
  return migrations;
}

async function readFolder(folder: string | URL): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql'));
  return Promise.all(files.map((file) => readMigration(folder, file)));
}

async function readMigration(folder: string | URL, file: string): Promise<Migration> {
  const version = /^(\d{3})-[a-z0-9-]+\.sql$/.exec(file)?.[1];
  if (version === undefined) {
    throw new MigrationError('MIGRATION_BAD_NAME', `${file}: name it NNN-name.sql, such as 003-reviews.sql.`);
  }
  const path = folder instanceof URL ? new URL(file, folder) : `${folder}/${file}`;
  // A checkout that turns line ends into CRLF has not changed the migration.
  const sql = (await readFile(path, 'utf8')).replaceAll('\r\n', '\n');
  const sha256 = createHash('sha256').update(sql).digest('hex');
  return { version: Number(version), name: file, sql, sha256 };
}
