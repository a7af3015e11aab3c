import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EventStore, NO_STREAM } from '../../../src/eventstore/port.ts';
import { createTestDatabase } from '../../support/database.ts';
import { newEvents } from '../contract/support.ts';
import { APPEND_LOCK, type LogUnderTest, openAppend, openLog, streamsOf, untilWaiting } from './support.ts';

let log: LogUnderTest;
let owner: pg.Pool;
let store: EventStore;

beforeEach(async () => {
  log = await openLog('ordering');
  owner = log.pool();
  // No patience: a reader that would have to wait for an append says so at once.
  store = await log.store({ readerPatienceMs: 0, readerLockTimeoutMs: 50 });
});

afterEach(() => log.close());

/*
 * The base bug of every event store on Postgres: positions are drawn at INSERT and rows appear at COMMIT. A reader that
 * remembers the last position it saw passes by the event whose writer drew earlier and commits later, for ever. Without
 * the locks in append_events and readable_until the first test fails.
 */
describe('a writer that drew an earlier position and commits later', () => {
  test('is not passed by', async () => {
    const slow = await openAppend(log, 'slow', NO_STREAM, newEvents(1));
    const fast = await store.append('fast', NO_STREAM, newEvents(1));
    if (fast.kind !== 'appended') throw new Error('a conflict out of nowhere');
    expect(slow.positions[0]).toBeLessThan(fast.positions[0] ?? 0n);
    const { rows } = await owner.query('SELECT stream FROM eventlog.events');
    expect(rows).toEqual([{ stream: 'fast' }]);

    await expect(store.readAll(null, 100)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.lastPosition()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const subscription = store.subscribe(null, 100, new AbortController().signal)[Symbol.asyncIterator]();
    const batch = subscription.next();
    await untilWaiting(owner, 'readable_until', 1);
    await slow.end('COMMIT');

    expect(await streamsOf(store)).toEqual(['slow', 'fast']);
    expect((await batch).value?.map((event: { stream: string }) => event.stream)).toEqual(['slow', 'fast']);
    await subscription.return?.();
  });

  test('holds up only what is after it: what was readable stays readable', async () => {
    await store.append('before', NO_STREAM, newEvents(3));
    expect((await streamsOf(store)).length).toBe(3);
    const slow = await openAppend(log, 'slow', NO_STREAM, newEvents(1));
    await store.append('fast', NO_STREAM, newEvents(1));
    expect(await streamsOf(store)).toEqual(['before', 'before', 'before']);
    await slow.end('COMMIT');
    expect((await store.readAll(3n, 100)).map((event) => event.stream)).toEqual(['slow', 'fast']);
  });

  // A position that an aborted append has drawn is never given again: a reader that waits for gaps to fill waits for ever.
  test('and is rolled back leaves a gap that readers go across', async () => {
    const slow = await openAppend(log, 'slow', NO_STREAM, newEvents(5));
    const fast = await store.append('fast', NO_STREAM, newEvents(1));
    await slow.end('ROLLBACK');
    expect(await streamsOf(store)).toEqual(['fast']);
    expect(fast).toMatchObject({ positions: [6n] });
    expect(await store.lastPosition()).toBe(6n);
  });

  // Ordering by transaction id inverts a stream whose second event is appended by a transaction that began first.
  test('and began before the event it follows keeps the order of its stream', async () => {
    const early = await log.client();
    await early.query('BEGIN');
    await early.query('CREATE TABLE readmodel.written_first (n int)');
    await store.append('case-1', NO_STREAM, newEvents(1));
    const [event] = newEvents(1);
    await early.query(`SELECT eventlog.append_events('case-1', 0, ARRAY[$1::uuid], '{T}', '{x}', '{x}')`, [
      event?.id,
    ]);
    await early.query('COMMIT');
    expect((await store.readAll(null, 10)).map((stored) => stored.revision)).toEqual([0, 1]);
  });
});

/*
 * A horizon made of transaction ids waits for every open transaction that has written, in any database of the cluster:
 * a forgotten psql stops every projection. Only appends in flight may hold up a reader.
 */
test('no unrelated open transaction stalls a reader', async () => {
  const elsewhere = await createTestDatabase('unrelated');
  const writing = await log.client();
  const reading = await log.client();
  const locking = await log.client();
  const abroad = await log.client(elsewhere.url);
  await writing.query('BEGIN; CREATE TABLE readmodel.unrelated AS SELECT 1 AS n');
  await reading.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM eventlog.events');
  await locking.query('BEGIN; SELECT pg_advisory_xact_lock(1)');
  await abroad.query(
    `BEGIN; CREATE TABLE unrelated AS SELECT 1 AS n; SELECT pg_advisory_lock(${APPEND_LOCK})`,
  );

  await store.append('case-1', NO_STREAM, newEvents(2));
  expect(await streamsOf(store)).toEqual(['case-1', 'case-1']);
  const subscription = store.subscribe(2n, 10, new AbortController().signal)[Symbol.asyncIterator]();
  const next = subscription.next();
  await store.append('case-2', NO_STREAM, newEvents(1));
  expect((await next).value?.length).toBe(1);
  await subscription.return?.();

  await elsewhere.drop();
});

/*
 * Advisory locks are fair: behind a reader that waits for one slow append, every later append queues. The reader's lock
 * timeout lets them through; without it the append below would wait for as long as the slow one.
 */
test('a reader that waits for a slow append does not hold up later appends for longer than its lock timeout', async () => {
  await store.append('visible', NO_STREAM, newEvents(1));
  const slow = await openAppend(log, 'slow', NO_STREAM, newEvents(1));
  const waiting = (await log.store({ readerLockTimeoutMs: 300, readerPatienceMs: 10_000 })).readAll(null, 10);
  await untilWaiting(owner, 'readable_until', 1);
  const later = await Promise.all([
    store.append('later-1', NO_STREAM, newEvents(1)),
    store.append('later-2', NO_STREAM, newEvents(1)),
  ]);
  expect(later.map((result) => result.kind)).toEqual(['appended', 'appended']);
  await slow.end('COMMIT');
  expect((await waiting).map((event) => event.stream).slice(0, 2)).toEqual(['visible', 'slow']);
});

test('a reader that has nothing to read takes no lock, and one that has read keeps none', async () => {
  await store.append('case-1', NO_STREAM, newEvents(1));
  expect((await streamsOf(store)).length).toBe(1);
  const { rows } = await owner.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  expect(rows.length).toBe(0);
  const slow = await openAppend(log, 'slow', NO_STREAM, newEvents(1));
  expect(await store.readAll(1n, 10)).toEqual([]);
  expect(await store.lastPosition()).toBe(1n);
  await slow.end('ROLLBACK');
});
