/** A signal that aborts when a time has passed or a caller gives up; `release` when the work is over. */
export type Deadline = {
  readonly signal: AbortSignal;
  /** Why the signal aborted; null while it has not. */
  readonly reason: () => 'timeout' | 'cancelled' | null;
  readonly release: () => void;
};

/** Starts a deadline of `timeoutMs` milliseconds that also ends when `caller` aborts. */
export function startDeadline(timeoutMs: number, caller: AbortSignal): Deadline {
  const controller = new AbortController();
  let reason: 'timeout' | 'cancelled' | null = null;
  const end = (why: 'timeout' | 'cancelled') => () => {
    reason ??= why;
    controller.abort();
  };
  const cancel = end('cancelled');
  // Not AbortSignal.timeout and AbortSignal.any: their timers live on for the whole time-out after a quick answer.
  const timer = setTimeout(end('timeout'), timeoutMs);
  caller.addEventListener('abort', cancel, { once: true });
  if (caller.aborted) cancel();
  return {
    signal: controller.signal,
    reason: () => reason,
    release: () => {
      clearTimeout(timer);
      caller.removeEventListener('abort', cancel);
    },
  };
}

/** Settles when the signal aborts; at once if it already has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
