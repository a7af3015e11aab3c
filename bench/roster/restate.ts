import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Started, startProcess } from '../processes.ts';
import type { Contestant, Serving, Surroundings } from './contestant.ts';
import { startPeer, urlOf } from './peer.ts';

const READY_MS = 60_000;
const LOOK_AGAIN_MS = 20;

export const RESTATE: Contestant = {
  name: 'restate',
  label: 'Restate',
  packages: ['@restatedev/restate-server', '@restatedev/restate-sdk'],
  note: 'One node of its server (a log and RocksDB of its own, synced to disk; no Postgres), the SDK in the contestant; each call a ctx.run.',
  hotNote: 'A virtual object with the case as its key: one task after the other.',
  start,
};

async function start(surroundings: Surroundings): Promise<Serving> {
  const ingress = `127.0.0.1:${await freePort()}`;
  const admin = `127.0.0.1:${await freePort()}`;
  // What its service waits for is the server's address, not the server.
  const [server, service] = await Promise.all([
    startServer(surroundings, ingress, admin),
    startPeer('restate', surroundings, { BENCH_RESTATE_URL: `http://${ingress}` }),
  ]);
  await answered(`http://${admin}/health`);
  const { endpointPort } = service.told as { endpointPort: number };
  await post(`http://${admin}/deployments`, { uri: `http://127.0.0.1:${endpointPort}` });
  await answered(`http://${ingress}/restate/health`);
  return {
    target: { urls: [urlOf(service)], dialect: 'task' },
    pids: [server.pid, service.pid],
    openCases: async () => undefined,
    done: () => countDone(admin),
    stop: async () => {
      await service.stop();
      await server.stop();
    },
  };
}

/** The server as its package brings it, with its defaults but for addresses: everything on loopback. */
async function startServer(
  { folder, logFile }: Surroundings,
  ingress: string,
  admin: string,
): Promise<Started> {
  const node = `127.0.0.1:${await freePort()}`;
  return startProcess({
    command: serverBinary(),
    args: ['--base-dir', folder, '--node-name', 'bench'],
    cwd: folder,
    logFile: `${logFile}.server`,
    ready: /./,
    env: {
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_ADDRESS: node,
      RESTATE_ADVERTISED_ADDRESS: `http://${node}/`,
      RESTATE_INGRESS__BIND_ADDRESS: ingress,
      RESTATE_ADMIN__BIND_ADDRESS: admin,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    },
  });
}

/** The binary of this platform, out of the package that npm chose for it. */
function serverBinary(): string {
  const system = process.platform === 'darwin' ? 'darwin' : 'linux';
  const processor = process.arch === 'arm64' ? 'arm64' : 'x64';
  const name = `@restatedev/restate-server-${system}-${processor}`;
  return createRequire(import.meta.url).resolve(`${name}/bin/restate-server`);
}

async function countDone(admin: string): Promise<number> {
  const query = `SELECT count(*) AS done FROM sys_invocation WHERE status = 'completed' AND completion_result = 'success'`;
  const { rows } = (await post(`http://${admin}/query`, { query })) as { rows: { done: number }[] };
  return rows[0]?.done ?? 0;
}

async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(url).pathname}: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

async function answered(url: string): Promise<void> {
  const end = performance.now() + READY_MS;
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok) return;
    if (performance.now() > end) throw new Error(`no answer at ${url}`);
    await sleep(LOOK_AGAIN_MS);
  }
}

/** A port that is free now; somebody else may take it before it is used, which then shows at once. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
