import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { CaseEvent } from '../../src/domain/events.ts';
import { caseStream } from '../../src/domain/identifiers.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { createEventLog, headOf } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { createPostgresRowStore } from '../../src/projections/postgresRowStore.ts';
import type { Row } from '../../src/projections/projection.ts';
import { type ProjectorDependencies, project } from '../../src/projections/projector.ts';
import { fingerprintOf, READ_MODELS } from '../../src/projections/readModels.ts';
import { type RebuildProgress, rebuild } from '../../src/projections/rebuild.ts';
import type { ParkedCase, ReplaceableRowStore, RowStore } from '../../src/projections/rowStore.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import {
  AT,
  evaluated,
  executed,
  facts,
  opened,
  permitted,
  received,
  recommended,
  routed,
  started,
  stateChanged,
} from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

export const LOG_ID = '019b0000-0000-7000-8000-00000000f00d';
const ACTOR = { kind: 'system', id: 'test', roles: [], authMethod: 'internal' } as const;

/** Read models somewhere, and how to see every row. */
export type RowsUnderTest = {
  readonly rowStore: ReplaceableRowStore;
  /** All rows by table, each table in the order of its key. */
  readonly dump: () => Promise<Record<string, readonly Row[]>>;
};

export const memoryRows = async (): Promise<RowsUnderTest> => {
  const rowStore = createMemoryRowStore();
  return {
    rowStore,
    dump: async () =>
      Object.fromEntries(
        READ_MODELS.map(({ table, key }) => [
          table,
          rowStore.rows(table).toSorted((a, b) => (String(a[key]) < String(b[key]) ? -1 : 1)),
        ]),
      ),
  };
};

export type PostgresRows = RowsUnderTest & { readonly url: string; readonly pool: pg.Pool };

let shared: Promise<{ database: TestDatabase; pool: pg.Pool }> | null = null;

/** Empty read models in the one database of this test file; `closePostgres` removes it. */
export const postgresRows = async (): Promise<PostgresRows> => {
  shared ??= createTestDatabase('projections').then((database) => ({
    database,
    pool: createPool({ url: database.url, max: 5, applicationName: 'test', onError: () => {} }),
  }));
  const { database, pool } = await shared;
  await pool.query('drop schema readmodel cascade; create schema readmodel');
  return {
    url: database.url,
    pool,
    rowStore: createPostgresRowStore(pool),
    dump: () => dumpReadModels(database.url),
  };
};

export async function closePostgres(): Promise<void> {
  const opened = await shared;
  // The next file of this process has a database of its own.
  shared = null;
  await opened?.pool.end();
  await opened?.database.drop();
}

/** Every row of every read model of a database, each table in the order of its key. */
export async function dumpReadModels(url: string): Promise<Record<string, readonly Row[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const dump: Record<string, Row[]> = {};
    for (const { table, key } of READ_MODELS) {
      const { rows } = await client.query<{ row: Row }>(
        `select to_jsonb(t) as row from readmodel.${table} t order by ${key} collate "C"`,
      );
      dump[table] = rows.map(({ row }) => row);
    }
    return dump;
  } finally {
    await client.end();
  }
}

/** An event log in memory with the projector over it. */
export type Rig = {
  readonly store: EventStore;
  readonly deps: ProjectorDependencies;
  readonly append: (caseId: string, ...events: readonly CaseEvent[]) => Promise<void>;
  /** Appends an event as it is, past codec and schemas, behind the case's last one. */
  readonly appendRaw: (
    caseId: string,
    event: Partial<Pick<ReadEvent, 'type' | 'data' | 'metadata'>>,
  ) => Promise<void>;
  /** Projects until everything in the log is in the read models. */
  readonly catchUp: () => Promise<void>;
  /** What was parked by this rig's projector. */
  readonly parked: readonly ParkedCase[];
};

export function createRig(rowStore: RowStore, changes: Partial<ProjectorDependencies> = {}): Rig {
  const store = changes.store ?? createMemoryEventStore();
  const log = createEventLog(store, uuidv7);
  const parked: ParkedCase[] = [];
  const caughtUp: ((position: bigint) => void)[] = [];
  const deps: ProjectorDependencies = {
    store,
    codec,
    rowStore,
    projections: READ_MODELS,
    logId: LOG_ID,
    fingerprint: fingerprintOf('memory'),
    clock: systemClock,
    onCommit: (position, _events, cases) => {
      parked.push(...cases);
      for (const tell of caughtUp) tell(position);
    },
    ...changes,
  };
  return {
    store,
    deps,
    parked,
    append: async (caseId, ...events) => {
      const stream = caseStream(caseId);
      const stored = await store.readStream(stream, 0, 10_000);
      const last = stored.at(-1);
      const head = headOf(last && codec.decode(last));
      const context = { actor: ACTOR, correlationId: null, causationId: null, traceparent: null, now: AT };
      const outcome = await log.append(stream, head, events, context);
      if (outcome.kind === 'conflict') throw new Error(`${stream} has moved`);
    },
    appendRaw: async (caseId, event) => {
      const stream = caseStream(caseId);
      const stored = await store.readStream(stream, 0, 10_000);
      const [first] = stored;
      if (!first) throw new Error('a raw event follows another one');
      const { type, data, metadata } = { ...first, ...event };
      await store.append(stream, stored.length - 1, [{ id: uuidv7(), type, data, metadata }]);
    },
    catchUp: async () => {
      const last = await store.lastPosition();
      const checkpoint = await rowStore.checkpoint().catch(() => null);
      if (last === null || (checkpoint?.position === last && checkpoint.logId === deps.logId)) return;
      const done = new AbortController();
      const tell = (position: bigint): void => {
        if (position >= last) done.abort();
      };
      caughtUp.push(tell);
      try {
        await project(deps, done.signal);
      } finally {
        caughtUp.splice(caughtUp.indexOf(tell), 1);
      }
    },
  };
}

/** Pauses pass in a fiftieth of their time. */
const hurried = { sleep: (milliseconds: number) => systemClock.sleep(milliseconds / 50) };

/** Makes all rows anew from the rig's log. */
export const rebuildRows = (
  { deps }: Rig,
  { rowStore }: RowsUnderTest,
  onProgress: (progress: RebuildProgress) => void = () => {},
): ReturnType<typeof rebuild> => rebuild({ ...deps, rowStore, clock: hurried }, onProgress);

/** A task that was executed: everything after CaseOpened. */
export const executedTask = (n: number): CaseEvent[] => [
  received(n),
  recommended(n),
  permitted(n),
  started(n),
  executed('SUCCEEDED', n),
];

/** Cases of every kind, in the order in which their events come: steps of one case are interleaved with others. */
export const MIXED_HISTORY: readonly (readonly [caseId: string, ...events: CaseEvent[]])[] = [
  ['A', opened()],
  [
    'B',
    opened({
      priority: 'CRITICAL',
      retryCount: 0,
      lastErrorType: null,
      attributes: { amount: 1.5, vip: true },
    }),
  ],
  ['A', received(1)],
  ['B', received(2)],
  ['A', recommended(1), permitted(1), started(1)],
  [
    'B',
    recommended(2, { confidence: 0.2 }),
    evaluated(2, facts({ decision: { confidence: 0.2 } })),
    routed(2, ['CONFIDENCE_TOO_LOW']),
  ],
  ['A', executed('SUCCEEDED', 1)],
  ['C', opened({ lastErrorType: 'HTTP_503', attributes: { name: 'Zoë "quoted" \\ ' } })],
  ['C', received(3), recommended(3, { retryStrategy: 'IMMEDIATE' }), permitted(3), started(3)],
  ['C', executed('FAILED', 3), permitted(3, 2), started(3, 2)],
  ['C', executed('UNKNOWN', 3, 2), routed(3, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120)],
  [
    'B',
    stateChanged('CLOSED'),
    { type: 'TaskCancelled', data: { taskId: received(2).data.taskId, reason: 'CASE_CLOSED' } },
  ],
  ['D', opened()],
  ['D', received(4)],
  ['A', ...executedTask(5)],
  ['D', stateChanged('SUSPENDED')],
  ['A', { type: 'CaseNoteAdded', data: { text: { sealed: 'note' }, command: null } }],
];
