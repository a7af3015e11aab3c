import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type EventStore, NO_STREAM, type ReadEvent } from '../../../src/eventstore/port.ts';
import { type MakeStore, newEvents, readWholeLog, type Traits, useStore } from './support.ts';

/** Takes batches until there are `count` events, then stops the subscription as a `break` does. */
async function take(
  subscription: AsyncIterable<readonly ReadEvent[]>,
  count: number,
  onBatch: (batch: readonly ReadEvent[], soFar: number) => Promise<unknown> = async () => {},
): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for await (const batch of subscription) {
    events.push(...batch);
    await onBatch(batch, events.length);
    if (events.length >= count) return events;
  }
  return events;
}

const fill = async (store: EventStore, stream: string, count: number): Promise<void> => {
  await store.append(stream, NO_STREAM, newEvents(count));
};

export function describeSubscribing(makeStore: MakeStore, { fullBatches }: Traits): void {
  const given = useStore(makeStore);
  const expectSizes = (sizes: readonly number[], limit: number, full: readonly number[]): void => {
    if (fullBatches) expect(sizes).toEqual(full);
    else for (const size of sizes) expect(size).toSatisfy((length: number) => length > 0 && length <= limit);
  };
  const never = new AbortController().signal;

  test('a subscription catches up and then follows what this and other clients append', async () => {
    const { store, another } = given();
    const other = await another();
    await fill(store, 'case-1', 5);
    const sizes: number[] = [];
    const events = await take(store.subscribe(null, 2, never), 9, async (batch, soFar) => {
      sizes.push(batch.length);
      if (soFar === 5) await fill(store, 'case-2', 1);
      if (soFar === 6) await fill(other, 'case-3', 3);
    });
    expectSizes(sizes, 2, [2, 2, 1, 1, 2, 1]);
    expect(events).toEqual(await readWholeLog(store));
  });

  test('a waiting subscription gets what is appended next', async () => {
    const { store, another } = given();
    const other = await another();
    const iterator = store.subscribe(null, 10, never)[Symbol.asyncIterator]();
    for (const [index, client] of [store, other, store, other].entries()) {
      const next = iterator.next();
      // Lets it get as far as waiting, where the store needs no longer than a turn of the event loop to look.
      await setImmediate();
      await fill(client, `case-${index}`, 2);
      const batch: ReadEvent[] = [...((await next).value ?? [])];
      while (!fullBatches && batch.length < 2) batch.push(...((await iterator.next()).value ?? []));
      expect(batch.map((event) => event.stream)).toEqual([`case-${index}`, `case-${index}`]);
    }
    await iterator.return?.();
  });

  test('a subscription begins after the position it is given', async () => {
    const { store } = given();
    await fill(store, 'case-1', 10);
    const whole = await readWholeLog(store);
    const after = whole[6]?.position ?? null;
    expect(await take(store.subscribe(after, 100, never), 3)).toEqual(whole.slice(7));
  });

  test('an aborted subscription ends without an error: before it starts, between batches, and while it waits', async () => {
    const { store } = given();
    await fill(store, 'case-1', 6);
    expect(await take(store.subscribe(null, 2, AbortSignal.abort()), 6)).toEqual([]);

    const between = new AbortController();
    const some = await take(store.subscribe(null, 2, between.signal), 6, async (_, soFar) => {
      if (soFar === 4) between.abort();
    });
    expect(some.map((event) => event.revision)).toEqual([0, 1, 2, 3]);

    const waiting = new AbortController();
    const iterator = store.subscribe(null, 10, waiting.signal)[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    waiting.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('closing the store ends its subscriptions', async () => {
    const { store } = given();
    await fill(store, 'case-1', 1);
    const iterator = store.subscribe(null, 10, never)[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    await store.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('a slow consumer gets everything in its own time, in batches no larger than it asked for', async () => {
    const { store } = given();
    const sizes: number[] = [];
    await fill(store, 'case-0', 3);
    const events = await take(store.subscribe(null, 7, never), 103, async (batch, soFar) => {
      sizes.push(batch.length);
      if (soFar === 3) await Promise.all([1, 2, 3, 4].map((n) => fill(store, `case-${n}`, 25)));
    });
    expectSizes(sizes, 7, [3, ...Array.from({ length: 14 }, () => 7), 2]);
    expect(events).toEqual(await readWholeLog(store));
  });

  test('several subscriptions each get everything', async () => {
    const { store } = given();
    const all = Promise.all([1, 3, 50].map((size) => take(store.subscribe(null, size, never), 40)));
    for (let n = 0; n < 20; n += 1) await fill(store, `case-${n}`, 2);
    const whole = await readWholeLog(store);
    expect(await all).toEqual([whole, whole, whole]);
  });
}
