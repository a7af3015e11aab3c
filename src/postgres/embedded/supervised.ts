import { type ChildProcess, spawn } from 'node:child_process';
import { type Identity, invocation } from './identity.ts';

/** A command under a supervising shell: it ends when `end` is called, and when this process is gone, however it died. */
export type Supervised = {
  process: ChildProcess;
  /** Asks for the end (a fast shutdown); `exited` tells when it is reached. */
  end: () => void;
  /** The exit code, or undefined when a signal ended the shell. */
  exited: Promise<number | undefined>;
};

// Standard input is a pipe from this process: its end means that this process is gone or wants the end. Postgres reads
// INT as fast shutdown and QUIT as immediate one; INT makes initdb clean up. The shell gives background jobs an empty
// standard input, hence the copy as descriptor 3. The sleeps are short so that none outlives the server for long.
const script = `
trap '' INT TERM HUP
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
  while read -r line; do :; done
  kill -INT "$server"
  seconds=0
  while [ "$seconds" -lt 30 ] && kill -0 "$server"; do sleep 1; seconds=$((seconds + 1)); done
  kill -QUIT "$server" && sleep 5
  kill -KILL "$server"
) <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill -KILL "$watcher"
exit "$status"
`;

/**
 * Runs a command as an identity below a supervising shell, in a session of its own, so that no key press in the
 * terminal reaches it. `stderr` is a file descriptor, or 'pipe' to read it from `process.stderr`.
 */
export function spawnSupervised(
  identity: Identity,
  file: string,
  args: readonly string[],
  options: { env: Record<string, string>; stderr: number | 'pipe' },
): Supervised {
  const {
    file: program,
    args: argv,
    ...ids
  } = invocation(identity, '/bin/sh', ['-c', script, 'sh', file, ...args]);
  const child = spawn(program, argv, {
    ...ids,
    env: options.env,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', options.stderr],
  });
  // A pipe to a server that is already gone is no news: `exited` tells.
  child.stdin?.on('error', () => undefined);
  const exited = new Promise<number | undefined>((resolve) => {
    child.once('error', () => resolve(undefined));
    child.once('exit', (code) => resolve(code ?? undefined));
  });
  return { process: child, end: () => child.stdin?.end(), exited };
}
