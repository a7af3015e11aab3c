import { expect, it } from 'vitest';
import { copyLog, LogsDifferError } from '../../src/eventstore/copyLog.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import { type EventStore, NO_STREAM, type ReadEvent, type StoredEvent } from '../../src/eventstore/port.ts';

const event = (number: number): StoredEvent => ({
  id: `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`,
  type: 'Happened',
  data: `{"number":${number}}`,
  metadata: '{}',
});

/** A log of `count` events over 7 streams, in runs of one to three. */
async function filled(count: number): Promise<EventStore> {
  const store = createMemoryEventStore();
  const revisions = new Map<string, number>();
  for (let number = 0; number < count; ) {
    const stream = `case-${(number * 5) % 7}`;
    const run = Array.from({ length: Math.min(1 + (number % 3), count - number) }, () => event(number++));
    const expected = revisions.get(stream) ?? NO_STREAM;
    await store.append(stream, expected, run);
    revisions.set(stream, expected + run.length);
  }
  return store;
}

const contents = async (store: EventStore): Promise<Omit<ReadEvent, 'position'>[]> =>
  (await store.readAll(null, 100_000)).map(({ position: _, ...rest }) => rest);

/** The store, which fails after this many appends. */
function failingAfter(store: EventStore, appends: number): EventStore {
  let left = appends;
  return {
    ...store,
    append: (...args) => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('killed')) : store.append(...args);
    },
  };
}

it('copies every stream, revision, id, text and the global order', async () => {
  const [from, to] = [await filled(2_500), createMemoryEventStore()];
  const phases = new Set<string>();
  expect(await copyLog(from, to, ({ phase }) => phases.add(phase))).toStrictEqual({
    events: 2_500,
    copied: 2_500,
  });
  expect(await contents(to)).toStrictEqual(await contents(from));
  expect([...phases]).toStrictEqual(['copying', 'verifying']);
});

it('goes on where a killed copy stopped, and has nothing to do at the third time', async () => {
  const [from, to] = [await filled(300), createMemoryEventStore()];
  await expect(copyLog(from, failingAfter(to, 20), () => {})).rejects.toThrow('killed');
  const present = (await contents(to)).length;
  expect(present).toBeGreaterThan(0);
  expect(await copyLog(from, to, () => {})).toStrictEqual({ events: 300, copied: 300 - present });
  expect(await copyLog(from, to, () => {})).toStrictEqual({ events: 300, copied: 0 });
  expect(await contents(to)).toStrictEqual(await contents(from));
});

it('copies an empty log', async () => {
  expect(await copyLog(createMemoryEventStore(), createMemoryEventStore(), () => {})).toStrictEqual({
    events: 0,
    copied: 0,
  });
});

it('refuses a target that holds something else, and writes nothing', async () => {
  const [from, to] = [await filled(10), createMemoryEventStore()];
  await to.append('case-0', NO_STREAM, [event(77)]);
  const before = await contents(to);
  await expect(copyLog(from, to, () => {})).rejects.toThrow(LogsDifferError);
  expect(await contents(to)).toStrictEqual(before);
});

it('refuses a target that holds more than the source', async () => {
  const to = await filled(12);
  await expect(copyLog(await filled(10), to, () => {})).rejects.toThrow(/not in the source/);
});

it.each(['copying', 'verifying'])('notices that the source grew while it was %s', async (phase) => {
  const [from, to] = [await filled(50), createMemoryEventStore()];
  let grown = false;
  const copying = copyLog(from, to, (progress) => {
    if (progress.phase !== phase || grown) return;
    grown = true;
    void from.append('case-late', NO_STREAM, [event(999)]);
  });
  if (phase === 'verifying') await expect(copying).rejects.toThrow(/source holds more than the 50 events/);
  else expect(await copying).toStrictEqual({ events: 51, copied: 51 });
  expect(grown).toBe(true);
});

it('notices at the end that somebody else wrote into the target', async () => {
  const [from, to] = [await filled(50), createMemoryEventStore()];
  let appends = 0;
  const disturbed: EventStore = {
    ...to,
    append: async (...args) => {
      appends += 1;
      if (appends === 5) await to.append('case-foreign', NO_STREAM, [event(999)]);
      return to.append(...args);
    },
  };
  await expect(copyLog(from, disturbed, () => {})).rejects.toThrow(LogsDifferError);
});
