import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Calls `act` at a steady rate for a time, whatever becomes of the calls before: users do not wait for each other. Resolves
 * when the last call has settled.
 *
 * @param act told when its turn was, by `performance.now()`: latency counts from there, so that a service which holds up the load is not
 *   flattered by it. Must not reject
 */
export async function arrive(
  perSecond: number,
  milliseconds: number,
  act: (dueMs: number) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  const total = Math.round((perSecond * milliseconds) / 1_000);
  const open = new Set<Promise<void>>();
  for (let index = 0; index < total; ) {
    const dueMs = start + (index * 1_000) / perSecond;
    const early = dueMs - performance.now();
    if (early > 0) {
      await sleep(early);
      continue;
    }
    const work = act(dueMs);
    open.add(work);
    void work.then(() => open.delete(work));
    index += 1;
  }
  await sleep(Math.max(0, start + milliseconds - performance.now()));
  await Promise.all(open);
}

/** Keeps so many calls of `act` going for a time. */
export async function keepBusy(
  workers: number,
  milliseconds: number,
  act: () => Promise<void>,
): Promise<void> {
  const end = performance.now() + milliseconds;
  const work = async (): Promise<void> => {
    while (performance.now() < end) await act();
  };
  await Promise.all(Array.from({ length: workers }, work));
}
