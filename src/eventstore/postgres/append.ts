import type pg from 'pg';
import { isUniqueViolation } from '../../postgres/errors.ts';
import type { Timer } from '../../runtime/clock.ts';
import { type AppendResult, DuplicateEventIdError, type EventStore, type StoredEvent } from '../port.ts';
import { checkAppend } from '../preconditions.ts';
import { isPassing, unavailable } from './failures.ts';
import { createGrouped } from './grouped.ts';

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

const BATCH_NAME = 'eventlog.append_batch';
const BATCH = `SELECT appended, stream_revision, event_positions
  FROM eventlog.append_batch($1::text[], $2::bigint[], $3::integer[], $4::uuid[], $5::text[], $6::text[], $7::text[])
  ORDER BY ordinal`;

type Row = {
  appended: boolean;
  stream_revision: bigint;
  event_positions: bigint[] | null;
};

/** One append as the port takes it. */
type Append = {
  readonly stream: string;
  readonly expectedRevision: number;
  readonly events: readonly StoredEvent[];
};

/** Appends to the log, and lets what is under way end. */
export type Appender = {
  readonly append: EventStore['append'];
  /** Resolves when nothing is being appended any more. */
  readonly drained: () => Promise<void>;
};

/**
 * Appends in one round trip; those that arrive together, in one transaction. When the connection is lost before the answer, nobody
 * knows what happened: the same append is sent again, with the same ids, and gets the first one's answer if that one had been written.
 */
export function createAppender({ pool, clock, pausesMs, budgetMs }: AppendOptions): Appender {
  const alone = async (append: Append): Promise<AppendResult> => {
    const start = clock.monotonicMs();
    for (let tried = 0; ; tried += 1) {
      try {
        return await appendOnce(pool, append);
      } catch (error) {
        if (!mayRepeat(error)) throw error;
        const pause = pausesMs[tried];
        const spent = clock.monotonicMs() - start;
        if (pause === undefined || spent + pause > budgetMs) throw unavailable('append', error);
        await clock.sleep(pause);
      }
    }
  };
  const grouped = createGrouped(alone, (appends) => appendTogether(pool, appends), clock);
  return {
    append: async (stream, expectedRevision, events) => {
      checkAppend(stream, expectedRevision, events);
      const size = events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0);
      return grouped.run({ stream, expectedRevision, events }, size);
    },
    drained: grouped.drained,
  };
}

async function appendOnce(
  pool: pg.Pool,
  { stream, expectedRevision, events }: Append,
): Promise<AppendResult> {
  const values = [stream, expectedRevision, ...columnsOf(events)];
  const { rows } = await pool
    .query<Row>({ name: APPEND_NAME, text: APPEND, values })
    .catch((error: unknown): never => {
      throw isUniqueViolation(error, 'events_id_key') ? new DuplicateEventIdError(stream, error) : error;
    });
  const [row] = rows;
  if (!row) throw new Error('eventlog.append_events gave no row.');
  return resultOf(row);
}

/** All of them in one transaction. One that fails undoes all, which is no result of any. */
async function appendTogether(pool: pg.Pool, appends: readonly Append[]): Promise<AppendResult[]> {
  const values = [
    appends.map(({ stream }) => stream),
    appends.map(({ expectedRevision }) => expectedRevision),
    appends.map(({ events }) => events.length),
    ...columnsOf(appends.flatMap(({ events }) => events)),
  ];
  const { rows } = await pool.query<Row>({ name: BATCH_NAME, text: BATCH, values });
  if (rows.length !== appends.length) throw new Error('eventlog.append_batch gave another number of rows.');
  return rows.map(resultOf);
}

const columnsOf = (events: readonly StoredEvent[]): string[][] => [
  events.map(({ id }) => id),
  events.map(({ type }) => type),
  events.map(({ data }) => data),
  events.map(({ metadata }) => metadata),
];

function resultOf({ appended, stream_revision, event_positions }: Row): AppendResult {
  const revision = Number(stream_revision);
  return appended
    ? { kind: 'appended', revision, positions: event_positions ?? [] }
    : { kind: 'conflict', revision };
}

// A revision taken is the final arbiter's word when somebody wrote past append_events: the next try sees what is there and
// answers with a conflict.
const mayRepeat = (error: unknown): boolean =>
  isUniqueViolation(error, 'events_stream_revision_key') || isPassing(error);
