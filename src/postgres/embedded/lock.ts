import { chmodSync, chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { EmbeddedPostgresError } from './errors.ts';
import type { Layout } from './layout.ts';

const sqliteBusy = 5;

/**
 * Takes the data folder for this process; the returned function gives it back.
 * Node offers no flock; SQLite's lock is one that the operating system drops however the process ends, so that
 * there is no stale lock to judge by process ids, which other containers and reboots reuse.
 * Throws DATA_DIR_IN_USE, naming the folder and the process that holds it, or DATA_DIR_UNUSABLE.
 */
export function lockDataDir(layout: Layout): () => void {
  const database = openLocked(layout);
  // By name: to open and close this file once more would drop the lock, such is POSIX.
  if (process.getuid?.() === statSync(layout.lock).uid) chmodSync(layout.lock, 0o600);
  writeFileSync(layout.owner, `${process.pid}\n`, { mode: 0o600 });
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    rmSync(layout.owner, { force: true });
    database.close();
  };
}

/**
 * Hands the lock's files to the user whom root runs the server as, so that this user may start the service the next
 * time. By name, for the same reason as above.
 */
export function handOverLock(layout: Layout, user: { uid: number; gid: number }): void {
  for (const path of [layout.lock, layout.owner]) chownSync(path, user.uid, user.gid);
}

function openLocked(layout: Layout): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(layout.lock, { timeout: 0 });
    // Nothing is ever written; without the pragma a killed process leaves an empty journal file.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    throw lockError(layout, error);
  }
}

function lockError(layout: Layout, error: unknown): EmbeddedPostgresError {
  if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) {
    return inUse(layout, ownerOf(layout));
  }
  const why = error instanceof Error ? error.message : String(error);
  return new EmbeddedPostgresError(
    'DATA_DIR_UNUSABLE',
    `The data folder ${layout.dataDir} cannot be locked (${why}). It must be writable by this user, and on a file system with locks.`,
    { cause: error },
  );
}

/** The error for a data folder that another process uses: `by` says which. */
export function inUse(layout: Layout, by: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'DATA_DIR_IN_USE',
    `The data folder ${layout.dataDir} is in use by ${by}. Stop it, or set another DATA_DIR for this one.`,
  );
}

function ownerOf(layout: Layout): string {
  try {
    return `another service, process ${readFileSync(layout.owner, 'utf8').trim()}`;
  } catch {
    return 'another service';
  }
}
