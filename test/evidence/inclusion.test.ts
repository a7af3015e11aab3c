import { beforeAll, describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { createEventLog, EMPTY_HEAD } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import { proveInclusion } from '../../src/evidence/inclusion.ts';
import { eventsOf, history } from '../replay/history.ts';
import { AT, uuid } from '../support/builders.ts';
import { sealAll } from './support.ts';

let log: readonly ReadEvent[];
beforeAll(async () => {
  log = await history();
});

/** The log in a store of its own. */
async function copied(events: readonly ReadEvent[] = log): Promise<EventStore> {
  const store = createMemoryEventStore();
  for (const { stream, revision, id, type, data, metadata } of events)
    await store.append(stream, revision - 1, [{ id, type, data, metadata }]);
  return store;
}

describe('events are proved', () => {
  it.each([1, 2, 3, 5, 8, 16, 31, 1_000])(
    'in seals over %i events each, whichever case it is',
    async (most) => {
      const store = await copied();
      await sealAll(store, most);
      for (const caseId of ['executed', 'retried', 'unknown', 'C1001']) {
        const events = eventsOf(await store.readAll(null, 1_000), caseId);
        const seals = await proveInclusion(store, events);
        const proofs = seals?.flatMap(({ proofs: each }) => each) ?? [];
        expect(proofs.map(({ revision }) => revision)).toStrictEqual(events.map(({ revision }) => revision));
        for (const { statement, proofs: each } of seals ?? [])
          for (const { index } of each) expect(index).toBeLessThan(statement.count);
      }
    },
  );

  it('in a seal that is found without reading all of them', async () => {
    const store = await copied();
    const seals = await sealAll(store, 1);
    let reads = 0;
    const counting = {
      ...store,
      readStream: async (...asked: Parameters<EventStore['readStream']>) => {
        reads += 1;
        return store.readStream(...asked);
      },
    };
    const [last] = eventsOf(log, 'C1001').slice(-1);
    await proveInclusion(counting, last ? [last] : []);
    expect(seals.length).toBeGreaterThan(60);
    expect(reads).toBeLessThan(6 * Math.log2(seals.length));
  });
});

describe('a case of many events', () => {
  it('is proved with one tree for each seal, not one for each event', async () => {
    const store = createMemoryEventStore();
    let id = 0;
    const note: CaseEvent = { type: 'CaseNoteAdded', data: { text: { sealed: 'v1.AAAA' }, command: null } };
    const notes = Array.from({ length: 4_096 }, () => note);
    await createEventLog(store, () => uuid(++id)).append('case-many', EMPTY_HEAD, notes, {
      actor: { kind: 'system', id: 'test', roles: [], authMethod: 'internal' },
      correlationId: null,
      causationId: null,
      traceparent: null,
      now: AT,
    });
    await sealAll(store, 4_096);
    const events = await store.readStream('case-many', 0, 5_000);
    const begun = performance.now();
    const seals = await proveInclusion(store, events);
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(seals?.map(({ proofs }) => proofs.length)).toStrictEqual([4_096]);
  });
});

describe('events are not proved', () => {
  it('while nothing is sealed, or not all of them', async () => {
    const store = await copied();
    const events = eventsOf(log, 'C1001');
    expect(await proveInclusion(store, events)).toBeNull();
    const half = await copied(log.slice(0, Math.floor(log.length / 2)));
    await sealAll(half, 16);
    for (const { stream, revision, id, type, data, metadata } of log.slice(Math.floor(log.length / 2)))
      await half.append(stream, revision - 1, [{ id, type, data, metadata }]);
    expect(await proveInclusion(half, eventsOf(log, 'executed'))).not.toBeNull();
    expect(await proveInclusion(half, events)).toBeNull();
  });

  it('of a log that is not what was sealed', async () => {
    const store = await copied();
    await sealAll(store, 16);
    const others = await store.readAll(null, 1_000);
    const [first, second] = eventsOf(log, 'executed');
    const swapped = {
      ...store,
      readAll: async () => others.with(first ? Number(first.position) : 0, others[0] as ReadEvent),
    };
    await expect(proveInclusion(swapped, second ? [second] : [])).rejects.toMatchObject({
      reason: 'LOG_NOT_AS_SEALED',
    });
    const cut = { ...store, readAll: async () => [] };
    await expect(proveInclusion(cut, second ? [second] : [])).rejects.toMatchObject({
      reason: 'LOG_NOT_AS_SEALED',
    });
  });
});
