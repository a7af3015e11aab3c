import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SubscriptionDroppedError } from '../../../src/eventstore/kurrentdb/failures.ts';
import { follow } from '../../../src/eventstore/kurrentdb/subscribe.ts';
import { type EventStore, NO_STREAM, type ReadEvent } from '../../../src/eventstore/port.ts';
import { until } from '../../support/until.ts';
import { newEvents, readWholeLog } from '../contract/support.ts';
import { startLoad, watchUncaught } from './load.ts';
import { fill, openServer, type ServerUnderTest } from './support.ts';

let under: ServerUnderTest;
let uncaught: ReturnType<typeof watchUncaught>;

beforeEach(async () => {
  uncaught = watchUncaught();
  under = await openServer();
});

afterEach(async () => {
  await under.close();
  uncaught.stop();
  expect(uncaught.seen).toEqual([]);
});

const never = new AbortController().signal;

/** Follows a store until it has so many events, or for as long as the signal says; tells of every batch. */
async function collect(
  store: EventStore,
  count: number,
  { batchSize = 100, signal = never, onBatch = async (_soFar: number): Promise<unknown> => undefined } = {},
): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for await (const batch of store.subscribe(null, batchSize, signal)) {
    expect(batch.length).toBeLessThanOrEqual(batchSize);
    events.push(...batch);
    await onBatch(events.length);
    if (events.length >= count) break;
  }
  return events;
}

const closedOnServer = () => until('no subscription open', () => under.server.open().subscriptions === 0);

describe('every event once and in order, although the subscription is dropped while it catches up', () => {
  test.each([
    ['by an error', { kind: 'error', code: status.UNAVAILABLE }],
    ['by a cancellation', { kind: 'error', code: status.CANCELLED }],
    ['by an internal error', { kind: 'error', code: status.INTERNAL }],
    ['by a clean end', { kind: 'halfClose' }],
    ['by cut connections', { kind: 'disconnect' }],
    ['by silence', { kind: 'silence' }],
  ] as const)('%s', async (_, fault) => {
    fill(under.server, 2_000);
    for (const afterEvents of [0, 1, 37, 400, 5]) {
      under.server.faults.next(1, ['subscribe'], { ...fault, afterEvents });
    }
    under.server.faults.next(1, ['subscribe'], fault);
    const store = under.store({ attemptMs: 500, idleMs: 150 });
    expect(await collect(store, 2_000)).toEqual(await readWholeLog(under.store()));
    expect(under.server.counts.subscribe).toBeGreaterThanOrEqual(7);
    await closedOnServer();
  });
});

describe('every event once and in order, although there is trouble while events come', () => {
  test.each([
    ['the server ends subscriptions cleanly', async () => under.server.endSubscriptions()],
    ['the server ends them with an error', async () => under.server.endSubscriptions(status.UNAVAILABLE)],
    ['connections are cut', async () => under.server.dropConnections()],
    ['the server is stopped and started', () => under.server.restart()],
    ['a silent one is not noticed by anybody', async () => silence()],
  ])('%s', async (_, trouble) => {
    const load = startLoad(under.store({ attemptMs: 500 }));
    const stop = new AbortController();
    let seen = 0;
    const following = collect(under.store({ attemptMs: 500, idleMs: 150 }), Number.POSITIVE_INFINITY, {
      signal: stop.signal,
      onBatch: async (soFar) => {
        seen = soFar;
      },
    });
    for (let round = 0; round < 4; round += 1) {
      await load.more(20);
      await trouble();
    }
    await load.more(20);
    await load.stop();
    const whole = await readWholeLog(under.store());
    await until('all events seen', () => seen >= whole.length);
    stop.abort();
    expect(await following).toEqual(whole);
    await closedOnServer();
  });

  function silence(): void {
    under.server.endSubscriptions();
    under.server.faults.next(1, ['subscribe'], { kind: 'silence', afterEvents: 10 });
  }
});

test('a log where nothing happens is subscribed to anew without ever longer pauses; one that flaps is given time', async () => {
  const pausesAfter = async (livesMs: number): Promise<number[]> => {
    const stop = new AbortController();
    const pauses: number[] = [];
    let now = 0;
    const sleep = async (ms: number): Promise<void> => {
      if (pauses.push(ms) === 9) stop.abort();
    };
    const take = async (): Promise<never> => {
      now += livesMs;
      throw new SubscriptionDroppedError('nothing came');
    };
    const call = async () => ({ take, reached: () => null, cancel: () => {} }) as never;
    const connection = { call, isClosed: () => false, close: () => {} };
    const times = { attemptMs: 1, lingerMs: 1, idleMs: livesMs, patienceMs: 30_000 };
    const options = { connection, clock: { monotonicMs: () => now, sleep }, ...times };
    for await (const batch of follow(options, null, 1, stop.signal)) expect(batch).toBeUndefined();
    return pauses;
  };
  expect(await pausesAfter(30_000)).toEqual(Array.from({ length: 9 }, () => 20));
  expect(await pausesAfter(1)).toEqual([20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000]);
});

describe('the end of a subscription', () => {
  test.each([
    ['a break', async (store: EventStore) => void (await collect(store, 1))],
    [
      'an abort while it waits',
      async (store: EventStore) => {
        const stop = new AbortController();
        const events = collect(store, 1_000, { signal: stop.signal, onBatch: async () => stop.abort() });
        expect((await events).length).toBe(100);
      },
    ],
    [
      'a consumer that throws',
      async (store: EventStore) => {
        const failing = collect(store, 1_000, { onBatch: () => Promise.reject(new Error('failed')) });
        await expect(failing).rejects.toThrow('failed');
      },
    ],
  ])('leaves nothing open at the server: %s', async (_, end) => {
    fill(under.server, 100);
    const store = under.store();
    for (let round = 0; round < 3; round += 1) await end(store);
    await closedOnServer();
  });

  test('comes at once when it is aborted while the server does not answer', async () => {
    under.server.faults.when(() => true, { kind: 'silence' });
    const stop = new AbortController();
    const store = under.store({ attemptMs: 60_000 });
    const events = collect(store, 1, { signal: stop.signal });
    await until('the server asked', () => under.server.counts.subscribe === 1);
    stop.abort();
    expect(await events).toEqual([]);
  });

  test('is an error when the server is away for longer than the patience, also after it had worked', async () => {
    const store = under.store({ attemptMs: 100, patienceMs: 300 });
    await store.append('case-1', NO_STREAM, newEvents(1));
    const seen: number[] = [];
    const following = collect(store, 2, {
      onBatch: async (soFar) => {
        seen.push(soFar);
        await under.server.stop();
      },
    });
    await expect(following).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(seen).toEqual([1]);
  });

  test('is an error at once when the server refuses', async () => {
    under.server.faults.next(1, ['subscribe'], { kind: 'refusal', reason: 'accessDenied' });
    const refused = { code: 'STORE_REFUSED', message: /PERMISSION_DENIED, access-denied/ };
    await expect(collect(under.store(), 1)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(refused.message),
    });
    expect(under.server.counts.subscribe).toBe(1);
  });
});
