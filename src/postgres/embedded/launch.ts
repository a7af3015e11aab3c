import { fchownSync } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { type Identity, serverEnvironment } from './identity.ts';
import type { Layout } from './layout.ts';
import { inUse } from './lock.ts';
import { clusterName, postmasterFile } from './previousRun.ts';
import { until } from './processes.ts';
import { type Supervised, spawnSupervised } from './supervised.ts';

/** A server that accepts connections on 127.0.0.1. */
export type Running = { server: Supervised; port: number };

/** What one start needs to know. `stalePid`: a number in postmaster.pid that is no server's. */
export type LaunchPlan = {
  layout: Layout;
  binaries: Binaries;
  identity: Identity;
  fsync: boolean;
  stalePid: number | undefined;
  startTimeoutMs: number;
};

const loopback = '127.0.0.1';
const attempts = 25;
const largestLogBytes = 10_000_000;
const transientFailures = /could not create any TCP\/IP sockets|pre-existing shared memory block/;

/**
 * Starts the server on a free port and waits until it accepts connections. Tries again while a port was snatched away or
 * the last process of an earlier run is leaving. Throws POSTGRES_START_FAILED with what Postgres said, or DATA_DIR_IN_USE.
 */
export async function launch(plan: LaunchPlan): Promise<Running> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await launchOnce(plan);
    if (!('complaint' in outcome)) return outcome;
    const { complaint } = outcome;
    if (/lock file ".*" already exists/.test(complaint)) throw inUse(plan.layout, 'another Postgres');
    if (attempt === attempts || !transientFailures.test(complaint)) throw startFailed(plan, complaint);
    await delay(200);
  }
}

async function launchOnce(plan: LaunchPlan): Promise<Running | { complaint: string }> {
  const { layout, binaries, identity } = plan;
  const port = await freePort();
  const before = await postmasterFile(layout);
  const log = await openLog(plan);
  const start = (await log.stat()).size;
  const env = { ...serverEnvironment(binaries.libraryPath), ...grandparent(plan.stalePid) };
  const server = spawnSupervised(identity, binaries.postgres, serverArguments(plan, port), {
    env,
    stderr: log.fd,
  });
  try {
    if (await becameReady(server, layout, before, plan.startTimeoutMs)) return { server, port };
    server.end();
    await server.exited;
    return { complaint: await readFrom(layout.log, start) };
  } finally {
    await log.close();
  }
}

// Settings that this module relies on; everything else is in postgresql.conf, for the operator to edit.
function serverArguments(plan: LaunchPlan, port: number): string[] {
  const durability = plan.fsync ? [] : ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'];
  const settings = [
    `listen_addresses=${loopback}`,
    `port=${port}`,
    'unix_socket_directories=',
    `cluster_name=${clusterName}`,
    ...durability,
  ];
  return ['-D', plan.layout.cluster, ...settings.flatMap((setting) => ['-c', setting])];
}

// Postgres does not start while the process in postmaster.pid lives, unless it is its own grandparent, which it takes
// from this variable (src/backend/utils/init/miscinit.c, CreateLockFile; pg_ctl sets it likewise). Unlike deleting
// the file this keeps the second check, for processes attached to the old shared memory.
function grandparent(stalePid: number | undefined): Record<string, string> {
  return stalePid === undefined ? {} : { PG_GRANDPARENT_PID: String(stalePid) };
}

async function becameReady(
  server: Supervised,
  layout: Layout,
  before: string | undefined,
  timeoutMs: number,
): Promise<boolean> {
  let gone = false;
  server.exited.then(() => {
    gone = true;
  });
  let ready = false;
  await until(async () => {
    const file = await postmasterFile(layout);
    // The eighth line is the server's status.
    ready = file !== undefined && file !== before && file.split('\n')[7]?.trim() === 'ready';
    return ready || gone;
  }, timeoutMs);
  return ready && !gone;
}

async function openLog({ layout, identity }: LaunchPlan) {
  const size = await stat(layout.log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > largestLogBytes) await rename(layout.log, `${layout.log}.1`);
  const log = await open(layout.log, 'a', 0o600);
  if (identity.kind === 'user') fchownSync(log.fd, identity.uid, identity.gid);
  return log;
}

async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size - start, 4000)), {
      position: start,
    });
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await file.close();
  }
}

function startFailed(plan: LaunchPlan, complaint: string): EmbeddedPostgresError {
  const said = complaint.split('\n').filter((line) => /FATAL|PANIC|error while loading/.test(line));
  const reason = said.join('; ') || `it was not ready after ${plan.startTimeoutMs} ms or said nothing`;
  return new EmbeddedPostgresError(
    'POSTGRES_START_FAILED',
    `Postgres did not start: ${reason}. All it said is in ${plan.layout.log}.`,
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, loopback, () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()));
    });
  });
}
