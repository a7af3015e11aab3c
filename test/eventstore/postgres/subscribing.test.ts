import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_STREAM } from '../../../src/eventstore/port.ts';
import { newEvents } from '../contract/support.ts';
import { type LogUnderTest, openLog } from './support.ts';

let log: LogUnderTest;

beforeEach(async () => {
  log = await openLog('subscribing');
});

afterEach(() => log.close());

/** A clock that stands still: whoever sleeps is told of, and sleeps until its signal aborts. */
function stoppedClock() {
  const sleeps: number[] = [];
  const asleep = Promise.withResolvers<void>();
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    sleeps.push(ms);
    asleep.resolve();
    return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  };
  return { clock: { monotonicMs: () => 0, sleep }, sleeps, asleep: asleep.promise };
}

// 50 ms between full batches of 100 cap a reader that catches up at 2,000 events/s, however fast the database is.
test('catches up without a pause between batches, then waits for one poll interval', async () => {
  const { clock, sleeps, asleep } = stoppedClock();
  const store = await log.store({ clock, pollIntervalMs: 70 });
  await store.append('case-1', NO_STREAM, newEvents(50));
  const subscription = store.subscribe(null, 5, new AbortController().signal)[Symbol.asyncIterator]();
  for (let batch = 0; batch < 10; batch += 1) expect((await subscription.next()).value?.length).toBe(5);
  expect(sleeps).toEqual([]);
  const next = subscription.next();
  await asleep;
  expect(sleeps).toEqual([70]);
  await store.close();
  expect(await next).toEqual({ done: true, value: undefined });
});

// Waiting out the poll interval would add it to the answer of every task that a projection must have seen first.
test('a subscription that sleeps is woken at once by an append of its own process', async () => {
  const { clock, asleep } = stoppedClock();
  const store = await log.store({ clock });
  const subscription = store.subscribe(null, 5, new AbortController().signal)[Symbol.asyncIterator]();
  const next = subscription.next();
  await asleep;
  await store.append('case-1', NO_STREAM, newEvents(2));
  expect((await next).value?.length).toBe(2);
  await subscription.return?.();
});
