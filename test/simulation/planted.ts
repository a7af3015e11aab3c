import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Failure } from './worker.ts';

/** A bug that can be planted: a small patch against src/. */
export type Bug = {
  /** Its file's name, without the ending. */
  readonly name: string;
  readonly file: string;
  /** What it breaks, in a sentence. */
  readonly sentence: string;
  /** The rules that it breaks: caught by another one, it was caught by chance. */
  readonly rules: readonly string[];
};

/** What came of planting a bug: which seed broke which rule; null where none did. */
export type Caught = { readonly seeds: number; readonly failure: Failure | null };

/** Whether a bug was caught by a rule that it is meant to break. */
export const isCaught = ({ rules }: Bug, { failure }: Caught): boolean =>
  failure?.violations.some(({ rule }) => rules.includes(rule)) === true;

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUGS = fileURLToPath(new URL('bugs/', import.meta.url));
/** What the simulation consists of. */
const PARTS = ['src', 'test/simulation', 'package.json', 'tsconfig.json'];
const MOST_MS = 600_000;
/** The sources with a bug in them are still sources: what does not compile breaks by chance. */
const TYPE_CHECK = ['--noEmit', '--project', 'tsconfig.json'];

/** All bugs, in the order of their numbers. */
export function listBugs(): Bug[] {
  return readdirSync(BUGS)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => {
      const [sentence = '', rules = ''] = readFileSync(join(BUGS, file), 'utf8').split('\n');
      return {
        name: file.replace(/\.patch$/, ''),
        file: join(BUGS, file),
        sentence,
        rules: rules.replace('Breaks: ', '').split(' | '),
      };
    });
}

/** A copy of the sources, which patches can be held against; `remove` it. */
export type Sources = {
  /**
   * Whether the patch of a bug fits the sources as they are. Gives null where it does, else what git says; it changes nothing,
   * so that all patches can be held against one copy.
   */
  readonly whyNotApplicable: (bug: Bug) => Promise<string | null>;
  readonly remove: () => void;
};

/** Copies the sources out of the repository, in which git would look at paths from its root on. */
export function copySources(): Sources {
  const folder = copyOf(['src']);
  return {
    whyNotApplicable: async ({ file }) => {
      try {
        await run('git', ['apply', '--check', file], { cwd: folder });
        return null;
      } catch (error) {
        return String(error);
      }
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/**
 * Plants a bug in a copy of the sources, and runs seeds there until one breaks a rule.
 *
 * @param seeds most seeds to run, from the first one on
 * @param typeCheck whether to make sure first that it compiles
 * @throws Error when the patch does not apply
 */
export async function plant({ file }: Bug, seeds: number, typeCheck: boolean): Promise<Caught> {
  const folder = copyOf(PARTS);
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await run('git', ['apply', file], { cwd: folder });
    if (typeCheck) await run(join(ROOT, 'node_modules/.bin/tsc'), TYPE_CHECK, { cwd: folder });
    const command = ['test/simulation/cli.ts', '--json', '--workers', '1', '--seeds', String(seeds)];
    const { stdout } = await run(process.execPath, command, { cwd: folder, timeout: MOST_MS });
    return JSON.parse(stdout) as Caught;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyOf(parts: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'planted-bug-'));
  for (const part of parts) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  return folder;
}
