import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EventStore, NO_STREAM } from '../../../src/eventstore/port.ts';
import type { PostgresEventStoreOptions } from '../../../src/eventstore/postgres/postgresEventStore.ts';
import { bytesOf, newEvents } from '../contract/support.ts';
import { type FaultyProxy, startProxy } from './proxy.ts';
import { type LogUnderTest, openLog } from './support.ts';

/*
 * An append whose connection breaks has an unknown outcome. To report it as failed would make a command append again
 * with new ids, to report it as done would lose it. The adapter asks again with the same ids, and the log knows.
 */

let log: LogUnderTest;
let proxy: FaultyProxy;
let direct: EventStore;

beforeEach(async () => {
  log = await openLog('lost connection');
  proxy = await startProxy(log.url, 'append_events');
  direct = await log.store();
});

afterEach(async () => {
  await proxy.close();
  await log.close();
});

const timeIn = (sleeps: number[], during: () => Promise<unknown> = async () => {}) => ({
  monotonicMs: () => 0,
  sleep: async (ms: number) => {
    sleeps.push(ms);
    await during();
  },
});

const throughProxy = (options: Partial<PostgresEventStoreOptions>, statementTimeoutMs = 5_000) =>
  log.store({ pool: log.pool({ url: proxy.url, statementTimeoutMs }), ...options });

test('a reply lost after the commit is asked for again: written once, the first answer', async () => {
  const sleeps: number[] = [];
  const others = newEvents(3);
  const store = await throughProxy({
    clock: timeIn(sleeps, () => direct.append('case-1', 1, others)),
  });
  const events = newEvents(2);
  proxy.fail('drop-reply', 1);
  const result = await store.append('case-1', NO_STREAM, events);
  const stored = await direct.readStream('case-1', 0, 10);
  expect(stored.map(bytesOf)).toEqual([...events, ...others]);
  expect(result).toEqual({
    kind: 'appended',
    revision: 1,
    positions: stored.slice(0, 2).map((event) => event.position),
  });
  expect(proxy.requests()).toBe(2);
  expect(sleeps).toEqual([100]);
});

test('a request lost before the server saw it is sent again', async () => {
  const store = await throughProxy({ clock: timeIn([]) });
  const events = newEvents(2);
  proxy.fail('drop-request', 2);
  expect(await store.append('case-1', NO_STREAM, events)).toMatchObject({ kind: 'appended', revision: 1 });
  expect(proxy.requests()).toBe(3);
  expect((await direct.readAll(null, 10)).map(bytesOf)).toEqual(events);
});

test('when somebody else takes the revision before the repeat, the answer is a conflict', async () => {
  const others = newEvents(1);
  const store = await throughProxy({ clock: timeIn([], () => direct.append('case-1', NO_STREAM, others)) });
  proxy.fail('drop-request', 1);
  expect(await store.append('case-1', NO_STREAM, newEvents(2))).toEqual({ kind: 'conflict', revision: 0 });
  expect((await direct.readAll(null, 10)).map(bytesOf)).toEqual(others);
});

test('a reply that never comes ends with the client giving up and asking again', async () => {
  const store = await throughProxy({ clock: timeIn([]) }, 100);
  const events = newEvents(2);
  proxy.fail('withhold-reply', 1);
  expect(await store.append('case-1', NO_STREAM, events)).toMatchObject({ kind: 'appended', revision: 1 });
  expect((await direct.readAll(null, 10)).map(bytesOf)).toEqual(events);
});

test('tries are bounded, in number and in time; then the store is unavailable', async () => {
  const sleeps: number[] = [];
  proxy.fail('drop-request', 100);
  const store = await throughProxy({ clock: timeIn(sleeps), appendPausesMs: [1, 2, 3] });
  const lost = { name: 'StoreUnavailableError', code: 'STORE_UNAVAILABLE' };
  await expect(store.append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject(lost);
  expect(sleeps).toEqual([1, 2, 3]);
  expect(proxy.requests()).toBe(4);

  let now = 0;
  const clock = {
    monotonicMs: () => {
      now += 4_000;
      return now;
    },
    sleep: async () => {},
  };
  const late = await throughProxy({ clock, appendPausesMs: [500, 500, 500], appendBudgetMs: 5_000 });
  await expect(late.append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject(lost);
  expect(proxy.requests()).toBe(6);
});

test('a server that is gone makes every method reject as unavailable, and a subscription end with that', async () => {
  const pool = log.pool({ url: proxy.url, connectTimeoutMs: 500 });
  const store = await log.store({ pool, appendPausesMs: [] });
  await store.append('case-1', NO_STREAM, newEvents(1));
  const subscription = store.subscribe(null, 10, new AbortController().signal)[Symbol.asyncIterator]();
  await subscription.next();
  const next = subscription.next();
  // The rejection comes while this test is still closing the proxy.
  next.catch(() => {});
  await proxy.close();
  const lost = { code: 'STORE_UNAVAILABLE' };
  await expect(next).rejects.toMatchObject(lost);
  await expect(store.append('case-1', 0, newEvents(1))).rejects.toMatchObject(lost);
  await expect(store.readStream('case-1', 0, 1)).rejects.toMatchObject(lost);
  await expect(store.readAll(null, 1)).rejects.toMatchObject(lost);
  await expect(store.lastPosition()).rejects.toMatchObject(lost);
  await expect(store.ping()).rejects.toMatchObject(lost);
  proxy = await startProxy(log.url, 'append_events');
});

test('a ping has a bound of its own', async () => {
  const silent = await startProxy(log.url, 'SELECT FROM eventlog.events');
  try {
    silent.fail('withhold-reply', 1);
    const store = await log.store({ pool: log.pool({ url: silent.url }), pingTimeoutMs: 50 });
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  } finally {
    await silent.close();
  }
});
