import { describe, expect, it } from 'vitest';
import type { Actor, DomainEvent, EventMetadata } from '../../src/domain/events.ts';
import { canonicalJson, sha256Hex } from '../../src/domain/hash.ts';
import { verifyChain } from '../../src/eventstore/chain.ts';
import { type AppendContext, createEventLog, EMPTY_HEAD, headOf } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { AT, later, opened, received, recommended, stateChanged, taskId, uuid } from '../support/builders.ts';

const actor: Actor = { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' };
const at = (now: string, changes: Partial<AppendContext> = {}): AppendContext => ({
  actor,
  correlationId: null,
  causationId: null,
  traceparent: null,
  now,
  ...changes,
});
const STREAM = 'case-C1001';

function createLog() {
  const store = createMemoryEventStore();
  let ids = 0;
  const log = createEventLog(store, () => uuid(++ids));
  const append = async (events: readonly DomainEvent[], context = at(AT), stream = STREAM) => {
    const head = headOf((await log.read(stream)).at(-1));
    const outcome = await log.append(stream, head, events, context);
    if (outcome.kind === 'conflict') throw new Error('a conflict without a rival');
    return outcome.events;
  };
  return { store, log, append, stored: () => store.readStream(STREAM, 0, 100) };
}

async function threeAppends() {
  const world = createLog();
  await world.append([opened({ attributes: { text: 'a\u0000\u{1F600}', big: 1e21, zero: -0 } })]);
  await world.append([received(1), recommended(1)], at(later(5)));
  await world.append([received(2)], at(later(9)));
  return world;
}

describe('a chain', () => {
  it('is intact as it was written', async () => {
    const events = await (await threeAppends()).stored();
    expect(events).toHaveLength(4);
    expect(verifyChain(events)).toStrictEqual([]);
  });
  it('is SHA-256 over canonical JSON, each event linked to the one before', async () => {
    const events = await (await threeAppends()).stored();
    let prevHash: string | null = null;
    for (const { stream, revision, id, type, data, metadata: text } of events) {
      const { hash, ...metadata } = JSON.parse(text) as EventMetadata;
      expect(metadata.prevHash).toBe(prevHash);
      const hashed = { stream, revision, id, type, data: JSON.parse(data), metadata };
      expect(hash).toBe(sha256Hex(canonicalJson(hashed)));
      prevHash = hash;
    }
  });
  it('does not care for positions: a log may be copied', async () => {
    const events = await (await threeAppends()).stored();
    expect(verifyChain(events.map((event) => ({ ...event, position: event.position + 100n })))).toStrictEqual(
      [],
    );
  });
  it('of no events is intact', () => expect(verifyChain([])).toStrictEqual([]));
});

const edited = (
  event: ReadEvent,
  field: 'data' | 'metadata',
  change: (value: object) => object,
): ReadEvent => ({
  ...event,
  [field]: canonicalJson(change(JSON.parse(event[field]))),
});

describe('what somebody changed afterwards is found', () => {
  const change = (index: number, how: (event: ReadEvent) => ReadEvent) => (events: ReadEvent[]) =>
    events.map((event, at) => (at === index ? how(event) : event));
  const ofMetadata = (changes: object) =>
    change(1, (event) => edited(event, 'metadata', (metadata) => ({ ...metadata, ...changes })));

  it.each<[string, (events: ReadEvent[]) => ReadEvent[], number]>([
    ['data', change(1, (event) => edited(event, 'data', (data) => ({ ...data, channel: 'EMAIL' }))), 1],
    ['data that is no JSON any more', change(1, (event) => ({ ...event, data: '{' })), 1],
    ['data that cannot be hashed', change(1, (event) => ({ ...event, data: '"\\ud800"' })), 1],
    ['a type', change(1, (event) => ({ ...event, type: 'CaseNoteAdded' })), 1],
    ['an id', change(1, (event) => ({ ...event, id: uuid(99) })), 1],
    ['a revision', change(1, (event) => ({ ...event, revision: 5 })), 5],
    ['the stream of one event', change(1, (event) => ({ ...event, stream: 'case-C2' })), 1],
    ['the stream of all', (events) => events.map((event) => ({ ...event, stream: 'case-C2' })), 0],
    ['a time', ofMetadata({ recordedAt: later(6) }), 1],
    ['an actor', ofMetadata({ actor: { ...actor, id: 'somebody' } }), 1],
    ['a correlation', ofMetadata({ correlationId: taskId() }), 1],
    ['a causation', ofMetadata({ causationId: uuid(99) }), 1],
    ['a version', ofMetadata({ schemaVersion: 2 }), 1],
    ['a trace', ofMetadata({ traceparent: 'x' }), 1],
    ['a link', ofMetadata({ prevHash: 'f'.repeat(64) }), 1],
    ['a hash', ofMetadata({ hash: 'f'.repeat(64) }), 1],
    ['metadata that is no JSON any more', change(1, (event) => ({ ...event, metadata: '' })), 1],
    ['metadata that is null', change(1, (event) => ({ ...event, metadata: 'null' })), 1],
    ['the order', ([a, b, c, d]) => [a, c, b, d] as ReadEvent[], 2],
    ['an event left out', (events) => events.filter((_, at) => at !== 1), 2],
    ['the first event left out', (events) => events.slice(1), 1],
    ['an event twice', ([a, b, ...rest]) => [a, b, b, ...rest] as ReadEvent[], 1],
  ])('%s', async (_, tamper, revision) => {
    const broken = verifyChain(tamper(await (await threeAppends()).stored()));
    expect(broken[0]?.revision).toBe(revision);
  });

  it('also when its own hash was computed again: the next event does not link to it', async () => {
    const events = await (await threeAppends()).stored();
    const forged = events.map((event, index) => {
      if (index !== 1) return event;
      const { hash: _, ...metadata } = JSON.parse(event.metadata) as EventMetadata;
      const data = { ...JSON.parse(event.data), channel: 'EMAIL' };
      const { stream, revision, id, type } = event;
      const hash = sha256Hex(canonicalJson({ stream, revision, id, type, data, metadata }));
      return { ...event, data: canonicalJson(data), metadata: canonicalJson({ ...metadata, hash }) };
    });
    expect(verifyChain(forged)).toStrictEqual([
      { revision: 2, kind: 'LINK', problem: 'does not link to the event before it' },
    ]);
  });
});

describe('the log', () => {
  it('never lets time go back in a stream, and forward again when the clock has caught up', async () => {
    const { append } = createLog();
    const times = [later(1_000), AT, later(999), later(1_001)];
    const recorded = [];
    for (const [n, now] of times.entries())
      recorded.push(...(await append([n === 0 ? opened() : received(n)], at(now))));
    expect(recorded.map((event) => event.metadata.recordedAt)).toStrictEqual([
      later(1_000),
      later(1_000),
      later(1_000),
      later(1_001),
    ]);
  });
  it('gives each event of an append the one before as its cause', async () => {
    const { append } = createLog();
    await append([opened()]);
    const context = at(AT, { correlationId: taskId(), causationId: uuid(77), traceparent: 'trace' });
    const events = await append([received(1), recommended(1), stateChanged('CLOSED')], context);
    expect(events.map((event) => event.metadata.causationId)).toStrictEqual([
      uuid(77),
      events[0]?.id,
      events[1]?.id,
    ]);
    expect(events.every((event) => event.metadata.correlationId === taskId())).toBe(true);
    expect(events.every((event) => event.metadata.traceparent === 'trace')).toBe(true);
  });
  it('answers with what a reader will read', async () => {
    const { append, log } = createLog();
    const appended = [...(await append([opened()])), ...(await append([received(1), recommended(1)]))];
    expect(await log.read(STREAM)).toStrictEqual(appended);
    expect(await log.read(STREAM, 2)).toStrictEqual(appended.slice(2));
  });
  it('writes nothing where the stream has moved', async () => {
    const { append, log, store } = createLog();
    await append([opened()]);
    const outcome = await log.append(STREAM, EMPTY_HEAD, [opened()], at(AT));
    expect(outcome).toStrictEqual({ kind: 'conflict' });
    expect(await store.readStream(STREAM, 0, 10)).toHaveLength(1);
  });
  it('links to what is there after a conflict', async () => {
    const { append, log, stored } = createLog();
    const stale = headOf((await append([opened()])).at(-1));
    await append([received(1)]);
    expect((await log.append(STREAM, stale, [received(2)], at(AT))).kind).toBe('conflict');
    await append([received(2)]);
    expect(verifyChain(await stored())).toStrictEqual([]);
  });
  it('reads streams of more than one page', async () => {
    const { append, log, store } = createLog();
    const notes = Array.from({ length: 2_000 }, (_, n) => stateChanged(n % 2 ? 'OPEN' : 'SUSPENDED'));
    await append([opened(), ...notes]);
    const events = await log.read(STREAM);
    expect(events.map((event) => event.revision)).toStrictEqual(Array.from({ length: 2_001 }, (_, n) => n));
    expect(verifyChain(await store.readStream(STREAM, 0, 3_000))).toStrictEqual([]);
  });
});
