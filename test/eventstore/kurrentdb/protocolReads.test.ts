import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  binaryEvent,
  END,
  FORWARDS,
  type ReadAllOptions,
  StreamNotFoundError,
} from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import {
  collect,
  connect,
  event,
  eventsOf,
  failureOf,
  idsOf,
  isRealServer,
  useTarget,
  within,
  written,
} from './protocolSupport.ts';

const { target, client } = useTarget();

describe('an event', () => {
  test('comes back as it was appended, with its place', async () => {
    const { stream, ids } = await written(client(), 2);
    const events = await collect(client().readStream(stream));
    expect(events.map((resolved) => resolved.event)).toMatchObject(
      ids.map((id, revision) => ({
        streamId: stream,
        id,
        revision: BigInt(revision),
        type: 'tested',
        data: { text: 'data' },
        metadata: { text: 'metadata' },
        isJson: true,
      })),
    );
    const [first, second] = events.map((resolved) => resolved.event?.position);
    expect(first?.commit).toBe(first?.prepare);
    expect(second?.commit).toBeGreaterThan(first?.commit ?? 0n);
    const age = Date.now() - (events[0]?.event?.created.getTime() ?? 0);
    expect(Math.abs(age)).toBeLessThan(60_000);
  });

  test('may be bytes', async () => {
    const stream = `reads-${randomUUID()}`;
    const data = Uint8Array.from([0, 255, 128]);
    await within('append', client().appendToStream(stream, binaryEvent({ type: 'bytes', data })));
    const [resolved] = await collect(client().readStream(stream));
    expect(resolved?.event).toMatchObject({ isJson: false, data, metadata: undefined });
  });
});

describe('a read of one stream', () => {
  test.each([
    ['from the start', { maxCount: 2 }, [0, 1]],
    ['from a revision on, that one too', { fromRevision: 1n, maxCount: 2 }, [1, 2]],
    ['from past the end', { fromRevision: 9n }, []],
    ['from the end', { fromRevision: END }, []],
    ['backwards from the end', { direction: BACKWARDS, fromRevision: END, maxCount: 2 }, [3, 2]],
    ['backwards from a revision, that one too', { direction: BACKWARDS, fromRevision: 1n }, [1, 0]],
    ['backwards from past the end', { direction: BACKWARDS, fromRevision: 9n, maxCount: 2 }, [3, 2]],
  ] as const)('%s', async (_name, options, revisions) => {
    const { stream, ids } = await written(client(), 4);
    const events = await collect(client().readStream(stream, options));
    expect(idsOf(events)).toEqual(revisions.map((revision) => ids[revision]));
  });

  test('tells an unknown stream', async () => {
    const read = client().readStream(`unknown-${randomUUID()}`)[Symbol.asyncIterator]().next();
    expect(await failureOf(read)).toBeInstanceOf(StreamNotFoundError);
  });
});

describe('a read of all streams', () => {
  test('has the system events of a new server first', async () => {
    const events = await collect(client().readAll({ maxCount: 5 }));
    expect(events).toHaveLength(5);
    expect(events.every((resolved) => resolved.event?.type.startsWith('$'))).toBe(true);
    expect(events.map((resolved) => resolved.event?.streamId)).not.toContain('$epoch-information');
  });

  test('goes forwards from a position on, that one too, and backwards before it', async () => {
    const { stream, ids } = await written(client(), 3);
    const [, second] = await collect(client().readStream(stream));
    const fromPosition = second?.event?.position ?? END;
    const read = async (options: ReadAllOptions) =>
      idsOf(eventsOf(stream, await collect(client().readAll(options))));
    expect(await read({ direction: FORWARDS, fromPosition })).toEqual(ids.slice(1));
    expect(await read({ direction: BACKWARDS, fromPosition, maxCount: 100 })).toEqual([ids[0]]);
    const fromEnd = await read({ direction: BACKWARDS, fromPosition: END, maxCount: 1000 });
    expect(fromEnd).toEqual(ids.toReversed());
  });

  test('refuses a position at which no event starts', async () => {
    const { stream } = await written(client(), 1);
    const [only] = await collect(client().readStream(stream));
    const inside = (only?.event?.position?.commit ?? 0n) + 1n;
    const read = collect(client().readAll({ fromPosition: { commit: inside, prepare: inside } }));
    expect(await failureOf(read)).toMatchObject({ code: 3 });
  });
});

test.skipIf(isRealServer)(
  'gossip leads a client to the server (a real one may advertise another address)',
  async () => {
    const discovering = connect(target().double?.discoverConnectionString ?? '');
    const { success } = await within('append', discovering.appendToStream(`gossip-${randomUUID()}`, event()));
    expect(success).toBe(true);
    expect(target().double?.counts.gossip).toBe(1);
  },
);

test('an append may come in several parts', async () => {
  const stream = `parts-${randomUUID()}`;
  const ids = Array.from({ length: 20 }, () => randomUUID());
  const events = ids.map((id) => event(id));
  const options = { expectedRevision: 'no_stream', batchAppendSize: 300 } as const;
  await within('append', client().appendToStream(stream, events, options));
  expect(idsOf(await collect(client().readStream(stream)))).toEqual(ids);
});
