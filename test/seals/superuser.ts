import pg from 'pg';
import { copyLog } from '../../src/eventstore/copyLog.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import { createPostgresEventStore } from '../../src/eventstore/postgres/postgresEventStore.ts';
import { createPool } from '../../src/postgres/pool.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import type { Tampering } from '../replay/tampering.ts';
import { uuid } from '../support/builders.ts';
import { createTestDatabase } from '../support/database.ts';

/** Whoever may do anything to the database. */
export type Superuser = {
  readonly sql: (text: string, values?: readonly unknown[]) => Promise<void>;
  /** Puts other events in the place of a stream's. */
  readonly edit: (stream: string, tampering: Tampering) => Promise<void>;
};

export type TamperedPostgres = {
  /** The log as it is now: a store that remembers nothing of what was there before. */
  readonly store: () => EventStore;
  /** The log as it was at first. */
  readonly restore: () => Promise<void>;
  readonly superuser: Superuser;
  readonly close: () => Promise<void>;
};

const COLUMNS = 'position, stream, revision, id, type, data, metadata';

/**
 * A log copied into Postgres as `npm run copy-log` does it, each event at ten times its position, and somebody who tampers with it: nothing
 * there holds them back.
 */
export async function tamperedPostgres(log: readonly ReadEvent[]): Promise<TamperedPostgres> {
  const database = await createTestDatabase('tampered');
  const pool = createPool({ url: database.url, max: 4, applicationName: 'test', onError: () => {} });
  const from = createMemoryEventStore();
  for (const { stream, revision, id, type, data, metadata } of log)
    await from.append(stream, revision - 1, [{ id, type, data, metadata }]);
  await copyLog(from, createPostgresEventStore({ pool }), () => {});

  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    alter table eventlog.events disable trigger all;
    alter table eventlog.events drop constraint events_stream_revision_key;
    update eventlog.events set position = -position;
    update eventlog.events set position = -10 * position;
    create table public.untouched as select * from eventlog.events`);
  const sql: Superuser['sql'] = async (text, values = []) => {
    await client.query(text, [...values]);
  };
  const insert = ({ position, stream, revision, id, type, data, metadata }: ReadEvent): Promise<void> =>
    sql(`insert into eventlog.events (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)`, [
      position,
      stream,
      revision,
      id,
      type,
      data,
      metadata,
    ]);
  const store = (): EventStore => createPostgresEventStore({ pool });
  return {
    store,
    restore: () =>
      sql('truncate eventlog.events').then(() =>
        sql(`insert into eventlog.events (${COLUMNS}) select ${COLUMNS} from public.untouched`),
      ),
    superuser: {
      sql,
      edit: async (stream, tampering) => {
        const events = tampering(await store().readStream(stream, 0, 1_000));
        await sql('delete from eventlog.events where stream = $1', [stream]);
        for (const event of events) await insert(event);
      },
    },
    close: async () => {
      await client.end();
      await pool.end();
      await database.drop();
    },
  };
}

/** What was found, as `KIND stream/revision: the first words of what is wrong`; the same of events behind each other in one line. */
export function told({ mismatches }: VerificationReport): string[] {
  type Run = { kind: string; stream: string; words: string; from: number | null; to: number | null };
  const runs: Run[] = [];
  for (const { kind, stream, revision, detail } of mismatches) {
    const words = detail.split(/[:,(]/)[0]?.trim() ?? '';
    const run = runs.at(-1);
    const isSame = run?.kind === kind && run.stream === stream && run.words === words;
    if (run && isSame && run.to === (revision ?? 0) - 1) run.to = revision;
    else runs.push({ kind, stream, words, from: revision, to: revision });
  }
  return runs.map(({ kind, stream, words, from, to }) => {
    const name = stream.replace(/^(policy|playbook)-.*/, '$1');
    return `${kind} ${name}/${from}${to === from ? '' : `-${to}`}: ${words}`;
  });
}

/** An event as somebody copies it: under an id of its own. */
export function anew(event: ReadEvent | undefined, n: number): ReadEvent {
  if (!event) throw new Error('there is no such event');
  return { ...event, id: uuid(9_000 + n) };
}
