import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from './compileCache.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOOK_AGAIN_MS = 20;
/** Where there is such a program, the kernel ends the service with whoever started it, however that ends. */
const SETPRIV = '/usr/bin/setpriv';
const COMMAND = [
  ...(existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL'] : []),
  process.execPath,
  'src/main.ts',
] as const;

/** The real service as a process that is there to be maltreated. */
export type ServiceProcess = {
  /** Resolves when it is gone. */
  readonly exited: Promise<void>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** Its URL once it listens; null when it has ended before. */
  readonly listening: Promise<string | null>;
};

/**
 * Runs `node src/main.ts` with this environment and nothing else of ours.
 *
 * @param logFile takes what it writes to both outputs, so that a service is never held up by its reader
 */
export function spawnService(env: Readonly<Record<string, string>>, logFile: string): ServiceProcess {
  const log = openSync(logFile, 'w');
  const [program, ...args] = COMMAND;
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', PORT: '0', VERIFY_EVERY_HOURS: '0', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let gone = false;
  const exited = once(child, 'exit').then(() => {
    gone = true;
  });
  const listening = async (): Promise<string | null> => {
    for (;;) {
      const url = /listens on (http:\S+)/.exec(await readFile(logFile, 'utf8'))?.[1];
      if (url !== undefined || gone) return gone ? null : (url ?? null);
      await sleep(LOOK_AGAIN_MS);
    }
  };
  return {
    exited,
    signal: (name) => {
      if (!gone) child.kill(name);
    },
    listening: listening(),
  };
}
