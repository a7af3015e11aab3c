import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { DomainEvent, EventMetadata, Recorded } from '../../src/domain/events.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { link } from '../../src/eventstore/chain.ts';
import {
  codec,
  createCodec,
  decodeMetadata,
  MalformedEventError,
  UnknownEventError,
} from '../../src/eventstore/codec.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { storedSchemas } from '../../src/eventstore/schemas.ts';
import { upcasters } from '../../src/eventstore/upcasters.ts';
import { AT, opened, received, stateChanged, uuid } from '../support/builders.ts';

type Golden = {
  readonly stored: Omit<ReadEvent, 'position'> & { readonly position: string };
  readonly decoded: { readonly data: unknown; readonly metadata: EventMetadata };
};
const FOLDER = new URL('./golden/', import.meta.url);
const goldenFiles = readdirSync(FOLDER).sort();
const golden = (file: string): Golden & { readonly event: ReadEvent } => {
  const read: Golden = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
  return { ...read, event: { ...read.stored, position: BigInt(read.stored.position) } };
};
const newestOf = (type: string): number => (upcasters[type]?.length ?? 0) + 1;
/** Whose data is good in the next version as it is: that one only lets more be said. */
const WIDENED = ['ActionStarted.v2.json'];
const isNewest = (file: string): boolean => {
  const { type } = golden(file).event;
  return file === `${type}.v${newestOf(type)}.json`;
};

describe('golden files', () => {
  it('there is one for every event type and version that was ever stored', () => {
    const expected = Object.keys(storedSchemas).flatMap((type) =>
      Array.from({ length: newestOf(type) }, (_, index) => `${type}.v${index + 1}.json`),
    );
    expect(goldenFiles).toStrictEqual(expected.sort());
  });
  it('no upcaster is for a type that is not stored', () => {
    expect(Object.keys(upcasters).filter((type) => !Object.hasOwn(storedSchemas, type))).toStrictEqual([]);
  });

  describe.each(goldenFiles)('%s', (file) => {
    const { stored, decoded, event } = golden(file);
    const recorded: Record<string, unknown> = JSON.parse(stored.data);

    it('is of the type and version that its name says', () => {
      expect(file).toBe(`${event.type}.v${decoded.metadata.schemaVersion}.json`);
    });
    it('decodes to the domain event', () => {
      const { id, stream, revision, position, type } = event;
      expect(codec.decode(event)).toStrictEqual({ id, stream, revision, position, type, ...decoded });
    });
    it('keeps its metadata and its hash, which is over the data as it was recorded', () => {
      const { hash, ...metadata } = decoded.metadata;
      const linked = link(event.stream, event.revision, event, metadata);
      expect(linked.hash).toBe(hash);
      expect(linked.stored.metadata).toBe(stored.metadata);
      expect(canonicalJson(codec.decode(event).metadata)).toBe(stored.metadata);
      expect(canonicalJson(recorded)).toBe(stored.data);
    });
    it.each(Object.keys(recorded))('cannot be read without %s', (field) => {
      const { [field]: _, ...rest } = recorded;
      expect(() => codec.decode({ ...event, data: JSON.stringify(rest) })).toThrow(MalformedEventError);
    });
    it('cannot be read with a field more', () => {
      const data = JSON.stringify({ ...recorded, surprise: 1 });
      expect(() => codec.decode({ ...event, data })).toThrow(MalformedEventError);
    });
    it.each(['[]', 'null', '"x"', '7'])('cannot be read as %s', (data) => {
      expect(() => codec.decode({ ...event, data })).toThrow(MalformedEventError);
    });
    it('stops the reader when it is of a later version', () => {
      const later = canonicalJson({ ...decoded.metadata, schemaVersion: newestOf(event.type) + 1 });
      expect(() => codec.decode({ ...event, metadata: later })).toThrow(UnknownEventError);
    });
  });

  it.each(goldenFiles.filter(isNewest))('%s is what its event encodes to, byte for byte', (file) => {
    const { stored, event } = golden(file);
    const { data } = codec.decode(event);
    const again = codec.encode({ type: event.type, data } as DomainEvent);
    expect(again).toStrictEqual({ data: stored.data, schemaVersion: newestOf(event.type) });
  });
  describe.each(goldenFiles.filter((file) => !isNewest(file)))('%s, of an older version,', (file) => {
    const { stored, event } = golden(file);
    const newest = newestOf(event.type);

    it('encodes to the newest one, which decodes to the same event', () => {
      const { data, metadata } = codec.decode(event);
      const again = codec.encode({ type: event.type, data } as DomainEvent);
      expect(again.schemaVersion).toBe(newest);
      expect(again.data === stored.data).toBe(WIDENED.includes(file));
      const rewritten = canonicalJson({ ...metadata, schemaVersion: newest });
      expect(codec.decode({ ...event, data: again.data, metadata: rewritten }).data).toStrictEqual(data);
    });
    it('is not read as if it were of the newest one, unless nothing of it has changed', () => {
      const claimed = canonicalJson({ ...decodeMetadata(event), schemaVersion: newest });
      const read = () => codec.decode({ ...event, metadata: claimed }).data;
      if (WIDENED.includes(file)) expect(read()).toStrictEqual(codec.decode(event).data);
      else expect(read).toThrow(MalformedEventError);
    });
  });
});

const metadata = (changes: Partial<EventMetadata> = {}): string =>
  canonicalJson({
    actor: { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' },
    correlationId: null,
    causationId: null,
    recordedAt: AT,
    schemaVersion: 1,
    traceparent: null,
    prevHash: null,
    hash: 'f'.repeat(64),
    ...changes,
  });
const stored = (type: string, data: unknown, changes: Partial<EventMetadata> = {}): ReadEvent => ({
  id: uuid(1),
  stream: 'case-C1001',
  revision: 0,
  position: 1n,
  type,
  data: typeof data === 'string' ? data : JSON.stringify(data),
  metadata: metadata(changes),
});

describe('versions', () => {
  const renamed = createCodec({
    Renamed: {
      version: 3,
      schema: z.strictObject({ name: z.string(), unit: z.enum(['EUR', 'USD']) }),
      upcasters: [
        (data) => ({ name: (data as { title: string }).title }),
        (data) => ({ ...(data as object), unit: 'EUR' }),
      ],
    },
  });
  const dataOf = (event: Recorded): unknown => event.data;

  it.each([
    [1, { title: 'x' }],
    [2, { name: 'x' }],
    [3, { name: 'x', unit: 'EUR' }],
  ])('version %i becomes the newest', (schemaVersion, data) => {
    const event = renamed.decode(stored('Renamed', data, { schemaVersion }));
    expect(dataOf(event)).toStrictEqual({ name: 'x', unit: 'EUR' });
    expect(event.metadata.schemaVersion).toBe(schemaVersion);
  });
  it('a version is not read as another', () => {
    expect(() => renamed.decode(stored('Renamed', { name: 'x', unit: 'EUR' }, { schemaVersion: 1 }))).toThrow(
      MalformedEventError,
    );
  });
  it('writes the newest', () => {
    const event = { type: 'Renamed', data: { unit: 'USD', name: 'x' } } as unknown as DomainEvent;
    expect(renamed.encode(event)).toStrictEqual({ data: '{"name":"x","unit":"USD"}', schemaVersion: 3 });
  });
  it('a newer version stops the reader', () => {
    const newer = stored('Renamed', { name: 'x', unit: 'EUR' }, { schemaVersion: 4 });
    expect(() => renamed.decode(newer)).toThrow(UnknownEventError);
    expect(() => renamed.decode(newer)).toThrow(/version 4/);
  });
  it('a newer version stops the reader also where its data would not parse', () => {
    expect(() => renamed.decode(stored('Renamed', '[[[', { schemaVersion: 4 }))).toThrow(UnknownEventError);
  });
  it.each(['ReviewForgotten', 'toString', '__proto__', 'constructor', ''])(
    'an unknown type %j, too',
    (type) => {
      expect(() => codec.decode(stored(type, {}))).toThrow(UnknownEventError);
      expect(() => codec.encode({ type, data: {} } as unknown as DomainEvent)).toThrow(UnknownEventError);
    },
  );
  it.each([0, -1, 1.5])('a version %d is malformed', (schemaVersion) => {
    expect(() => renamed.decode(stored('Renamed', { title: 'x' }, { schemaVersion }))).toThrow(
      MalformedEventError,
    );
  });
});

describe('what does not keep its schema', () => {
  it.each([
    ['is not JSON', '{"taskId":'],
    ['is another type', '[]'],
    ['is null', 'null'],
    ['has a wrong type inside', JSON.stringify({ ...received().data, channel: 7 })],
  ])('data that %s', (_, data) => {
    expect(() => codec.decode(stored('TaskReceived', data))).toThrow(MalformedEventError);
  });
  it.each([
    ['is not JSON', 'x'],
    ['has no hash', canonicalJson({ ...JSON.parse(metadata()), hash: undefined })],
    ['has a field more', canonicalJson({ ...JSON.parse(metadata()), position: 1 })],
    ['has a time with an offset', metadata({ recordedAt: '2026-01-01T00:00:00+01:00' })],
  ])('metadata that %s', (_, text) => {
    const event = { ...stored('TaskReceived', received().data), metadata: text };
    expect(() => codec.decode(event)).toThrow(MalformedEventError);
    expect(() => decodeMetadata(event)).toThrow(MalformedEventError);
  });
  it('is never written', () => {
    const wrong = { type: 'CaseOpened', data: { ...opened().data, retryCount: -1 } } as DomainEvent;
    expect(() => codec.encode(wrong)).toThrow(MalformedEventError);
    const surrogate = stateChanged('CLOSED', { reason: 'a\ud800' });
    expect(() => codec.encode(surrogate)).toThrow(MalformedEventError);
  });
  it('is named by its fields, never by its values', () => {
    const event = stored('TaskReceived', { ...received().data, channel: { secret: 'CANARY' } });
    expect(() => codec.decode(event)).toThrow(/TaskReceived .*channel/);
    expect(() => codec.decode(event)).not.toThrow(/CANARY/);
    expect(() => codec.decode({ ...event, data: '{"CANARY' })).not.toThrow(/CANARY/);
  });
});

describe('texts', () => {
  it('come back as they were: NUL, astral characters, numbers of every size', () => {
    const attributes = {
      nul: 'a\u0000b',
      astral: '\u{1F600}',
      big: 1e21,
      small: 5e-324,
      minus: -1.5,
      on: true,
    };
    const { data, schemaVersion } = codec.encode(opened({ attributes }));
    expect(data).not.toContain('\u0000');
    expect(data).toContain('\\u0000');
    expect(data).toContain('1e+21');
    const decoded = codec.decode(stored('CaseOpened', data, { schemaVersion }));
    expect(decoded.data).toStrictEqual(opened({ attributes }).data);
  });
  it('negative zero is stored as zero', () => {
    expect(codec.encode(opened({ attributes: { zero: -0 } })).data).toContain('"zero":0');
  });
  it('no attribute name is lost', () => {
    const attributes = JSON.parse('{"constructor":"b","toString":"c"}');
    const { data } = codec.encode(opened({ attributes }));
    expect(JSON.parse(data).attributes).toStrictEqual(attributes);
  });
});
