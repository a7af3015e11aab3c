import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findBinaries } from '../../src/postgres/embedded/binaries.ts';
import { chooseIdentity } from '../../src/postgres/embedded/chooseIdentity.ts';
import type { EmbeddedPostgresError } from '../../src/postgres/embedded/errors.ts';
import { invocation, serverEnvironment } from '../../src/postgres/embedded/identity.ts';
import { layoutOf } from '../../src/postgres/embedded/layout.ts';
import { postmasterFile } from '../../src/postgres/embedded/previousRun.ts';
import { processesIn, processState, until } from '../../src/postgres/embedded/processes.ts';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/postgres/embedded/startEmbeddedPostgres.ts';
import { childrenOf, forkService, parentOf, postmasterOf, query } from '../support/embedded.ts';

// These tests look into /proc; what they test is meant for every system.
const onLinux = test.runIf(process.platform === 'linux');

let parent: string;
let dataDir: string;
let running: EmbeddedPostgres | undefined;
let helper: ChildProcess | undefined;
let unexpected: Promise<EmbeddedPostgresError>;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'embedded-postgres-'));
  await chmod(parent, 0o711);
  dataDir = join(parent, 'data');
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
  helper?.kill('SIGKILL');
  helper = undefined;
});

afterAll(() => rm(parent, { recursive: true }));

async function start(): Promise<EmbeddedPostgres> {
  const { promise, resolve } = Promise.withResolvers<EmbeddedPostgresError>();
  unexpected = promise;
  running = await startEmbeddedPostgres({ dataDir, onUnexpectedExit: resolve });
  return running;
}

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  expect(await until(condition, 10_000)).toBe(true);
}

async function commandOf(pid: number): Promise<string> {
  const state = await processState(pid);
  return state.is === 'alive' ? state.command : '';
}

async function gone(pid: number): Promise<boolean> {
  return (await processState(pid)).is !== 'alive';
}

/** The rows that earlier tests committed, each just before a crash, and one more for this test. */
async function commit(url: string, name: string): Promise<void> {
  await query(url, 'CREATE TABLE IF NOT EXISTS committed (name text PRIMARY KEY)');
  await query(url, `INSERT INTO committed VALUES ('${name}')`);
}

async function committed(url: string): Promise<unknown[]> {
  return query(url, 'SELECT name FROM committed ORDER BY name');
}

onLinux('a service killed while it makes its first cluster leaves nothing that matters', async () => {
  const service = forkService(dataDir);
  const unfinished = async () =>
    (await readdir(dataDir).catch(() => [])).filter((name) => name.includes('.new-'));
  const initdbIsBusy = async () => {
    const [name = 'none'] = await unfinished();
    return (await readdir(join(dataDir, name, 'cluster', 'base')).catch(() => [])).length > 0;
  };
  await waitUntil(initdbIsBusy);
  await service.kill();
  const { url } = await start();
  expect(await unfinished()).toEqual([]);
  await commit(url, 'a: first');
});

onLinux('a killed postmaster is reported, and the next start has everything', async () => {
  const { url } = await start();
  await commit(url, 'b: postmaster killed');
  process.kill(await postmasterOf(dataDir), 'SIGKILL');
  expect(await unexpected).toMatchObject({ code: 'POSTGRES_EXITED' });
  const again = await start();
  expect(await committed(again.url)).toEqual([{ name: 'a: first' }, { name: 'b: postmaster killed' }]);
});

onLinux('a killed service leaves no Postgres behind, and the next start need not wait for that', async () => {
  const service = forkService(dataDir);
  const answer = await service.answer;
  const url = String(Object(answer).url);
  await commit(url, 'c: service killed');
  const postmaster = await postmasterOf(dataDir);
  await service.kill();
  const { url: next } = await start();
  expect(await gone(postmaster)).toBe(true);
  expect(await query(next, "SELECT name FROM committed WHERE name LIKE 'c%'")).toEqual([
    { name: 'c: service killed' },
  ]);
});

onLinux('a killed service leaves no Postgres behind without a next start', async () => {
  const service = forkService(dataDir);
  expect(await service.answer).toEqual({ url: expect.stringContaining('127.0.0.1') });
  const postmaster = await postmasterOf(dataDir);
  const shell = await parentOf(postmaster);
  await service.kill();
  await waitUntil(async () => (await gone(postmaster)) && (await gone(shell)));
  expect(await processesIn(layoutOf(dataDir).cluster)).toEqual([]);
  expect(await postmasterFile(layoutOf(dataDir))).toBeUndefined();
});

onLinux('a Postgres that outlived its service and its supervisor is ended by the next start', async () => {
  const service = forkService(dataDir);
  await service.answer;
  const postmaster = await postmasterOf(dataDir);
  const shell = await parentOf(postmaster);
  const watchers = (await childrenOf(shell)).filter((pid) => pid !== postmaster);
  for (const pid of [shell, ...watchers]) process.kill(pid, 'SIGKILL');
  await service.kill();
  expect(await gone(postmaster)).toBe(false);
  const { url } = await start();
  expect(await gone(postmaster)).toBe(true);
  expect(await committed(url)).toHaveLength(3);
});

onLinux('the supervisor ignores the signals of a terminal; killed, it takes Postgres with it', async () => {
  const { url } = await start();
  const postmaster = await postmasterOf(dataDir);
  const shell = await parentOf(postmaster);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(shell, name);
  expect(await committed(url)).toHaveLength(3);
  process.kill(shell, 'SIGKILL');
  expect(await unexpected).toMatchObject({ code: 'POSTGRES_EXITED' });
  await start();
  expect(await gone(postmaster)).toBe(true);
});

/** Crashes the server and leaves a `postmaster.pid` that names another process. */
async function crashAndName(pid: number): Promise<void> {
  await start();
  process.kill(await postmasterOf(dataDir), 'SIGKILL');
  await unexpected;
  const path = join(layoutOf(dataDir).cluster, 'postmaster.pid');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^\d+/, String(pid)));
}

async function clusterOwner(): Promise<{ uid?: number; gid?: number }> {
  const layout = layoutOf(dataDir);
  const { uid, gid } = invocation(
    await chooseIdentity(layout, await findBinaries(layout, undefined)),
    '',
    [],
  );
  return uid === undefined || gid === undefined ? {} : { uid, gid };
}

onLinux("a stale postmaster.pid whose number is another program's now is seen through", async () => {
  helper = spawn('sleep', ['600'], { ...(await clusterOwner()), cwd: '/', stdio: 'ignore' });
  await crashAndName(helper.pid ?? 0);
  const { url } = await start();
  expect(await committed(url)).toHaveLength(3);
  expect(helper.exitCode ?? helper.signalCode).toBeNull();
});

onLinux("a stale postmaster.pid whose number is a zombie's is seen through", async () => {
  // The child ends only once its parent has become a program that never waits for children.
  const script = 'cat <&3 & echo $!; exec 3<&-; exec sleep 600';
  const parentProcess = spawn('sh', ['-c', script], {
    ...(await clusterOwner()),
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  helper = parentProcess;
  const [line] = await once(parentProcess.stdout ?? parentProcess, 'data');
  const zombie = Number(String(line));
  await waitUntil(async () => (await commandOf(parentProcess.pid ?? 0)).startsWith('sleep'));
  parentProcess.stdio[3]?.destroy();
  await waitUntil(async () => (await processState(zombie)).is === 'zombie');
  await crashAndName(zombie);
  const { url } = await start();
  expect(await committed(url)).toHaveLength(3);
});

onLinux('a Postgres that somebody else started on the folder is left alone, and named', async () => {
  const layout = layoutOf(dataDir);
  const binaries = await findBinaries(layout, undefined);
  const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${layout.cluster}`];
  const identity = await chooseIdentity(layout, binaries);
  const { file, args, ...ids } = invocation(identity, binaries.postgres, ['-D', layout.cluster, ...settings]);
  const env = serverEnvironment(binaries.libraryPath);
  const other = spawn(file, args, { ...ids, env, cwd: '/', stdio: 'ignore' });
  const ended = once(other, 'exit');
  await waitUntil(async () => (await postmasterFile(layout))?.includes('ready') === true);
  const pid = await postmasterOf(dataDir);
  await expect(start()).rejects.toMatchObject({
    code: 'DATA_DIR_IN_USE',
    message: expect.stringContaining(`a Postgres that this service did not start, process ${pid}.`),
  });
  expect(await gone(pid)).toBe(false);
  other.kill('SIGINT');
  await ended;
});
