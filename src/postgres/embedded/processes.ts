import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { serverEnvironment, tryRun } from './identity.ts';

/** A process by its number: gone, a zombie that holds nothing but its number, or alive with its command line. */
export type ProcessState = { is: 'gone' } | { is: 'zombie' } | { is: 'alive'; command: string };

const hasProc = existsSync('/proc/self/stat');

/** Looks up a process: in /proc where there is one, else with ps. */
export async function processState(pid: number): Promise<ProcessState> {
  return hasProc ? procState(pid) : psState(pid);
}

async function procState(pid: number): Promise<ProcessState> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The state follows the name, which is in brackets and may hold brackets itself.
    if ('ZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2))) return { is: 'zombie' };
    return { is: 'alive', command: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ') };
  } catch {
    return { is: 'gone' };
  }
}

async function psState(pid: number): Promise<ProcessState> {
  const args = ['-ww', '-o', 'stat=,command=', '-p', String(pid)];
  const line = (await tryRun({ kind: 'self' }, 'ps', args, serverEnvironment(undefined)))?.trim();
  if (!line) return { is: 'gone' };
  return line.startsWith('Z') ? { is: 'zombie' } : { is: 'alive', command: line };
}

/** The live processes whose working directory is the folder; always none where there is no /proc. */
export async function processesIn(folder: string): Promise<number[]> {
  if (!hasProc) return [];
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined)));
  return pids.filter((_, index) => folders[index] === folder);
}

/** Sends a signal; a process that is gone already is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone, or another user's: whoever waits for its end sees which.
  }
}

/** Waits until a condition holds; false when it still did not after `timeoutMs`. */
export async function until(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}
