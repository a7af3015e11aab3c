import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Where processes that tests start keep what Node has made of the sources, for the next one: it saves half of a start.
 * Node looks an entry up by the content of its file, so it is never out of date.
 */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url)),
} as const;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE_MS = 20_000;

/**
 * Fills the cache with all that a service imports. Those that tests start are killed more often than not, and leave nothing in it;
 * this one refuses its port, and ends by itself.
 */
export const fillCompileCache = (): Promise<void> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH ?? '', PORT: 'none', ...COMPILE_CACHE };
    execFile(process.execPath, ['src/main.ts'], { cwd: ROOT, env, timeout: PATIENCE_MS }, () => resolve());
  });
