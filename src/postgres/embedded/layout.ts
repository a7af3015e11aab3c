import { lstat, mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EmbeddedPostgresError, systemCode } from './errors.ts';

/** Where everything of one embedded Postgres lies. All paths are absolute. */
export type Layout = {
  dataDir: string;
  /** `postgres/`, made complete by one rename: it holds the cluster, its password and its log. */
  home: string;
  cluster: string;
  password: string;
  log: string;
  lock: string;
  owner: string;
  libraryLinks: string;
};

/** What a home folder is called while it is being made; a random suffix follows. */
export const unfinishedPrefix = 'postgres.new-';

/** The layout below a data folder; a relative folder is taken from the working directory. */
export function layoutOf(dataDir: string): Layout {
  const root = resolve(dataDir);
  return {
    dataDir: root,
    ...homeLayout(join(root, 'postgres')),
    lock: join(root, 'postgres.lock'),
    owner: join(root, 'postgres.owner'),
    libraryLinks: join(root, 'postgres.lib'),
  };
}

/** The paths inside a home folder, finished or not. */
export function homeLayout(home: string): Pick<Layout, 'home' | 'cluster' | 'password' | 'log'> {
  return {
    home,
    cluster: join(home, 'cluster'),
    password: join(home, 'password'),
    log: join(home, 'server.log'),
  };
}

/** Whether a name in the data folder is one that this module gives. */
export function isOwnEntry(name: string): boolean {
  return name.startsWith('postgres.');
}

/**
 * Makes the data folder, private to its owner, unless it exists. Returns its layout, free of symbolic links, so that
 * one folder has one name whichever way it is reached. Throws DATA_DIR_UNUSABLE.
 */
export async function makeDataDir(dataDir: string): Promise<Layout> {
  const wanted = resolve(dataDir);
  try {
    // Parents keep the usual mode: the user whom root runs the server as must pass through them.
    await mkdir(dirname(wanted), { recursive: true });
    await mkdir(wanted, { mode: 0o700 }).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    return layoutOf(await realpath(wanted));
  } catch (error) {
    const why = systemCode(error) ?? 'an unknown error';
    throw new EmbeddedPostgresError(
      'DATA_DIR_UNUSABLE',
      `The data folder ${wanted} cannot be made (${why}). Set DATA_DIR to a folder that this user may write.`,
      { cause: error },
    );
  }
}

/**
 * The major version of the cluster in the data folder, or undefined when there is none yet.
 * Throws DATA_DIR_UNUSABLE when something else is there, or it cannot be read.
 */
export async function clusterMajor(layout: Layout): Promise<number | undefined> {
  const version = await readIfPresent(join(layout.cluster, 'PG_VERSION'), layout);
  if (version === undefined) {
    await refuseOther(layout);
    return undefined;
  }
  const major = Number.parseInt(version, 10);
  if (Number.isInteger(major)) return major;
  throw new EmbeddedPostgresError(
    'DATA_DIR_UNUSABLE',
    `${layout.cluster}/PG_VERSION is damaged: restore a backup.`,
  );
}

async function refuseOther(layout: Layout): Promise<void> {
  const found = await lstat(layout.home).catch(() => undefined);
  if (found === undefined) return;
  throw new EmbeddedPostgresError(
    'DATA_DIR_UNUSABLE',
    `${layout.home} is there, but holds no database cluster that this service made. Move it away, or set another DATA_DIR.`,
  );
}

async function readIfPresent(path: string, layout: Layout): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new EmbeddedPostgresError(
      'DATA_DIR_UNUSABLE',
      `${path} cannot be read (${systemCode(error)}). Start as the user who owns ${layout.home}, or set another DATA_DIR.`,
      { cause: error },
    );
  }
}
