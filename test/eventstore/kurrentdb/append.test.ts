import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAppend } from '../../../src/eventstore/kurrentdb/append.ts';
import type { AppendAnswer } from '../../../src/eventstore/kurrentdb/calls.ts';
import type { Connection } from '../../../src/eventstore/kurrentdb/connection.ts';
import { NO_STREAM, type ReadEvent, type StoredEvent } from '../../../src/eventstore/port.ts';
import { until } from '../../support/until.ts';
import { bytesOf, newEvent, newEvents } from '../contract/support.ts';
import { openServer, type ServerUnderTest } from './support.ts';

const CONFLICT_AT_3: AppendAnswer = { kind: 'wrong-revision', current: 3 };
const lost = () => Object.assign(new Error('lost'), { code: status.UNAVAILABLE });
const stored = (events: readonly StoredEvent[]): ReadEvent[] =>
  events.map((event, index) => ({
    ...event,
    stream: 'case-1',
    revision: 2 + index,
    position: BigInt(70 + index),
  }));

/** An append at revision 1 over a connection that gives these answers, one a call. */
function scripted(answers: readonly (AppendAnswer | readonly ReadEvent[] | Error)[]) {
  const left = [...answers];
  const sleeps: number[] = [];
  let now = 0;
  const clock = {
    monotonicMs: () => now,
    sleep: async (ms: number) => {
      sleeps.push(ms);
      now += ms;
    },
  };
  const call = async (): Promise<never> => {
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return (answer ?? lost()) as never;
  };
  const connection: Connection = { call, isClosed: () => false, close: () => {} };
  const append = createAppend(connection, { clock, attemptMs: 100, budgetMs: 1_000, isClosed: () => false });
  return { append, left, sleeps };
}

describe('an append whose first try has an unknown outcome', () => {
  test('that finds its own events behind a conflict has been written by that try', async () => {
    const events = newEvents(2);
    const { append, left } = scripted([lost(), CONFLICT_AT_3, stored(events)]);
    expect(await append('case-1', 1, events)).toEqual({
      kind: 'appended',
      revision: 3,
      positions: [70n, 71n],
    });
    expect(left).toEqual([]);
  });

  test.each([
    ["somebody else's events", stored(newEvents(2))],
    ['fewer events', stored(newEvents(1))],
    ['nothing', []],
  ])('that finds %s there is a conflict', async (_, there) => {
    const { append, left } = scripted([lost(), CONFLICT_AT_3, there]);
    expect(await append('case-1', 1, newEvents(2))).toEqual({ kind: 'conflict', revision: 3 });
    expect(left).toEqual([]);
  });

  test('and a stream that has not got that far is asked again: the first try may still find its place', async () => {
    const events = newEvents(2);
    const behind: AppendAnswer = { kind: 'wrong-revision', current: 0 };
    const { append } = scripted([lost(), behind, [], CONFLICT_AT_3, stored(events)]);
    expect(await append('case-1', 1, events)).toMatchObject({ kind: 'appended', revision: 3 });
  });

  test('is given up within the budget', async () => {
    const { append, sleeps } = scripted(Array.from({ length: 50 }, lost));
    await expect(append('case-1', 1, newEvents(1))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(sleeps).toEqual([20, 40, 80, 160, 320]);
  });
});

test('a conflict at the first try is believed without a look', async () => {
  const { append, left } = scripted([CONFLICT_AT_3, []]);
  expect(await append('case-1', 1, newEvents(2))).toEqual({ kind: 'conflict', revision: 3 });
  expect(left).toEqual([[]]);
});

describe('on the protocol test server', () => {
  let under: ServerUnderTest;
  beforeEach(async () => {
    under = await openServer({ writeTimeoutMs: 50 });
  });
  afterEach(() => under.close());

  test('one event costs one call, several cost one more for their positions', async () => {
    const store = under.store();
    await store.append('case-1', NO_STREAM, newEvents(1));
    expect(under.server.counts).toMatchObject({ batchAppend: 1, read: 0 });
    await store.append('case-1', 0, newEvents(3));
    expect(under.server.counts).toMatchObject({ batchAppend: 2, read: 1 });
  });

  test('events are stored as JSON with their bytes, so that the server can read them', async () => {
    const event = { ...newEvent('{"10":1,"9":2,"a":1.0}'), metadata: '{"2":1,"1":2}' };
    await under.store().append('case-1', NO_STREAM, [event]);
    const [record] = under.server.log.stream('case-1');
    expect(record).toMatchObject({ contentType: 'application/json' });
    expect(Buffer.from(record?.data ?? []).toString()).toBe(event.data);
    expect(Buffer.from(record?.metadata ?? []).toString()).toBe(event.metadata);
  });

  test('events that hold nothing are events', async () => {
    const events = ['', 'a', ''].map((text) => ({ ...newEvent(text), metadata: text }));
    const store = under.store();
    expect(await store.append('case-1', NO_STREAM, events)).toMatchObject({ kind: 'appended', revision: 2 });
    expect((await store.readStream('case-1', 0, 10)).map(bytesOf)).toEqual(events);
  });

  test('an append larger than one message is written whole', async () => {
    const events = Array.from({ length: 9 }, (_, n) => newEvent(JSON.stringify(String(n).repeat(900_000))));
    const store = under.store();
    expect(await store.append('case-1', NO_STREAM, events)).toMatchObject({ kind: 'appended', revision: 8 });
    expect((await store.readStream('case-1', 0, 10)).map(bytesOf)).toEqual(events);
  });

  test.each([
    ['accessDenied', 'PERMISSION_DENIED, AccessDenied'],
    ['badRequest', 'INVALID_ARGUMENT, BadRequest'],
    ['maximumAppendSizeExceeded', 'INVALID_ARGUMENT, MaximumAppendSizeExceeded'],
    ['maximumAppendEventSizeExceeded', 'INVALID_ARGUMENT, MaximumAppendEventSizeExceeded'],
  ] as const)('a refusal (%s) is told at once and by name', async (reason, text) => {
    under.server.faults.next(1, ['batchAppend'], { kind: 'refusal', reason });
    await expect(under.store().append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: `KurrentDB refused (append): ${text}`,
    });
    expect(under.server.counts.batchAppend).toBe(1);
  });

  test('a stream of the name that the server keeps for itself is refused', async () => {
    await expect(under.store().append('$case', NO_STREAM, newEvents(1))).rejects.toThrow(RangeError);
  });

  test('a call that is given up is cancelled, so that the server does not keep it', async () => {
    under.server.faults.when(() => true, { kind: 'silence' });
    const store = under.store({ attemptMs: 50, budgetMs: 200 });
    await expect(store.append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    expect(under.server.counts.batchAppend).toBeGreaterThan(1);
    await until('no append open', () => under.server.open().batches === 0, 2_000);
  });

  test('what is in flight when the store is closed ends then', async () => {
    const store = under.store({ attemptMs: 60_000, budgetMs: 60_000 });
    under.server.faults.when(() => true, { kind: 'silence' });
    const append = store.append('case-1', NO_STREAM, newEvents(1));
    const read = store.readAll(null, 1);
    const unavailable = { code: 'STORE_UNAVAILABLE' };
    const both = Promise.all([
      expect(append).rejects.toMatchObject(unavailable),
      expect(read).rejects.toMatchObject(unavailable),
    ]);
    await until('both under way', () => under.server.counts.batchAppend + under.server.counts.read === 2);
    await store.close();
    await both;
    await expect(store.append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject(unavailable);
  });
});
