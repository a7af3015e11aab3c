import type pg from 'pg';
import { codeOf } from '../../postgres/errors.ts';
import type { Timer } from '../../runtime/clock.ts';
import { StoreUnavailableError } from '../port.ts';

export type MarkOptions = {
  readonly pool: pg.Pool;
  readonly clock: Timer;
  /** Longest wait for appends in flight, and so the longest that a reader holds up later appends. */
  readonly lockTimeoutMs: number;
};

/** How long to keep trying while an append is in flight; an aborted signal ends it early, with nothing read. */
export type Patience = { readonly ms: number; readonly signal?: AbortSignal };

/** Between two waits for the lock, appends that queued behind the first get through. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/**
 * The position up to which the log can be read now without missing an event that commits later.
 *
 * @returns null when there is nothing after `after`, or the signal aborted
 * @throws StoreUnavailableError when an append stays in flight for longer than the patience
 */
export async function waitForMark(
  { pool, clock, lockTimeoutMs }: MarkOptions,
  after: bigint,
  patience: Patience,
): Promise<bigint | null> {
  const start = clock.monotonicMs();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const mark = await readMark(pool, after, lockTimeoutMs);
    if (mark !== 'blocked') return mark;
    if (clock.monotonicMs() - start >= patience.ms) {
      throw new StoreUnavailableError(`An append has been in flight for ${patience.ms} ms`, undefined);
    }
    await clock.sleep(pause, patience.signal);
    if (patience.signal?.aborted) return null;
  }
}

/**
 * The numbers stand in the text so that the driver sends one message of the simple protocol: the server has ended the
 * transaction, and with it the lock, before it answers, whatever becomes of this process in between.
 */
async function readMark(
  pool: pg.Pool,
  after: bigint,
  lockTimeoutMs: number,
): Promise<bigint | null | 'blocked'> {
  try {
    const { rows } = await pool.query<{ mark: bigint | null }>(
      `SELECT eventlog.readable_until(${after}, ${lockTimeoutMs}) AS mark`,
    );
    return rows[0]?.mark ?? null;
  } catch (error) {
    if (codeOf(error) === '55P03') return 'blocked';
    throw error;
  }
}
