import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { layoutOf } from '../../src/postgres/embedded/layout.ts';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/postgres/embedded/startEmbeddedPostgres.ts';
import { forkService, postmasterOf, query } from '../support/embedded.ts';

let parent: string;
let dataDir: string;
let running: EmbeddedPostgres | undefined;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'embedded-postgres-'));
  // A user other than root must be able to pass.
  await chmod(parent, 0o711);
  dataDir = join(parent, 'data');
});

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

afterAll(() => rm(parent, { recursive: true }));

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  running = await startEmbeddedPostgres({ dataDir, ...options });
  return running;
}

test('the first start makes a database, a restart keeps what is in it', async () => {
  const lines: string[] = [];
  const first = await start({ databases: ['cases', 'a "second" one'], log: (line) => lines.push(line) });
  await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS n');
  await first.stop();
  const second = await start({ databases: ['cases', 'a "second" one'], log: (line) => lines.push(line) });
  expect(await query(second.url, 'SELECT n, current_database() AS database FROM kept')).toEqual([
    { n: 1, database: 'cases' },
  ]);
  expect(await query(second.url, "SELECT 1 AS n FROM pg_database WHERE datname LIKE 'a%'")).toEqual([
    { n: 1 },
  ]);
  const { password } = new URL(second.url);
  expect(password.length).toBeGreaterThanOrEqual(32);
  expect([...lines, second.description].filter((line) => line.includes(password))).toEqual([]);
  expect(lines).toHaveLength(3);
});

test('the server is set up for one team, safely', async () => {
  const { url, version } = await start({ databases: ['cases'] });
  const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'listen_addresses'];
  const more = [
    'unix_socket_directories',
    'timezone',
    'server_encoding',
    'max_connections',
    'server_version',
  ];
  const rows = await Promise.all([...names, ...more].map((name) => query(url, `SHOW ${name}`)));
  expect(Object.assign({}, ...rows.flat())).toEqual({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    data_checksums: 'on',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    TimeZone: 'UTC',
    server_encoding: 'UTF8',
    max_connections: '100',
    server_version: version,
  });
  const wrong = new URL(url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
});

test('only its owner can read anything in the data folder, and no command line holds the password', async () => {
  const { url } = await start();
  const { password } = new URL(url);
  const entries = await readdir(dataDir, { recursive: true });
  const modes = await Promise.all(
    ['.', ...entries].map(async (name) => ({ name, mode: await modeOf(name) })),
  );
  expect(modes.length).toBeGreaterThan(900);
  expect(modes.filter(({ mode }) => (mode & 0o077) !== 0)).toEqual([]);
  if (process.platform !== 'linux') return;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  expect(commands.filter((command) => command.includes(dataDir))).not.toEqual([]);
  expect(commands.filter((command) => command.includes(password))).toEqual([]);
});

// Postgres removes temporary files at any time.
async function modeOf(name: string): Promise<number> {
  return stat(join(dataDir, name)).then(
    ({ mode }) => mode & 0o777,
    () => 0,
  );
}

test.runIf(process.platform === 'linux')('the server never runs as root', async () => {
  await start();
  const status = await readFile(`/proc/${await postmasterOf(dataDir)}/status`, 'utf8');
  const [real] = (/^Uid:\s+(.*)$/m.exec(status)?.[1] ?? '').split('\t').map(Number);
  const own = process.getuid?.();
  if (own === 0) expect(real).toBeGreaterThan(0);
  else expect(real).toBe(own);
});

test.runIf(process.getuid?.() === 0)(
  'below a folder that is closed to all but root, a user namespace helps',
  async () => {
    const closed = join(parent, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const outcome = await startEmbeddedPostgres({ dataDir: join(closed, 'data'), fsync: false }).then(
      async ({ url, stop }) => {
        const rows = await query(url, 'SELECT 1 AS n');
        await stop();
        return rows;
      },
      (error: unknown) => Object(error).code,
    );
    const possible =
      spawnSync('unshare', ['--user', '--map-user=65534', '--map-group=65534', 'true']).status === 0;
    expect(outcome).toEqual(possible ? [{ n: 1 }] : 'POSTGRES_USER_UNUSABLE');
  },
);

test('stop ends queries and transactions that are under way, and may be called again', async () => {
  const { url, stop } = await start();
  const clients = [new Client({ connectionString: url }), new Client({ connectionString: url })] as const;
  for (const client of clients) client.on('error', () => undefined);
  await Promise.all(clients.map((client) => client.connect()));
  await clients[0].query('BEGIN; CREATE TABLE never_committed (n int)');
  const sleeping = expect(clients[1].query('SELECT pg_sleep(600)')).rejects.toMatchObject({ code: '57P01' });
  await Promise.all([stop(), stop()]);
  await sleeping;
  await expect(query(url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await stop();
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  const again = await start();
  expect(await query(again.url, "SELECT to_regclass('never_committed') AS found")).toEqual([{ found: null }]);
});

test('a second service on the same folder is refused with the folder and the process, here and elsewhere', async () => {
  const { url } = await start();
  const message = `The data folder ${dataDir} is in use by another service, process ${process.pid}. Stop it, or set another DATA_DIR for this one.`;
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
    code: 'DATA_DIR_IN_USE',
    message,
  });
  expect(await forkService(dataDir).answer).toEqual({ error: message });
  expect(await query(url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

test('two first starts at the same moment: one wins, the other is refused', async () => {
  const shared = join(parent, 'race');
  const outcomes = await Promise.allSettled(
    [1, 2].map(() => startEmbeddedPostgres({ dataDir: shared, fsync: false })),
  );
  const started = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  await Promise.all(started.map(({ value }) => value.stop()));
  expect(started).toHaveLength(1);
  expect(refused.map(({ reason }) => reason.code)).toEqual(['DATA_DIR_IN_USE']);
});

test('a folder of another major version is refused and left as it is', async () => {
  const versionFile = join(layoutOf(dataDir).cluster, 'PG_VERSION');
  const own = await readFile(versionFile, 'utf8');
  await writeFile(versionFile, '14\n');
  await expect(start()).rejects.toMatchObject({
    code: 'DATA_DIR_WRONG_VERSION',
    message: expect.stringContaining(`${dataDir} was made by Postgres 14`),
  });
  expect(await readFile(versionFile, 'utf8')).toBe('14\n');
  await writeFile(versionFile, own);
  const { url } = await start({ databases: ['cases'] });
  expect(await query(url, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
});

test('a folder that holds something else is refused, not overwritten', async () => {
  const other = join(parent, 'other');
  await mkdir(join(other, 'postgres'), { recursive: true });
  await writeFile(join(other, 'postgres', 'notes.txt'), 'mine');
  await expect(startEmbeddedPostgres({ dataDir: other })).rejects.toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
  });
  expect(await readFile(join(other, 'postgres', 'notes.txt'), 'utf8')).toBe('mine');
  await expect(
    startEmbeddedPostgres({ dataDir: join(other, 'postgres', 'notes.txt') }),
  ).rejects.toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
  });
});
