import { chown, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { type Identity, serverEnvironment } from './identity.ts';
import { homeLayout, type Layout, unfinishedPrefix } from './layout.ts';
import { type Supervised, spawnSupervised } from './supervised.ts';

/** The only database user that a new cluster has. */
export const superuser = 'postgres';

// An operator may edit these in postgresql.conf. Errors of statements are the service's to log: Postgres would write
// out the statement and the row, which hold personal text.
const settings = `
# Defaults of an embedded server for one team; edit as you like.
max_connections = 100
shared_buffers = 128MB
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
`;

/**
 * Makes the cluster and its password beside its place and moves them there in one rename, so that a crash at any moment
 * leaves either none or a whole one. With `fsync` false it may not survive a power cut. Throws POSTGRES_INIT_FAILED.
 */
export async function initialiseCluster(
  layout: Layout,
  binaries: Binaries,
  identity: Identity,
  options: { fsync: boolean; password: string },
): Promise<void> {
  const unfinished = homeLayout(await mkdtemp(join(layout.dataDir, unfinishedPrefix)));
  try {
    await writeDurably(unfinished.password, 'wx', options.password);
    if (identity.kind === 'user') {
      await chown(unfinished.password, identity.uid, identity.gid);
      await chown(unfinished.home, identity.uid, identity.gid);
    }
    await runInitdb(unfinished, binaries, identity, options.fsync);
    await writeDurably(join(unfinished.cluster, 'postgresql.conf'), 'a', settings);
    await rename(unfinished.home, layout.home);
  } catch (error) {
    await rm(unfinished.home, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(layout.dataDir);
}

/** Removes what runs that died while they made a cluster have left behind. */
export async function removeUnfinished(layout: Layout): Promise<void> {
  const names = await readdir(layout.dataDir);
  const leftovers = names.filter((name) => name.startsWith(unfinishedPrefix));
  // Retries, because the initdb of a run that was killed just now may still be on its way out.
  const options = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 };
  // What resists is no obstacle, only waste: the next start tries again.
  await Promise.allSettled(leftovers.map((name) => rm(join(layout.dataDir, name), options)));
}

async function runInitdb(
  unfinished: Pick<Layout, 'cluster' | 'password'>,
  binaries: Binaries,
  identity: Identity,
  fsync: boolean,
): Promise<void> {
  const args = [
    `--pgdata=${unfinished.cluster}`,
    `--username=${superuser}`,
    `--pwfile=${unfinished.password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--no-instructions',
    ...syncOptions(binaries, fsync),
  ];
  const env = serverEnvironment(binaries.libraryPath);
  const initdb = spawnSupervised(identity, binaries.initdb, args, { env, stderr: 'pipe' });
  const [code, complaint] = await Promise.all([initdb.exited, readTail(initdb)]);
  if (code === 0) return;
  throw new EmbeddedPostgresError('POSTGRES_INIT_FAILED', `initdb failed: ${complaint || 'it said nothing'}`);
}

function syncOptions(binaries: Binaries, fsync: boolean): string[] {
  if (!fsync) return ['--no-sync'];
  // One call for the file system instead of one for each of a thousand files; Linux only, and new in Postgres 17.
  return process.platform === 'linux' && binaries.major >= 17 ? ['--sync-method=syncfs'] : [];
}

async function readTail({ process: initdb }: Supervised): Promise<string> {
  let text = '';
  for await (const chunk of initdb.stderr ?? []) text = (text + String(chunk)).slice(-2000);
  return text.trim();
}

async function writeDurably(path: string, flags: string, text: string): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
