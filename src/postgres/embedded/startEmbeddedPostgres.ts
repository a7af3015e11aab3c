import { randomBytes } from 'node:crypto';
import { type Binaries, findBinaries } from './binaries.ts';
import { chooseIdentity } from './chooseIdentity.ts';
import { createMissingDatabases } from './databases.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { describeIdentity } from './identity.ts';
import { initialiseCluster, removeUnfinished } from './initialise.ts';
import { launch, type Running } from './launch.ts';
import { clusterMajor, type Layout, makeDataDir } from './layout.ts';
import { handOverLock, lockDataDir } from './lock.ts';
import { settlePreviousRun } from './previousRun.ts';
import { embeddedUrl } from './url.ts';

/** How to start an embedded Postgres. */
export type EmbeddedPostgresOptions = {
  /** The folder that holds everything; made if missing. */
  dataDir: string;
  /** False is for tests only: a power cut then loses or damages data. Default true. */
  fsync?: boolean;
  /** Databases that must exist; the first one is the one in `url`. Default: only `postgres`. */
  databases?: readonly string[];
  /** Takes one line about each thing worth knowing; never a secret. */
  log?: (line: string) => void;
  /** Called once if the server ends without `stop`; the data folder is free again by then. */
  onUnexpectedExit?: (error: EmbeddedPostgresError) => void;
  /** How long one start may take, crash recovery included. Default 120,000 ms. */
  startTimeoutMs?: number;
};

/** A running embedded Postgres. `url` holds the password: never log it; `description` says the same without. */
export type EmbeddedPostgres = {
  url: string;
  version: string;
  dataDir: string;
  description: string;
  /** Stops the server, ending every connection and transaction; resolves when it is gone. May be called again. */
  stop: () => Promise<void>;
};

/**
 * Starts a real Postgres of one's own in a data folder, on loopback and a free port, making the cluster at the first
 * start. It ends with this process however that ends, and a start cleans up what an earlier run left behind.
 * Throws EmbeddedPostgresError; its code says what is wrong: DATA_DIR_IN_USE, DATA_DIR_WRONG_VERSION and so on.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const layout = await makeDataDir(options.dataDir);
  const unlock = lockDataDir(layout);
  try {
    return await startLocked(layout, options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startLocked(
  layout: Layout,
  options: EmbeddedPostgresOptions,
  unlock: () => void,
): Promise<EmbeddedPostgres> {
  const { fsync = true, startTimeoutMs = 120_000, log = () => undefined } = options;
  const major = await clusterMajor(layout);
  const binaries = await findBinaries(layout, major);
  if (major !== undefined && major !== binaries.major) throw wrongVersion(layout, major, binaries);
  await removeUnfinished(layout);
  const identity = await chooseIdentity(layout, binaries);
  if (identity.kind === 'user') handOverLock(layout, identity);
  if (major === undefined) {
    log(`Making a new database cluster in ${layout.dataDir}`);
    await initialiseCluster(layout, binaries, identity, {
      fsync,
      password: randomBytes(24).toString('base64url'),
    });
  }
  const stalePid = await settlePreviousRun(layout);
  const running = await launch({ layout, binaries, identity, fsync, stalePid, startTimeoutMs });
  const description = `Postgres ${binaries.version} (${binaries.origin}) on 127.0.0.1:${running.port} in ${layout.dataDir}`;
  const stop = stopper(running, options, unlock, description);
  try {
    const url = await connectionUrl(layout, running, options.databases ?? []);
    log(`${description}, run as ${describeIdentity(identity)}`);
    return { url, version: binaries.version, dataDir: layout.dataDir, description, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connectionUrl(
  layout: Layout,
  running: Running,
  databases: readonly string[],
): Promise<string> {
  const url = (database: string) => embeddedUrl(layout, running.port, database);
  await createMissingDatabases(await url('postgres'), databases);
  return url(databases[0] ?? 'postgres');
}

function stopper(
  { server }: Running,
  { log, onUnexpectedExit }: EmbeddedPostgresOptions,
  unlock: () => void,
  description: string,
): () => Promise<void> {
  let stopping = false;
  const gone = server.exited.then(() => {
    // When the shell alone was killed, this end of its pipe makes the watcher stop the server.
    server.end();
    unlock();
    if (stopping) return;
    const error = new EmbeddedPostgresError(
      'POSTGRES_EXITED',
      `${description} ended without being asked to.`,
    );
    log?.(error.message);
    onUnexpectedExit?.(error);
  });
  return async () => {
    stopping = true;
    server.end();
    await gone;
  };
}

function wrongVersion(layout: Layout, major: number, binaries: Binaries): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'DATA_DIR_WRONG_VERSION',
    `The data folder ${layout.dataDir} was made by Postgres ${major}, this is ${binaries.version}. Dump it with a ` +
      `Postgres ${major} and restore it into a new DATA_DIR, or set DATABASE_URL to a Postgres ${major} that serves it.`,
  );
}
