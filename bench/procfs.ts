import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** What /proc knows of some processes, their children included (man 5 proc). */
export type Usage = {
  /** Time on a processor so far, user and system, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory now, in bytes. */
  readonly rssBytes: number;
  /** Bytes sent to storage so far. */
  readonly writtenBytes: number;
};

type Process = { readonly pid: number; readonly parent: number; readonly cpuMs: number };

/** Adds up what processes and all below them use; one that is gone counts nothing. */
export function usageOf(pids: readonly number[]): Usage {
  const members = withChildren(pids);
  return {
    cpuMs: members.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    rssBytes: members.reduce((sum, { pid }) => sum + rssOf(pid), 0),
    writtenBytes: members.reduce((sum, { pid }) => sum + numberIn(pid, 'io', /^write_bytes: (\d+)/m), 0),
  };
}

/** Time that all processors of the machine have been busy so far, whoever made them, in milliseconds. */
export function machineBusyMs(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number);
  return ((user + nice + system + irq + softirq) * 1_000) / TICKS_PER_SECOND;
}

/** The process above another one. */
export const parentOf = (pid: number): number => readProcess(pid)?.parent ?? 0;

function withChildren(pids: readonly number[]): readonly Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  const members = new Set(pids);
  // Parents may come after their children in the list: look until nobody is new.
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

function readProcess(pid: number): Process | undefined {
  const stat = readOf(pid, 'stat');
  // The name is in brackets and may hold anything; what follows is plain.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 15) return undefined;
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { pid, parent: Number(fields[1]), cpuMs: (ticks * 1_000) / TICKS_PER_SECOND };
}

const rssOf = (pid: number): number => numberIn(pid, 'status', /^VmRSS:\s+(\d+) kB/m) * 1_024;

const numberIn = (pid: number, file: string, pattern: RegExp): number =>
  Number(pattern.exec(readOf(pid, file))?.[1] ?? 0);

function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
