import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EventStore, NO_STREAM } from '../../../src/eventstore/port.ts';
import { newEvents } from '../contract/support.ts';
import { APPEND_LOCK, type LogUnderTest, openAppend, openLog, streamsOf, untilWaiting } from './support.ts';

let log: LogUnderTest;
let owner: pg.Pool;
let store: EventStore;

beforeEach(async () => {
  log = await openLog('positions');
  owner = log.pool();
  store = await log.store();
});

afterEach(() => log.close());

test('who loses a race or repeats an append draws no position', async () => {
  const first = newEvents(1);
  await store.append('case-1', NO_STREAM, first);
  await store.append('case-1', NO_STREAM, newEvents(3));
  await store.append('case-1', NO_STREAM, first);
  await store.append('case-1', 7, newEvents(3));
  const winner = await openAppend(log, 'case-1', 0, newEvents(2));
  const losers = [store.append('case-1', 0, newEvents(2)), store.append('case-1', 0, newEvents(1))];
  await untilWaiting(owner, 'append_events', 2);
  await winner.end('COMMIT');
  for (const loser of await Promise.all(losers)) expect(loser).toEqual({ kind: 'conflict', revision: 2 });
  expect(await store.append('case-2', NO_STREAM, newEvents(1))).toMatchObject({ positions: [4n] });
});

// A unique violation has drawn its positions before it fails, so gaps are normal and nobody may count on there being none.
test('positions burnt by a refused id are a gap, not an end', async () => {
  const [known, ...more] = newEvents(4);
  if (!known) throw new Error('no event');
  await store.append('case-1', NO_STREAM, [known]);
  await expect(store.append('case-2', NO_STREAM, [...more, known])).rejects.toMatchObject({
    code: 'DUPLICATE_EVENT_ID',
  });
  await store.append('case-3', NO_STREAM, more);
  expect((await store.readAll(null, 1)).map((event) => event.position)).toEqual([1n]);
  expect((await store.readAll(1n, 10)).map((event) => event.position)).toEqual([6n, 7n, 8n]);
});

// The unique constraint is the final arbiter when somebody writes past append_events, without its locks.
test('a revision written past the function is a conflict, not an error', async () => {
  const intruder = await log.client();
  await intruder.query('BEGIN');
  await intruder.query(
    `INSERT INTO eventlog.events (stream, revision, id, type, data, metadata)
     VALUES ('case-1', 0, gen_random_uuid(), 'T', '{}', '{}')`,
  );
  const appended = store.append('case-1', NO_STREAM, newEvents(2));
  await untilWaiting(owner, 'append_events', 1);
  await intruder.query('COMMIT');
  expect(await appended).toEqual({ kind: 'conflict', revision: 0 });
});

test('an append that is held up is ended by the statement timeout, and is not written later', async () => {
  const holder = await log.client();
  await holder.query(`SELECT pg_advisory_lock(${APPEND_LOCK})`);
  const hurried = await log.store({ pool: log.pool({ statementTimeoutMs: 100 }), appendPausesMs: [1] });
  await expect(hurried.append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('57014'),
  });
  await holder.query(`SELECT pg_advisory_unlock(${APPEND_LOCK})`);
  expect(await streamsOf(store)).toEqual([]);
});
