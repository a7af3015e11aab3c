import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Load averages of 1 and 5 minutes, before anything was started. */
  readonly loadBefore: readonly number[];
  /** Whether the data folder is a disk: a file system in memory makes a commit cost nothing. */
  readonly onDisk: boolean;
};

/** statfs's type of tmpfs (linux/magic.h). */
const TMPFS = 0x01021994;

/** Describes the machine; `folder` is where the data goes. */
export async function describeMachine(folder: string): Promise<Machine> {
  const { type } = await statfs(folder);
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    loadBefore: loadavg().slice(0, 2),
    onDisk: type !== TMPFS,
  };
}

/** The installed version of a package. */
export function versionOf(name: string): string {
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const path of paths) {
    try {
      const text = readFileSync(join(path, name, 'package.json'), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // Not in this folder; the next one is further up.
    }
  }
  throw new Error(`${name} is not installed below ${dirname(import.meta.filename)}`);
}
