import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const STOP_MS = 30_000;
const LOOK_AGAIN_MS = 10;
const running = new Set<ChildProcess>();
let ending = false;

/** A process that was started here and ends with this one, however that ends. */
export type Started = {
  readonly pid: number;
  /** The first message it sent, or the match of `ready` in its output. */
  readonly told: unknown;
  /** Sends it a message and waits for the next one it sends back. */
  readonly ask: <T>(message: unknown) => Promise<T>;
  /** Asks it to end, makes it end after half a minute; resolves when it is gone. */
  readonly stop: () => Promise<void>;
};

export type StartOptions = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where its output goes. */
  readonly logFile: string;
  /** How its output tells that it is ready; without it its first message does. */
  readonly ready?: RegExp;
};

/** Ends at once whatever still runs of what was started here; whoever waits for one of them learns of it. */
export function endLeftOvers(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** The same, and lets nothing more be started. */
export function endAll(): void {
  ending = true;
  endLeftOvers();
}

/**
 * Starts a process and waits until it is ready.
 *
 * @throws Error naming its log when it ends first, or when everything is being ended
 */
export async function startProcess(options: StartOptions): Promise<Started> {
  if (ending) throw new Error('stopped');
  // Straight into the file: output that passed through this process would cost time that nobody is charged for.
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.command, [...options.args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: options.ready ? ['ignore', log, log] : ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.command} could not be started`);
  running.add(child);
  const gone = once(child, 'exit').then(() => running.delete(child));
  const ended = async (): Promise<never> => {
    await gone;
    throw new Error(`${options.args.at(-1)} ended; see ${options.logFile}`);
  };
  const unlessEnded = <T>(work: Promise<T>): Promise<T> => {
    const end = ended();
    end.catch(() => undefined);
    return Promise.race([work, end]);
  };
  const told = await unlessEnded(
    options.ready ? written(child, options.logFile, options.ready) : nextMessage(child),
  );
  return {
    pid,
    told,
    ask: <T>(message: unknown) => {
      const answer = nextMessage(child);
      child.send(message as object);
      return unlessEnded(answer) as Promise<T>;
    },
    stop: async () => {
      if (!running.has(child)) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      child.kill('SIGTERM');
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Starts a program of this folder under the Node that runs this one. */
export const startProgram = (
  program: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: Record<string, string>;
    readonly logFile: string;
  },
): Promise<Started> =>
  startProcess({
    command: process.execPath,
    args: [fileURLToPath(new URL(program, import.meta.url)), ...(options.args ?? [])],
    env: { NODE_ENV: 'production', ...options.env },
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    logFile: options.logFile,
  });

const nextMessage = async (child: ChildProcess): Promise<unknown> => (await once(child, 'message'))[0];

async function written(child: ChildProcess, file: string, pattern: RegExp): Promise<string> {
  while (child.exitCode === null) {
    const match = pattern.exec(readFileSync(file, 'utf8'));
    if (match !== null) return match[1] ?? match[0];
    await sleep(LOOK_AGAIN_MS);
  }
  throw new Error(`it ended; see ${file}`);
}
