import { readFile } from 'node:fs/promises';
import { superuser } from './initialise.ts';
import { type Layout, layoutOf } from './layout.ts';
import { postmasterFile } from './previousRun.ts';

/** The URL of a database of an embedded server, by its port. It holds the password: never log it. */
export async function embeddedUrl(layout: Layout, port: number, database: string): Promise<string> {
  const password = await readFile(layout.password, 'utf8');
  const server = `postgres://${superuser}:${encodeURIComponent(password.trim())}@127.0.0.1:${port}`;
  // Said outright, because PGSSLMODE may be set for another server.
  return `${server}/${encodeURIComponent(database)}?sslmode=disable`;
}

/**
 * The URL of a database of the server that another process runs in a data folder; null where none is ready.
 *
 * @throws the file system's error when this user may not read the password
 */
export async function urlOfRunningServer(dataDir: string, database: string): Promise<string | null> {
  const layout = layoutOf(dataDir);
  // https://www.postgresql.org/docs/current/storage-file-layout.html: postmaster.pid; the status is the eighth line.
  const lines = (await postmasterFile(layout))?.split('\n') ?? [];
  const port = Number(lines[3]);
  return Number.isInteger(port) && lines[7]?.trim() === 'ready' ? embeddedUrl(layout, port, database) : null;
}
