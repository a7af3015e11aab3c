import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeWholeFile } from '../src/cli/wholeFile.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whole-file-'));
  path = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

it('takes the place of a file that anybody could read, and can be read by its owner alone', async () => {
  await writeFile(path, 'before', { mode: 0o644 });
  await writeWholeFile(path, ['a', 'b'], 0o600);
  expect(await readFile(path, 'utf8')).toBe('ab');
  expect(await modeOf(path)).toBe(0o600);
  expect(await readdir(folder)).toStrictEqual(['out']);
});

it('leaves what was there where the text ends in an error', async () => {
  await writeFile(path, 'before');
  async function* broken(): AsyncGenerator<string> {
    yield 'a';
    throw new Error('interrupted');
  }
  await expect(writeWholeFile(path, broken(), 0o644)).rejects.toThrow('interrupted');
  expect(await readFile(path, 'utf8')).toBe('before');
  expect(await readdir(folder)).toStrictEqual(['out']);
});

it('writes to what a link names, and leaves the link', async () => {
  await writeFile(join(folder, 'real'), 'before');
  await symlink('real', path);
  await writeWholeFile(path, ['after'], 0o600);
  expect(await readFile(join(folder, 'real'), 'utf8')).toBe('after');
  expect(await readdir(folder)).toStrictEqual(['out', 'real']);
});

it('does not mix what two write at once', async () => {
  const pieces = (letter: string): AsyncGenerator<string> =>
    (async function* () {
      for (let n = 0; n < 50; n += 1) {
        await new Promise(setImmediate);
        yield letter.repeat(1_000);
      }
    })();
  await Promise.all([writeWholeFile(path, pieces('a'), 0o644), writeWholeFile(path, pieces('b'), 0o644)]);
  expect(await readFile(path, 'utf8')).toMatch(/^(a{50000}|b{50000})$/);
  expect(await readdir(folder)).toStrictEqual(['out']);
});
