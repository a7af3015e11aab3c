import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppendResult, EventStore, StoredEvent } from '../../../src/eventstore/port.ts';
import { uuid } from '../../support/builders.ts';
import { type LogUnderTest, openAppend, openLog } from './support.ts';

let log: LogUnderTest;
let store: EventStore;
beforeAll(async () => {
  log = await openLog('together');
  store = await log.store();
});
afterAll(() => log.close());

let ids = 0;
const event = (id = uuid(++ids)): StoredEvent => ({ id, type: 'T', data: '{}', metadata: '{}' });
const kinds = (results: readonly PromiseSettledResult<AppendResult>[]): string[] =>
  results.map((result) => (result.status === 'fulfilled' ? result.value.kind : result.reason.code));

describe('appends that arrive together', () => {
  it('have each their own answer: appended, or the conflict that it is', async () => {
    await store.append('there', -1, [event(), event()]);
    const results = await Promise.allSettled([
      store.append('a', -1, [event()]),
      store.append('b', -1, [event(), event(), event()]),
      store.append('there', 0, [event()]),
      store.append('c', 4, [event()]),
      store.append('d', -1, [event()]),
      store.append('d', 0, [event()]),
      store.append('there', 1, [event()]),
    ]);
    expect(kinds(results)).toStrictEqual([
      'appended',
      'appended',
      'conflict',
      'conflict',
      'appended',
      'appended',
      'appended',
    ]);
    expect((await store.readStream('d', 0, 10)).map(({ revision }) => revision)).toStrictEqual([0, 1]);
    expect((await store.readStream('there', 0, 10)).map(({ revision }) => revision)).toStrictEqual([0, 1, 2]);
  });

  it('share transactions, and are in the log in the order of their positions', async () => {
    const pool = log.pool();
    const count = async (): Promise<number> => {
      const { rows } = await pool.query<{ xmin: string }>(
        'select distinct xmin::text as xmin from eventlog.events',
      );
      return rows.length;
    };
    const before = await count();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) => store.append(`many-${index}`, -1, [event(), event()])),
    );
    expect((await count()) - before).toBeLessThan(10);
    const positions = results.flatMap((result) => (result.kind === 'appended' ? result.positions : []));
    expect(new Set(positions).size).toBe(400);
    const all = (await store.readAll(null, 1_000)).filter(({ stream }) => stream.startsWith('many-'));
    expect(all.map(({ position }) => position)).toStrictEqual(positions.toSorted((a, b) => Number(a - b)));
    for (const [index, result] of results.entries()) {
      const stored = await store.readStream(`many-${index}`, 0, 10);
      expect(stored.map(({ position }) => position)).toStrictEqual(
        result.kind === 'appended' ? result.positions : [],
      );
    }
  });

  it('do not suffer from one that cannot be: it alone is told', async () => {
    const taken = event();
    await store.append('taken', -1, [taken]);
    const results = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, index) => store.append(`beside-${index}`, -1, [event()])),
      store.append('poison', -1, [event(taken.id)]),
      ...Array.from({ length: 20 }, (_, index) => store.append(`behind-${index}`, -1, [event()])),
    ]);
    expect(kinds(results).filter((kind) => kind !== 'appended')).toStrictEqual(['DUPLICATE_EVENT_ID']);
    expect(kinds(results)[20]).toBe('DUPLICATE_EVENT_ID');
    expect(await store.readStream('poison', 0, 10)).toStrictEqual([]);
  });

  it('never wait for each other in a circle, whatever two processes append to the same streams', async () => {
    const other = await log.store();
    const streams = Array.from({ length: 40 }, (_, index) => `raced-${index}`);
    const race = async (by: EventStore, order: readonly string[]): Promise<string[]> =>
      kinds(await Promise.allSettled(order.map((stream) => by.append(stream, -1, [event()]))));
    const [forwards, backwards] = await Promise.all([
      race(store, streams),
      race(other, streams.toReversed()),
    ]);
    const won = forwards.map((kind, index) => [kind, backwards.toReversed()[index]].toSorted());
    expect(won).toStrictEqual(streams.map(() => ['appended', 'conflict']));
  });

  it('wait for a lock that somebody keeps no longer than a moment, but for the one that needs it', async () => {
    const holder = await openAppend(log, 'kept', -1, [event()]);
    const stuck = store.append('kept', -1, [event()]);
    const others = await Promise.all(
      Array.from({ length: 30 }, (_, index) => store.append(`free-${index}`, -1, [event()])),
    );
    expect(others.every(({ kind }) => kind === 'appended')).toBe(true);
    await holder.end('COMMIT');
    expect(await stuck).toMatchObject({ kind: 'conflict' });
  });

  it('are all written when the store is closed', async () => {
    const closing = await log.store();
    const results = Promise.all(
      Array.from({ length: 60 }, (_, index) => closing.append(`closing-${index}`, -1, [event()])),
    );
    await closing.close();
    expect((await results).every(({ kind }) => kind === 'appended')).toBe(true);
  });
});
