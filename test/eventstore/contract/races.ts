import { expect, test } from 'vitest';
import { type AppendResult, NO_STREAM } from '../../../src/eventstore/port.ts';
import {
  appendAtEnd,
  bytesOf,
  isRising,
  type MakeStore,
  newEvent,
  newEvents,
  readWholeLog,
  readWholeStream,
  revisionsByStream,
  upTo,
  useStore,
} from './support.ts';

const kinds = (results: readonly AppendResult[]): string[] => results.map((result) => result.kind).sort();

export function describeRaces(makeStore: MakeStore): void {
  const given = useStore(makeStore);

  // "Must not exist" has its own test because it is where stores go wrong: a known library turns it into no check.
  test('of two creators of one stream exactly one wins, in every round', async () => {
    const { store, another } = given();
    const clients = [store, await another()];
    for (let round = 0; round < 150; round += 1) {
      const stream = `case-${round}`;
      const events = clients.map(() => newEvent());
      const results = await Promise.all(
        clients.map((client, index) => client.append(stream, NO_STREAM, events.slice(index, index + 1))),
      );
      expect(kinds(results)).toEqual(['appended', 'conflict']);
      expect(results).toContainEqual({ kind: 'conflict', revision: 0 });
      const winner = results.findIndex((result) => result.kind === 'appended');
      expect((await store.readStream(stream, 0, 10)).map(bytesOf)).toEqual([events[winner]]);
    }
  });

  test('of two writers of the same step one wins, and repeats change neither answer', async () => {
    const { store, another } = given();
    const clients = [store, await another()];
    await store.append('case-1', NO_STREAM, newEvents(1));
    for (let revision = 0; revision < 60; revision += 1) {
      const steps = clients.map((client) => ({ client, events: newEvents(1) }));
      const attempt = () =>
        Promise.all(steps.map(({ client, events }) => client.append('case-1', revision, events)));
      const first = await attempt();
      expect(kinds(first)).toEqual(['appended', 'conflict']);
      expect(await attempt()).toEqual(first);
    }
    expect((await readWholeStream(store, 'case-1')).length).toBe(61);
  });

  test('batches that race at one revision are written whole or not at all', async () => {
    const { store, another } = given();
    const clients = [store, await another()];
    for (let round = 0; round < 60; round += 1) {
      const stream = `case-${round}`;
      await store.append(stream, NO_STREAM, newEvents(1));
      const batches = [newEvents(2), newEvents(3)];
      const results = await Promise.all(
        batches.map((events, index) => (clients[index] ?? store).append(stream, 0, events)),
      );
      expect(kinds(results)).toEqual(['appended', 'conflict']);
      const winner = results.findIndex((result) => result.kind === 'appended');
      const stored = await store.readStream(stream, 1, 10);
      expect(stored.map(bytesOf)).toEqual(batches[winner]);
      expect(results[winner]).toEqual({
        kind: 'appended',
        revision: stored.length,
        positions: stored.map((event) => event.position),
      });
    }
  });

  test('32 writers on one stream lose nothing and use no revision twice', async () => {
    const { store, another } = given();
    const clients = [store, await another()];
    const appended = await Promise.all(
      upTo(32).map(async (writer) => {
        const own: string[] = [];
        for (let step = 0; step < 5; step += 1) {
          const event = newEvent(`"${writer}/${step}"`);
          await appendAtEnd(clients[writer % 2] ?? store, 'case-1', [event]);
          own.push(event.data);
        }
        return own;
      }),
    );
    const events = await readWholeStream(store, 'case-1', 100);
    expect(events.map((event) => event.revision)).toEqual(upTo(160));
    expect(isRising(events.map((event) => event.position))).toBe(true);
    for (const [writer, own] of appended.entries()) {
      expect(events.map((event) => event.data).filter((data) => data.startsWith(`"${writer}/`))).toEqual(own);
    }
  });

  test('an append repeated after a lost reply gets the first answer and writes nothing', async () => {
    const { store, another } = given();
    const events = newEvents(2);
    const first = await store.append('case-1', NO_STREAM, events);
    expect(await store.append('case-1', NO_STREAM, events)).toEqual(first);
    await store.append('case-1', 1, newEvents(3));
    await store.append('case-2', NO_STREAM, newEvents(1));
    expect(await (await another()).append('case-1', NO_STREAM, events)).toEqual(first);
    expect(revisionsByStream(await readWholeLog(store))).toEqual({ 'case-1': upTo(5), 'case-2': [0] });
  });

  test('the same append sent several times at once is written once', async () => {
    const { store, another } = given();
    const other = await another();
    for (let round = 0; round < 20; round += 1) {
      const events = newEvents(3);
      const results = await Promise.all(
        [store, other, store, other].map((client) => client.append(`case-${round}`, NO_STREAM, events)),
      );
      for (const result of results) expect(result).toEqual(results[0]);
      expect(results[0]).toMatchObject({ kind: 'appended', revision: 2 });
    }
    expect((await readWholeLog(store)).length).toBe(60);
  });

  test('ids that are there at other revisions, or only in part, are no repeat', async () => {
    const { store } = given();
    const [first, second, third] = [newEvent(), newEvent(), newEvent()];
    await store.append('case-1', NO_STREAM, [first, second]);
    const conflict = { kind: 'conflict', revision: 1 };
    expect(await store.append('case-1', NO_STREAM, [second, first])).toEqual(conflict);
    expect(await store.append('case-1', NO_STREAM, [first, third])).toEqual(conflict);
    expect(await store.append('case-1', NO_STREAM, [first, second, third])).toEqual(conflict);
    expect(await store.append('case-1', 0, [first])).toEqual(conflict);
    expect((await store.readAll(null, 10)).map(bytesOf)).toEqual([first, second]);
  });
}
