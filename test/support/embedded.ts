import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { layoutOf } from '../../src/postgres/embedded/layout.ts';
import { postmasterPid } from '../../src/postgres/embedded/previousRun.ts';

/** Runs one statement; its rows. */
export async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  // Should the server die between two statements, the next one rejects; unheard, the event would end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** The running postmaster's process number; throws without one. */
export async function postmasterOf(dataDir: string): Promise<number> {
  const pid = await postmasterPid(layoutOf(dataDir));
  if (pid === undefined) throw new Error(`no postmaster in ${dataDir}`);
  return pid;
}

/** The parent of a process (Linux). */
export async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
}

/** The children of a process (Linux). */
export async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

/** Another process that starts a Postgres in the folder. Kill it with `kill`, which resolves when it is gone. */
export function forkService(dataDir: string): {
  child: ChildProcess;
  answer: Promise<unknown>;
  kill: () => Promise<void>;
} {
  const child = fork(new URL('./embeddedChild.ts', import.meta.url), [dataDir], { execArgv: [] });
  const gone = once(child, 'exit');
  const answer = Promise.race([
    once(child, 'message').then(([message]) => message),
    gone.then(() => undefined),
  ]);
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  return { child, answer, kill };
}
