import type { LimitFunction } from 'p-limit';
import type { Exchange } from './exchange.ts';

/**
 * A call that would start with less than this share of its time left is not started: it would most likely end UNKNOWN,
 * whereas not to have started is certain.
 */
const SHARE_NEEDED = 0.1;

/**
 * Runs an exchange when a slot is free, within one time for waiting and running together.
 *
 * @param run gets the signal that aborts when the time is up, and must settle then
 * @returns what `run` came to; not sent with QUEUE_TIMEOUT when no slot was free in time
 */
export async function inTurn(
  limit: LimitFunction,
  clock: { readonly monotonicMs: () => number },
  timeoutMs: number,
  run: (signal: AbortSignal) => Promise<Exchange>,
): Promise<Exchange> {
  const tooLate: Exchange = { kind: 'notSent', errorType: 'QUEUE_TIMEOUT' };
  const startBy = clock.monotonicMs() + timeoutMs * (1 - SHARE_NEEDED);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  let started = false;
  const expired = new Promise<Exchange>((resolve) => {
    deadline.signal.addEventListener('abort', () => !started && resolve(tooLate), { once: true });
  });
  const ran = limit(async () => {
    if (deadline.signal.aborted || clock.monotonicMs() > startBy) return tooLate;
    started = true;
    return run(deadline.signal);
  });
  try {
    return await Promise.race([expired, ran]);
  } finally {
    clearTimeout(timer);
  }
}
