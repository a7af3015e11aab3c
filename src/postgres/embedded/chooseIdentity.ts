import { chown, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { type Identity, serverEnvironment, tryRun } from './identity.ts';
import { isOwnEntry, type Layout } from './layout.ts';

type User = Extract<Identity, { kind: 'user' }>;

const self: Identity = { kind: 'self' };
const userNamespace: Identity = { kind: 'userNamespace' };

/**
 * Whom to run the server as. Anybody but root: oneself. Root: the owner of an existing cluster; for a new one the owner
 * of the data folder or of the folder around it, `postgres`, `nobody`, whoever of them reaches the binaries and the data folder; where nobody
 * does, as below a closed home folder, an unprivileged user of a user namespace. An empty data folder that root made
 * is handed to the user chosen. Throws POSTGRES_USER_UNUSABLE.
 */
export async function chooseIdentity(layout: Layout, binaries: Binaries): Promise<Identity> {
  if (process.getuid?.() !== 0) return self;
  for (const identity of await candidates(layout)) {
    if (await usable(identity, layout, binaries)) return identity;
  }
  throw new EmbeddedPostgresError(
    'POSTGRES_USER_UNUSABLE',
    `Postgres does not run as root, and no other user reaches both ${binaries.postgres} and ${layout.dataDir}; ` +
      'user namespaces, which would help, are not available to it either. Start the service as an ordinary user who owns ' +
      'both, or set DATA_DIR to a folder of such a user, or set DATABASE_URL to a Postgres elsewhere.',
  );
}

async function candidates(layout: Layout): Promise<Identity[]> {
  const clusterOwner = await ownerOf(layout.home);
  if (clusterOwner !== undefined) return [clusterOwner];
  const owners = await Promise.all([layout.dataDir, dirname(layout.dataDir)].map(ownerOf));
  const others = await Promise.all(['postgres', 'nobody'].map(userNamed));
  const users = [...owners, ...others].filter((one) => one?.kind === 'user');
  return [...users, userNamespace];
}

// What root owns was made by a server in a user namespace, where root has another number.
async function ownerOf(folder: string): Promise<Identity | undefined> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.uid === 0) return userNamespace;
  return { kind: 'user', name: `number ${found.uid}`, uid: found.uid, gid: found.gid };
}

async function userNamed(name: string): Promise<User | undefined> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((option) => numberOf(name, option)));
  return uid && gid ? { kind: 'user', name, uid, gid } : undefined;
}

async function numberOf(name: string, option: string): Promise<number> {
  return Number((await tryRun(self, 'id', [option, name], serverEnvironment(undefined))) ?? 0);
}

async function usable(identity: Identity, layout: Layout, binaries: Binaries): Promise<boolean> {
  if (await reaches(identity, layout.dataDir, binaries)) return true;
  if (identity.kind !== 'user' || !(await isFresh(layout))) return false;
  if (!(await reaches(identity, dirname(layout.dataDir), binaries))) return false;
  await chown(layout.dataDir, identity.uid, identity.gid);
  return true;
}

async function reaches(identity: Identity, folder: string, binaries: Binaries): Promise<boolean> {
  const script = 'test -x "$1" && exec "$0" --version';
  const args = ['-c', script, binaries.postgres, folder];
  return (await tryRun(identity, '/bin/sh', args, serverEnvironment(binaries.libraryPath))) !== undefined;
}

async function isFresh(layout: Layout): Promise<boolean> {
  const { uid } = await stat(layout.dataDir);
  return uid === 0 && (await readdir(layout.dataDir)).every(isOwnEntry);
}
