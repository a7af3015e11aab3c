import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_AGAIN_MS = 10;

/**
 * Waits until `look` gives something other than null, undefined or false.
 *
 * @throws Error naming `what` when that does not come about within the given milliseconds
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  milliseconds = 10_000,
): Promise<Exclude<T, null | undefined | false>> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) {
      return seen as Exclude<T, null | undefined | false>;
    }
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await sleep(LOOK_AGAIN_MS);
  }
}
