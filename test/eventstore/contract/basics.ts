import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_STREAM } from '../../../src/eventstore/port.ts';
import {
  bytesOf,
  isRising,
  type MakeStore,
  newEvent,
  newEvents,
  readWholeLog,
  readWholeStream,
  type Traits,
  useStore,
} from './support.ts';

const AWKWARD = [
  '',
  '{}',
  'NULL',
  '{"a":"\\u0000"}',
  JSON.stringify({ lone: '\ud800', pair: '😀', nul: '\0' }),
  '{"quotes":"\\"\\\\\\"","braces":"{,}","slash":"\\\\"}',
  ' leading, trailing and\r\n\tinner space ',
  'e\u0301 is not \u00e9, \ufffd is itself, \u2028 \u202e \ufeff',
  '{"b":1,"a":1.0,"a":2}',
  'x'.repeat(1_000_000),
];

export function describeBasics(makeStore: MakeStore, { uniqueIds }: Traits): void {
  const given = useStore(makeStore);

  test('an empty log has no events, no streams and no last position', async () => {
    const { store } = given();
    await store.ping();
    expect(await store.readStream('case-1', 0, 10)).toEqual([]);
    expect(await store.readAll(null, 10)).toEqual([]);
    expect(await store.lastPosition()).toBeNull();
  });

  test('what was appended is read from its stream and from the global order, also by another client', async () => {
    const { store, another } = given();
    const events = newEvents(3);
    const first = await store.append('case-1', NO_STREAM, events.slice(0, 2));
    const second = await store.append('case-1', 1, events.slice(2));
    if (first.kind !== 'appended' || second.kind !== 'appended') throw new Error('a conflict out of nowhere');
    expect([first.revision, second.revision]).toEqual([1, 2]);
    const positions = [...first.positions, ...second.positions];
    expect(positions.length).toBe(3);
    expect(isRising(positions)).toBe(true);
    const expected = events.map((event, revision) => ({
      ...event,
      stream: 'case-1',
      revision,
      position: positions[revision],
    }));
    for (const client of [store, await another()]) {
      expect(await client.readStream('case-1', 0, 10)).toEqual(expected);
      expect(await client.readAll(null, 10)).toEqual(expected);
      expect(await client.lastPosition()).toBe(positions[2]);
    }
  });

  test('texts come back byte for byte', async () => {
    const { store } = given();
    const events = AWKWARD.map((text) => ({ ...newEvent(text, text.slice(0, 20)), metadata: text }));
    await store.append('case-ü "quoted" {1}', NO_STREAM, events);
    expect((await store.readStream('case-ü "quoted" {1}', 0, 100)).map(bytesOf)).toEqual(events);
    expect((await store.readAll(null, 100)).map(bytesOf)).toEqual(events);
  });

  test('whatever JSON.stringify writes comes back byte for byte', async () => {
    const { store } = given();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 20 }),
        async (texts) => {
          count += 1;
          const events = texts.map((text) => newEvent(JSON.stringify({ text }), JSON.stringify(text)));
          await store.append(`case-${count}`, NO_STREAM, events);
          expect((await store.readStream(`case-${count}`, 0, 20)).map(bytesOf)).toEqual(events);
        },
      ),
      { numRuns: 50, seed: 20 },
    );
    await store.append('case-lone', NO_STREAM, [newEvent(JSON.stringify('\udc00\ud800'))]);
    expect((await store.readStream('case-lone', 0, 1))[0]?.data).toBe('"\\udc00\\ud800"');
  });

  test('pages end to end are the whole, in order', async () => {
    const { store } = given();
    for (let revision = NO_STREAM; revision < 20; revision += 3) {
      await store.append('case-1', revision, newEvents(3));
      await store.append('case-2', revision, newEvents(3));
    }
    const whole = await store.readAll(null, 1000);
    expect(whole.length).toBe(42);
    for (const limit of [1, 2, 5, 41, 42, 43]) {
      expect(await readWholeLog(store, null, limit)).toEqual(whole);
      expect(await readWholeStream(store, 'case-2', limit)).toEqual(
        whole.filter((event) => event.stream === 'case-2'),
      );
    }
    const from = whole[17]?.position ?? 0n;
    expect(await store.readAll(from, 1000)).toEqual(whole.slice(18));
    expect(await store.readStream('case-1', 19, 1)).toEqual(
      whole.filter((event) => event.stream === 'case-1' && event.revision === 19),
    );
    expect(await store.readStream('case-1', 21, 10)).toEqual([]);
    expect(await store.readAll(await store.lastPosition(), 10)).toEqual([]);
  });

  test('an expected revision that is not the present one is a conflict and writes nothing', async () => {
    const { store } = given();
    const conflict = (revision: number) => ({ kind: 'conflict', revision });
    for (const tooHigh of [0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(await store.append('case-1', tooHigh, newEvents(2))).toEqual(conflict(NO_STREAM));
    }
    await store.append('case-1', NO_STREAM, newEvents(3));
    for (const wrong of [NO_STREAM, 0, 1, 3, 7]) {
      expect(await store.append('case-1', wrong, newEvents(2))).toEqual(conflict(2));
    }
    expect((await store.readAll(null, 100)).length).toBe(3);
  });

  test('bad arguments are refused by name, and nothing is written', async () => {
    const { store } = given();
    const event = newEvent();
    await expect(store.append('case-1', NO_STREAM, [])).rejects.toThrow(/^events is empty/);
    await expect(store.append('', NO_STREAM, [event])).rejects.toThrow(/^stream is empty/);
    for (const revision of [-2, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await expect(store.append('case-1', revision, [event])).rejects.toThrow(/^expectedRevision is/);
    }
    const refused: [Partial<typeof event>, RegExp][] = [
      [{ id: '019B0000-0000-7000-8000-00000000000A' }, /^events\[1\]\.id/],
      [{ id: 'event-1' }, /^events\[1\]\.id/],
      [{ data: '"\0"' }, /^events\[1\]\.data contains NUL/],
      [{ metadata: '"\ud800"' }, /^events\[1\]\.metadata contains a lone surrogate/],
      [{ type: 'A\0' }, /^events\[1\]\.type/],
    ];
    for (const [part, message] of refused) {
      const appended = store.append('case-1', NO_STREAM, [newEvent(), { ...event, ...part }]);
      await expect(appended).rejects.toThrow(RangeError);
      await expect(appended).rejects.toThrow(message);
    }
    await expect(store.readAll(null, 0)).rejects.toThrow(/^limit is 0/);
    await expect(store.readStream('case-1', -1, 1)).rejects.toThrow(/^fromRevision is -1/);
    expect(await store.readAll(null, 10)).toEqual([]);
  });

  test('an event id stands once in an append', async () => {
    const { store } = given();
    const event = newEvent();
    const twice = store.append('case-1', NO_STREAM, [event, newEvent(), event]);
    await expect(twice).rejects.toMatchObject({ code: 'DUPLICATE_EVENT_ID' });
    expect(await store.readAll(null, 10)).toEqual([]);
  });

  test.runIf(uniqueIds)('an event id is in the log once, in whatever stream', async () => {
    const { store } = given();
    const event = newEvent();
    await store.append('case-1', NO_STREAM, [event]);
    const duplicate = { code: 'DUPLICATE_EVENT_ID' };
    await expect(store.append('case-2', NO_STREAM, [newEvent(), event])).rejects.toMatchObject(duplicate);
    await expect(store.append('case-1', 0, [event])).rejects.toMatchObject(duplicate);
    expect((await store.readAll(null, 10)).map(bytesOf)).toEqual([event]);
    await store.append('case-2', NO_STREAM, newEvents(1));
    expect((await readWholeLog(store, null, 1)).map((stored) => stored.stream)).toEqual(['case-1', 'case-2']);
  });
}
