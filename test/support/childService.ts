import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from './client.ts';
import { COMPILE_CACHE } from './compileCache.ts';
import { systemLog } from './systemStore.ts';
import { until } from './until.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_MS = 30_000;

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** The real service in a process of its own. */
export type ChildService = Client & {
  readonly url: string;
  /** Sends a signal; resolves when the process is gone. */
  readonly end: (signal: NodeJS.Signals) => Promise<Ended>;
  /** What it has written so far, to both outputs. */
  readonly output: () => string;
};

/**
 * Runs `node src/main.ts` with this environment and nothing else of ours, and waits until it listens.
 *
 * @throws Error with what it wrote when it ends first
 */
export async function startChildService(env: Readonly<Record<string, string>>): Promise<ChildService> {
  const { env: logEnv } = await systemLog(env.DATABASE_URL ?? '');
  const child = runNode(['src/main.ts'], {
    PORT: '0',
    ALLOW_SIMULATED: 'true',
    VERIFY_EVERY_HOURS: '0',
    ...logEnv,
    ...env,
  });
  const gone = once(child.process, 'exit').then(([code, signal]) => ({ code, signal }) as Ended);
  let ended: Ended | null = null;
  void gone.then((how) => {
    ended = how;
  });
  const url = await until(
    'the service listens',
    () => {
      if (ended !== null) throw new Error(`the service ended: ${child.output()}`);
      return /listens on (http:\S+)/.exec(child.output())?.[1];
    },
    START_MS,
  );
  return {
    ...createClient(url),
    url,
    output: child.output,
    end: (signal) => {
      if (ended === null) child.process.kill(signal);
      return gone;
    },
  };
}

/** Runs a command of this project to its end. */
export async function runToEnd(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended & { readonly output: string }> {
  const child = runNode(args, env);
  const [code, signal] = await once(child.process, 'close');
  return { code, signal, output: child.output() };
}

/** Starts a command of this project with this environment and nothing else of ours. */
export function runNode(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): { readonly process: ChildProcess; readonly output: () => string } {
  const child = spawn(process.execPath, [...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  return { process: child, output: () => chunks.join('') };
}

/** A file with this text, in a folder of its own. */
export async function temporaryFile(
  name: string,
  text: string,
): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'case-orchestrator-'));
  const path = join(folder, name);
  await writeFile(path, text);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}
