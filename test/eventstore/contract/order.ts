import { expect, test } from 'vitest';
import { type EventStore, NO_STREAM, type ReadEvent } from '../../../src/eventstore/port.ts';
import {
  appendAtEnd,
  bytesOf,
  isRising,
  type MakeStore,
  newEvent,
  newEvents,
  readWholeLog,
  revisionsByStream,
  type Traits,
  upTo,
  useStore,
} from './support.ts';

export function describeOrder(makeStore: MakeStore, { manyEvents }: Traits): void {
  const given = useStore(makeStore);

  test('a reader of the global order misses and reorders nothing while many write', async () => {
    const { store, another } = given();
    const [other, reader] = [await another(), await another()];
    let writing = true;
    const write = async (writer: number): Promise<void> => {
      for (let step = 0; step < 40; step += 1) {
        const stream = `case-${(writer * 7 + step * 3) % 11}`;
        await appendAtEnd(writer % 2 ? store : other, stream, newEvents(1 + ((writer + step) % 4)));
      }
    };
    const readers = [1, 3, 100].map((limit) => readWhile(reader, limit, () => writing));
    await Promise.all(upTo(16).map(write));
    writing = false;
    const seen = await Promise.all(readers);
    const whole = await readWholeLog(store);
    expect(whole.length).toBe(16 * 10 * (1 + 2 + 3 + 4));
    for (const events of seen) expect(events).toEqual(whole);
    expect(isRising(whole.map((event) => event.position))).toBe(true);
    for (const revisions of Object.values(revisionsByStream(whole))) {
      expect(revisions).toEqual(upTo(revisions.length));
    }
  });

  test('a reader that asks again from the same position sees what came meanwhile', async () => {
    const { store, another } = given();
    const reader = await another();
    await store.append('case-1', NO_STREAM, newEvents(2));
    expect((await reader.readAll(null, 5)).map(({ revision }) => revision)).toEqual([0, 1]);
    await store.append('case-1', 1, newEvents(2));
    expect((await reader.readAll(null, 5)).map(({ revision }) => revision)).toEqual([0, 1, 2, 3]);
    await store.append('case-1', 3, newEvents(2));
    expect((await reader.readAll(null, 5)).map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
  });

  test('what its own append has acknowledged is readable at once, while others write', async () => {
    const { store, another } = given();
    const other = await another();
    let writing = true;
    const noise = upTo(4).map(async (writer) => {
      while (writing) await appendAtEnd(other, `noise-${writer}`, newEvents(1));
    });
    try {
      for (let round = 0; round < 12; round += 1) {
        const last = await store.lastPosition();
        const result = await store.append(`case-${round}`, NO_STREAM, [newEvent()]);
        if (result.kind !== 'appended') throw new Error('a conflict out of nowhere');
        expect((await store.lastPosition()) ?? 0n).toBeGreaterThanOrEqual(result.positions[0] ?? 0n);
        const events = await readWholeLog(other, last);
        expect(events.map((event) => event.stream)).toContain(`case-${round}`);
      }
    } finally {
      writing = false;
      await Promise.all(noise);
    }
  });

  test(`${manyEvents} events are read back in order`, { timeout: 60_000 }, async () => {
    const { store } = given();
    const streams = upTo(4).map((stream) => ({
      name: `case-${stream}`,
      events: upTo(manyEvents / 4).map((index) => newEvent(`{"index":${index}}`)),
    }));
    await Promise.all(
      streams.map(async ({ name, events }) => {
        for (let from = 0; from < events.length; from += 500) {
          await store.append(name, from - 1, events.slice(from, from + 500));
        }
      }),
    );
    const all = await readWholeLog(store, null, 5_000);
    expect(all.length).toBe(manyEvents);
    expect(isRising(all.map((event) => event.position))).toBe(true);
    for (const { name, events } of streams) {
      const ofStream = all.filter((event) => event.stream === name);
      expect(ofStream.every((event, index) => event.revision === index)).toBe(true);
      expect(ofStream.map(bytesOf)).toEqual(events);
    }
  });
}

/** Follows the global order as a projection does, and once more to the end after the writers are done. */
async function readWhile(store: EventStore, limit: number, writing: () => boolean): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  const position = () => events.at(-1)?.position ?? null;
  while (writing()) events.push(...(await store.readAll(position(), limit)));
  events.push(...(await readWholeLog(store, position())));
  return events;
}
