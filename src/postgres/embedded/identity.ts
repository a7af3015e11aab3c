import { execFile } from 'node:child_process';

/** Whom the server runs as: Postgres refuses uid 0, so root needs somebody else, or a namespace in which it is not root. */
export type Identity =
  | { kind: 'self' }
  | { kind: 'user'; name: string; uid: number; gid: number }
  | { kind: 'userNamespace' };

/** How to spawn a command as an identity: `uid` and `gid` are for the options of node:child_process. */
export type Invocation = { file: string; args: string[]; uid?: number; gid?: number };

// The number of nobody almost everywhere; any but 0 would do, it exists inside the namespace only.
const unprivileged = '65534';

/** Wraps a command so that it runs as the given identity. */
export function invocation(identity: Identity, file: string, args: readonly string[]): Invocation {
  if (identity.kind === 'user') return { file, args: [...args], uid: identity.uid, gid: identity.gid };
  if (identity.kind === 'self') return { file, args: [...args] };
  const namespace = ['--user', `--map-user=${unprivileged}`, `--map-group=${unprivileged}`];
  return { file: 'unshare', args: [...namespace, file, ...args] };
}

/** In words, for the log. */
export function describeIdentity(identity: Identity): string {
  if (identity.kind === 'user') return `user ${identity.name}`;
  return identity.kind === 'self' ? 'this user' : 'an unprivileged user of a user namespace';
}

/** The environment of every server process: nothing of the service's own, which may hold API keys. */
export function serverEnvironment(libraryPath: string | undefined): Record<string, string> {
  const path = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  const base = { PATH: path, LC_ALL: 'C', TZ: 'UTC' };
  if (libraryPath === undefined) return base;
  return { ...base, LD_LIBRARY_PATH: libraryPath, DYLD_LIBRARY_PATH: libraryPath };
}

/** Runs a short command as an identity; its standard output, or undefined when it cannot run or fails. */
export function tryRun(
  identity: Identity,
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string | undefined> {
  const { file: program, args: argv, ...ids } = invocation(identity, file, args);
  return new Promise((resolve) => {
    try {
      // The working directory may be closed to that user.
      execFile(program, argv, { ...ids, env, cwd: '/', timeout: 10_000 }, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      );
    } catch {
      resolve(undefined);
    }
  });
}
