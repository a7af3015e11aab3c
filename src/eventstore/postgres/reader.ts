import type pg from 'pg';
import { codeOf } from '../../postgres/errors.ts';
import { type ReadEvent, StoreUnavailableError } from '../port.ts';
import { checkPage } from '../preconditions.ts';
import type { Clock } from './clock.ts';
import { orUnavailable } from './failures.ts';

export type ReaderOptions = {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  /** Longest wait for appends in flight, and so the longest that a reader holds up later appends. */
  readonly lockTimeoutMs: number;
  /** How long a read keeps trying while an append is in flight, before it rejects. */
  readonly patienceMs: number;
};

export type Reader = {
  readonly readAll: (
    after: bigint | null,
    limit: number,
    patience?: { readonly ms: number; readonly signal: AbortSignal },
  ) => Promise<ReadEvent[]>;
  readonly readStream: (stream: string, fromRevision: number, limit: number) => Promise<ReadEvent[]>;
  readonly lastPosition: () => Promise<bigint | null>;
};

const COLUMNS = 'position, stream, revision, id, type, data, metadata';
const READ_ALL = `SELECT ${COLUMNS} FROM eventlog.events
  WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`;
const READ_STREAM = `SELECT ${COLUMNS} FROM eventlog.events
  WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3`;

type Row = Omit<ReadEvent, 'revision'> & { revision: bigint };

const toReadEvent = (row: Row): ReadEvent => ({ ...row, revision: Number(row.revision) });

/** Between two waits for the lock, appends that queued behind the first get through. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Reads the log. The global order is read up to a mark below which nothing can still appear (see eventlog.readable_until).
 * A mark stays true, so it is remembered: catching up takes one statement a page and no lock.
 */
export function createReader({ pool, clock, lockTimeoutMs, patienceMs }: ReaderOptions): Reader {
  let mark = 0n;

  const page = async (after: bigint, limit: number): Promise<ReadEvent[]> => {
    if (after >= mark) return [];
    const { rows } = await pool.query<Row>(READ_ALL, [after, mark, limit]);
    return rows.map(toReadEvent);
  };

  /** 'blocked': there are events after the position, and an append in flight. */
  const advance = async (after: bigint): Promise<'advanced' | 'nothing' | 'blocked'> => {
    try {
      const seen = await readMark(pool, after, lockTimeoutMs);
      if (seen === null) return 'nothing';
      if (seen > mark) mark = seen;
      return 'advanced';
    } catch (error) {
      if (codeOf(error) === '55P03') return 'blocked';
      // What answers next may be another server, restored to an earlier moment.
      mark = 0n;
      throw error;
    }
  };

  const advancePatiently = async (
    after: bigint,
    patience: { ms: number; signal?: AbortSignal },
  ): Promise<boolean> => {
    const start = clock.now();
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const outcome = await advance(after);
      if (outcome !== 'blocked') return outcome === 'advanced';
      if (clock.now() - start >= patience.ms) {
        throw new StoreUnavailableError(`An append has been in flight for ${patience.ms} ms`, undefined);
      }
      await clock.sleep(pause, patience.signal);
      if (patience.signal?.aborted) return false;
    }
  };

  return {
    readAll: (after, limit, patience = undefined) =>
      orUnavailable('readAll', async () => {
        checkPage(limit);
        const from = after ?? 0n;
        const known = await page(from, limit);
        if (known.length > 0) return known;
        return (await advancePatiently(from, patience ?? { ms: patienceMs })) ? page(from, limit) : [];
      }),
    readStream: (stream, fromRevision, limit) =>
      orUnavailable('readStream', async () => {
        checkPage(limit, fromRevision);
        const { rows } = await pool.query<Row>(READ_STREAM, [stream, fromRevision, limit]);
        return rows.map(toReadEvent);
      }),
    lastPosition: () =>
      orUnavailable('lastPosition', async () => {
        await advancePatiently(mark, { ms: patienceMs });
        return mark === 0n ? null : mark;
      }),
  };
}

/**
 * The numbers stand in the text so that the driver sends one message of the simple protocol: the server has ended the
 * transaction, and with it the lock, before it answers, whatever becomes of this process in between.
 */
async function readMark(pool: pg.Pool, after: bigint, lockTimeoutMs: number): Promise<bigint | null> {
  const { rows } = await pool.query<{ mark: bigint | null }>(
    `SELECT eventlog.readable_until(${after}, ${lockTimeoutMs}) AS mark`,
  );
  return rows[0]?.mark ?? null;
}
