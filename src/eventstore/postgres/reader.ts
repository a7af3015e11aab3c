import { type ReadEvent, StoreUnavailableError, type TypesPage } from '../port.ts';
import { checkPage } from '../preconditions.ts';
import { orUnavailable } from './failures.ts';
import { type MarkOptions, type Patience, waitForMark } from './mark.ts';

type ReaderOptions = MarkOptions & {
  /** How long `readAll` and `lastPosition` keep trying while an append is in flight, before they reject. */
  readonly patienceMs: number;
};

export type Reader = {
  readonly readAll: (after: bigint | null, limit: number, patience?: Patience) => Promise<ReadEvent[]>;
  readonly readTypes: (types: readonly string[], after: bigint | null, limit: number) => Promise<TypesPage>;
  readonly readStream: (stream: string, fromRevision: number, limit: number) => Promise<ReadEvent[]>;
  readonly lastPosition: () => Promise<bigint | null>;
};

const COLUMNS = 'position, stream, revision, id, type, data, metadata';
/**
 * The mark caps the page from outside: as a second bound beside the first, a planner without statistics takes the range
 * for a small one and sorts all that is left of the log for every page.
 */
export const READ_ALL = `SELECT * FROM (
    SELECT ${COLUMNS} FROM eventlog.events WHERE position > $1 ORDER BY position LIMIT $3
  ) AS page WHERE position <= $2 ORDER BY position`;
/** How many events such a page looks at, and where it ends. */
const LOOK = `SELECT count(*)::integer AS looked, max(position) AS reached FROM (
    SELECT position FROM eventlog.events WHERE position > $1 ORDER BY position LIMIT $3
  ) AS page WHERE position <= $2`;
const READ_TYPES = `SELECT ${COLUMNS} FROM eventlog.events
  WHERE position > $1 AND position <= $2 AND type = ANY($3) ORDER BY position`;
export const READ_STREAM = `SELECT ${COLUMNS} FROM eventlog.events
  WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3`;

type Row = Omit<ReadEvent, 'revision'> & { revision: bigint };

const toReadEvent = (row: Row): ReadEvent => ({ ...row, revision: Number(row.revision) });

/** A part of the log that ends at a mark; `looked` events of it were looked at. */
type Page = { readonly events: ReadEvent[]; readonly looked: number; readonly reached: bigint | null };
type ReadPage = (after: bigint, mark: bigint, limit: number) => Promise<Page>;

const NOTHING: Page = { events: [], looked: 0, reached: null };

const nothingIfBlocked = (error: unknown): Page => {
  if (error instanceof StoreUnavailableError) return NOTHING;
  throw error;
};

/**
 * Reads the log. The global order is read up to a mark below which nothing can still appear (see eventlog.readable_until).
 * A mark stays true, so it is remembered: catching up takes one statement a page and no lock.
 */
export function createReader({ pool, clock, lockTimeoutMs, patienceMs }: ReaderOptions): Reader {
  let known = 0n;

  const guarded = <T>(operation: string, work: () => Promise<T>): Promise<T> =>
    orUnavailable(operation, async () => {
      try {
        return await work();
      } catch (error) {
        // What answers next may be another server, restored to an earlier moment.
        known = 0n;
        throw error;
      }
    });

  /** The mark, if there is an event after the position; else null. */
  const advance = async (after: bigint, patience: Patience): Promise<bigint | null> => {
    const mark = await waitForMark({ pool, clock, lockTimeoutMs }, after, patience);
    if (mark !== null && mark > known) known = mark;
    return mark;
  };

  const readEvery: ReadPage = async (after, mark, limit) => {
    const { rows } = await pool.query<Row>(READ_ALL, [after, mark, limit]);
    return { events: rows.map(toReadEvent), looked: rows.length, reached: rows.at(-1)?.position ?? null };
  };

  /** Below the mark nothing appears any more: two statements see the same. */
  const readOf =
    (types: readonly string[]): ReadPage =>
    async (after, mark, limit) => {
      const found = await pool.query<Pick<Page, 'looked' | 'reached'>>(LOOK, [after, mark, limit]);
      const { looked, reached } = found.rows[0] ?? NOTHING;
      if (reached === null) return NOTHING;
      const { rows } = await pool.query<Row>(READ_TYPES, [after, reached, types]);
      return { events: rows.map(toReadEvent), looked, reached };
    };

  /** The page after `from` as it is with what is readable beyond a mark by now; nothing when nothing is. */
  const readBeyond = async (
    readPage: ReadPage,
    from: bigint,
    mark: bigint,
    limit: number,
    patience: Patience,
  ): Promise<Page> => {
    const newer = await advance(mark, patience);
    return newer === null ? NOTHING : readPage(from, newer, limit);
  };

  const readAfter = async (
    readPage: ReadPage,
    after: bigint | null,
    limit: number,
    patience: Patience,
  ): Promise<Page> => {
    checkPage(limit);
    const from = after ?? 0n;
    if (from >= known) return readBeyond(readPage, from, from, limit, patience);
    const mark = known;
    const page = await readPage(from, mark, limit);
    if (page.looked === limit) return page;
    if (page.looked === 0) return readBeyond(readPage, from, mark, limit, patience);
    // A short page ends at the mark that was remembered, not at the end of the log; but an append in flight must not
    // hold up what is readable already.
    const longer = await readBeyond(readPage, from, mark, limit, { ms: 0 }).catch(nothingIfBlocked);
    return longer.looked > 0 ? longer : page;
  };

  return {
    readAll: (after, limit, patience = { ms: patienceMs }) =>
      guarded('readAll', async () => (await readAfter(readEvery, after, limit, patience)).events),
    readTypes: (types, after, limit) =>
      guarded('readTypes', async () => {
        const { events, reached } = await readAfter(readOf(types), after, limit, { ms: patienceMs });
        return { events, reached };
      }),
    readStream: (stream, fromRevision, limit) =>
      guarded('readStream', async () => {
        checkPage(limit, fromRevision);
        const { rows } = await pool.query<Row>(READ_STREAM, [stream, fromRevision, limit]);
        return rows.map(toReadEvent);
      }),
    lastPosition: () =>
      guarded('lastPosition', async () => {
        const before = known;
        const last = (await advance(before, { ms: patienceMs })) ?? before;
        return last === 0n ? null : last;
      }),
  };
}
