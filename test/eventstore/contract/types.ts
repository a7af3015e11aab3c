import { expect, test } from 'vitest';
import { type EventStore, NO_STREAM, type ReadEvent } from '../../../src/eventstore/port.ts';
import { appendAtEnd, type MakeStore, newEvent, readWholeLog, upTo, useStore } from './support.ts';

const WANTED = ['Judged', 'Ended'];
const TYPES = ['Judged', 'Noted', 'Judged2', 'judged', 'Ended'];

export function describeTypes(makeStore: MakeStore): void {
  const given = useStore(makeStore);

  test('are those of the log, in its order, however much is looked at in one go', async () => {
    const { store, another } = given();
    for (const stream of upTo(9)) {
      const events = upTo(1 + (stream % 4)).map((n) => newEvent('{}', TYPES[(stream * 2 + n) % 5]));
      await store.append(`case-${stream}`, NO_STREAM, events);
    }
    const whole = await readWholeLog(store);
    const wanted = whole.filter(({ type }) => WANTED.includes(type));
    expect(wanted.length).toBeGreaterThan(3);
    for (const limit of [1, 2, 7, 1_000]) expect(await readTypes(await another(), limit)).toEqual(wanted);
  });

  test('come with how far the log was looked at, which is no further than asked', async () => {
    const { store } = given();
    const events = TYPES.map((type) => newEvent('{}', type));
    await store.append('case-1', NO_STREAM, events);
    const [judged, noted, , , ended] = await readWholeLog(store);
    const { position: first } = judged ?? never();
    const { position: last } = ended ?? never();
    expect(await store.readTypes(WANTED, null, 2)).toEqual({ events: [judged], reached: noted?.position });
    expect(await store.readTypes(WANTED, first, 1)).toEqual({ events: [], reached: noted?.position });
    expect(await store.readTypes(WANTED, first, 10)).toEqual({ events: [ended], reached: last });
    expect(await store.readTypes(WANTED, last, 10)).toEqual({ events: [], reached: null });
    expect(await store.readTypes([], null, 10)).toEqual({ events: [], reached: last });
    await expect(store.readTypes(WANTED, null, 0)).rejects.toThrow(RangeError);
  });

  test('are neither missed nor reordered while many write, and are there for a reader that asks again', async () => {
    const { store, another } = given();
    const [other, reader] = [await another(), await another()];
    let writing = true;
    const write = async (writer: number): Promise<void> => {
      for (let step = 0; step < 20; step += 1) {
        const events = upTo(1 + (step % 3)).map((n) => newEvent('{}', TYPES[(writer + step + n) % 5]));
        await appendAtEnd(writer % 2 ? store : other, `case-${(writer * 7 + step * 3) % 5}`, events);
      }
    };
    const reading = [2, 50].map((limit) => readTypes(reader, limit, () => writing));
    await Promise.all(upTo(8).map(write));
    writing = false;
    const wanted = (await readWholeLog(store)).filter(({ type }) => WANTED.includes(type));
    for (const seen of await Promise.all(reading)) expect(seen).toEqual(wanted);
  });
}

/** Reads on while others write, and then until nothing is left to look at. */
async function readTypes(store: EventStore, limit: number, going = () => false): Promise<ReadEvent[]> {
  const found: ReadEvent[] = [];
  let after: bigint | null = null;
  for (;;) {
    const isLast = !going();
    const { events, reached } = await store.readTypes(WANTED, after, limit);
    found.push(...events);
    after = reached ?? after;
    if (isLast && reached === null) return found;
  }
}

function never(): never {
  throw new Error('what was appended is not there');
}
