import type pg from 'pg';
import { isUniqueViolation } from '../../postgres/errors.ts';
import type { Timer } from '../../runtime/clock.ts';
import { type AppendResult, DuplicateEventIdError, type StoredEvent } from '../port.ts';
import { checkAppend } from '../preconditions.ts';
import { isPassing, unavailable } from './failures.ts';

type AppendOptions = {
  readonly pool: pg.Pool;
  readonly clock: Timer;
  /** Pauses between tries, in milliseconds; one try more than there are pauses. */
  readonly pausesMs: readonly number[];
  /** No further try begins after this time. */
  readonly budgetMs: number;
};

// Prepared once a connection, which saves the server a third of its work on an append.
const APPEND_NAME = 'eventlog.append_events';
const APPEND = `SELECT appended, stream_revision, event_positions
  FROM eventlog.append_events($1, $2, $3::uuid[], $4::text[], $5::text[], $6::text[])`;

type Row = {
  appended: boolean;
  stream_revision: bigint;
  event_positions: bigint[] | null;
};

/**
 * Appends in one round trip. When the connection is lost before the answer, nobody knows what happened: the same append
 * is sent again, with the same ids, and gets the first one's answer if that one had been written.
 */
export const createAppend =
  (options: AppendOptions) =>
  async (stream: string, expectedRevision: number, events: readonly StoredEvent[]): Promise<AppendResult> => {
    checkAppend(stream, expectedRevision, events);
    const start = options.clock.monotonicMs();
    for (let tried = 0; ; tried += 1) {
      try {
        return await appendOnce(options.pool, stream, expectedRevision, events);
      } catch (error) {
        if (!mayRepeat(error)) throw error;
        const pause = options.pausesMs[tried];
        const spent = options.clock.monotonicMs() - start;
        if (pause === undefined || spent + pause > options.budgetMs) throw unavailable('append', error);
        await options.clock.sleep(pause);
      }
    }
  };

async function appendOnce(
  pool: pg.Pool,
  stream: string,
  expectedRevision: number,
  events: readonly StoredEvent[],
): Promise<AppendResult> {
  const values = [
    stream,
    expectedRevision,
    events.map((event) => event.id),
    events.map((event) => event.type),
    events.map((event) => event.data),
    events.map((event) => event.metadata),
  ];
  const { rows } = await pool
    .query<Row>({ name: APPEND_NAME, text: APPEND, values })
    .catch((error: unknown): never => {
      throw isUniqueViolation(error, 'events_id_key') ? new DuplicateEventIdError(stream, error) : error;
    });
  const row = rows[0];
  if (!row) throw new Error('eventlog.append_events gave no row.');
  const revision = Number(row.stream_revision);
  return row.appended
    ? { kind: 'appended', revision, positions: row.event_positions ?? [] }
    : { kind: 'conflict', revision };
}

// A revision taken is the final arbiter's word when somebody wrote past append_events: the next try sees what is there and
// answers with a conflict.
const mayRepeat = (error: unknown): boolean =>
  isUniqueViolation(error, 'events_stream_revision_key') || isPassing(error);
