import { randomUUID } from 'node:crypto';
import { BACKWARDS, END, StreamDeletedError, WrongExpectedVersionError } from '@eventstore/db-client';
import { describe, expect, test } from 'vitest';
import { collect, event, eventsOf, failureOf, idsOf, useTarget, within, written } from './protocolSupport.ts';

const { client } = useTarget();

describe('a deleted stream', () => {
  test('is not found, and goes on at its next revision', async () => {
    const { stream } = await written(client(), 2);
    await within('delete', client().deleteStream(stream, { expectedRevision: 1n }));
    expect(await collect(client().readStream(stream))).toEqual([]);
    await within('append', client().appendToStream(stream, event()));
    const events = await collect(client().readStream(stream));
    expect(events.map((resolved) => resolved.event?.revision)).toEqual([2n]);
  });

  test('keeps its events in the log of all', async () => {
    const { stream, ids } = await written(client(), 1);
    const [only] = await collect(client().readStream(stream));
    await within('delete', client().deleteStream(stream));
    const fromPosition = only?.event?.position ?? END;
    const [kept, metadata] = eventsOf(stream, await collect(client().readAll({ fromPosition })));
    expect(kept?.event?.id).toBe(ids[0]);
    expect(metadata?.event).toMatchObject({ streamId: `$$${stream}`, type: '$metadata' });
  });

  test('refuses another revision than its own, and tells which it has', async () => {
    const { stream } = await written(client(), 2);
    const removed = client().deleteStream(stream, { expectedRevision: 0n });
    expect(await failureOf(removed)).toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
    const unknown = client().deleteStream(`unknown-${randomUUID()}`, { expectedRevision: 'any' });
    expect(await failureOf(unknown)).toBeInstanceOf(WrongExpectedVersionError);
  });

  test('is gone for good with a tombstone, which the log of all shows', async () => {
    const { stream } = await written(client(), 1);
    const { position } = await within('tombstone', client().tombstoneStream(stream));
    expect(await failureOf(collect(client().readStream(stream)))).toBeInstanceOf(StreamDeletedError);
    expect(await failureOf(client().appendToStream(stream, event()))).toBeInstanceOf(StreamDeletedError);
    expect(await failureOf(client().deleteStream(stream))).toBeInstanceOf(StreamDeletedError);
    const [tombstone] = await collect(client().readAll({ fromPosition: position ?? END, maxCount: 1 }));
    expect(tombstone?.event).toMatchObject({ streamId: stream, type: '$streamDeleted' });
  });
});

describe('metadata', () => {
  test.each([
    ['maxCount', { maxCount: 2 }, [2, 3]],
    ['truncateBefore', { truncateBefore: 3 }, [3]],
    ['truncateBefore past the end: no events, and yet a stream', { truncateBefore: 9 }, []],
  ] as const)('truncates by %s', async (_name, metadata, revisions) => {
    const { stream, ids } = await written(client(), 4);
    await within('metadata', client().setStreamMetadata(stream, metadata));
    const expected = revisions.map((revision) => ids[revision]);
    expect(idsOf(await collect(client().readStream(stream)))).toEqual(expected);
    const backwards = await collect(client().readStream(stream, { direction: BACKWARDS, fromRevision: END }));
    expect(idsOf(backwards)).toEqual(expected.toReversed());
    const read = await within('metadata', client().getStreamMetadata(stream));
    expect(read.metadata).toEqual(metadata);
    // Unlike a deleted stream: no StreamNotFoundError, which `collect` would hide.
    const first = client().readStream(stream)[Symbol.asyncIterator]().next();
    expect((await within('first', first)).done).toBe(revisions.length === 0);
  });
});
