import type { LimitFunction } from 'p-limit';
import type { Exchange, TimeLeft } from './exchange.ts';

/**
 * A call that would start with less than this share of its time left is not started: it would most likely end UNKNOWN,
 * whereas not to have started is certain.
 */
const SHARE_NEEDED = 0.1;

/** How long an exchange may take, waiting for a slot included, and the instant of the monotonic clock at which it ends in any case. */
export type Bounds = { readonly timeoutMs: number; readonly deadlineMs: number };

/**
 * Runs an exchange when a slot is free, within one time for waiting and running together.
 *
 * @param run must settle when the signal of its time aborts
 * @returns what `run` came to; not sent with QUEUE_TIMEOUT when no slot was free within `timeoutMs`, with NOT_SENT_IN_TIME when
 * none was before `deadlineMs`
 */
export async function inTurn(
  limit: LimitFunction,
  clock: { readonly monotonicMs: () => number },
  { timeoutMs, deadlineMs }: Bounds,
  run: (time: TimeLeft) => Promise<Exchange>,
): Promise<Exchange> {
  const now = clock.monotonicMs();
  const lateBecause = deadlineMs - now >= timeoutMs ? null : 'NOT_SENT_IN_TIME';
  const tooLate: Exchange = { kind: 'notSent', errorType: lateBecause ?? 'QUEUE_TIMEOUT' };
  const leftMs = Math.min(timeoutMs, deadlineMs - now);
  if (!(leftMs > 0)) return tooLate;
  const end = new AbortController();
  const { signal } = end;
  const timer = setTimeout(() => end.abort(), leftMs);
  const maySend = (): boolean => !signal.aborted && clock.monotonicMs() < now + leftMs;
  const startBy = now + leftMs * (1 - SHARE_NEEDED);
  let started = false;
  const expired = new Promise<Exchange>((resolve) => {
    signal.addEventListener('abort', () => !started && resolve(tooLate), { once: true });
  });
  const ran = limit(async () => {
    if (signal.aborted || clock.monotonicMs() > startBy) return tooLate;
    started = true;
    return run({ signal, maySend, lateBecause });
  });
  try {
    return await Promise.race([expired, ran]);
  } finally {
    clearTimeout(timer);
  }
}
