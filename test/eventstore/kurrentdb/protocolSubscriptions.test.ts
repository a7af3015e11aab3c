import { randomUUID } from 'node:crypto';
import {
  type AllStreamSubscription,
  END,
  eventTypeFilter,
  type Position,
  START,
  StreamDeletedError,
  type StreamSubscription,
  streamNameFilter,
} from '@eventstore/db-client';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { collect, event, isRealServer, useTarget, within } from './protocolSupport.ts';

const { target, client } = useTarget();
const subscriptions: (AllStreamSubscription | StreamSubscription)[] = [];

afterEach(async () => {
  for (const subscription of subscriptions.splice(0)) {
    await within('unsubscribe', subscription.unsubscribe()).catch(() => undefined);
  }
});

async function append(stream: string, count: number, type = 'tested'): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await within(
    'append',
    client().appendToStream(
      stream,
      ids.map((id) => event(id, type)),
    ),
  );
  return ids;
}

/** Writes down what a subscription says, in the order in which it does. */
function watch(subscription: AllStreamSubscription | StreamSubscription): {
  heard: string[];
  errors: unknown[];
} {
  const heard: string[] = [];
  const errors: unknown[] = [];
  subscriptions.push(subscription);
  subscription.on('confirmation', () => heard.push('confirmation'));
  subscription.on('caughtUp', () => heard.push('caughtUp'));
  subscription.on('data', ({ event: recorded }) => heard.push(recorded?.id ?? '?'));
  subscription.on('end', () => heard.push('end'));
  subscription.on('error', (error) => errors.push(error));
  return { heard, errors };
}

const has = (heard: readonly string[], count: number) => () => heard.length >= count;

describe('a subscription to one stream', () => {
  test('is confirmed, catches up, says so, and goes on live', async () => {
    const stream = `subscription-${randomUUID()}`;
    const before = await append(stream, 2);
    const { heard } = watch(client().subscribeToStream(stream, { fromRevision: START }));
    await until('caught up', has(heard, 4));
    const after = await append(stream, 2);
    await until('live', has(heard, 6));
    expect(heard).toEqual(['confirmation', ...before, 'caughtUp', ...after]);
  });

  test('begins after the revision given, and only with what comes from the end', async () => {
    const stream = `subscription-${randomUUID()}`;
    const before = await append(stream, 3);
    const fromMiddle = watch(client().subscribeToStream(stream, { fromRevision: 1n }));
    const fromEnd = watch(client().subscribeToStream(stream, { fromRevision: END }));
    await until('both caught up', () => fromMiddle.heard.length >= 3 && fromEnd.heard.length >= 2);
    const after = await append(stream, 1);
    await until('both live', () => fromMiddle.heard.length >= 4 && fromEnd.heard.length >= 3);
    expect(fromMiddle.heard).toEqual(['confirmation', before[2], 'caughtUp', ...after]);
    expect(fromEnd.heard).toEqual(['confirmation', 'caughtUp', ...after]);
  });

  test('waits for a stream that is not there yet', async () => {
    const stream = `subscription-${randomUUID()}`;
    const { heard } = watch(client().subscribeToStream(stream, { fromRevision: START }));
    await until('caught up', has(heard, 2));
    const ids = await append(stream, 1);
    await until('live', has(heard, 3));
    expect(heard).toEqual(['confirmation', 'caughtUp', ...ids]);
  });

  test('ends with an error when the stream is tombstoned', async () => {
    const stream = `subscription-${randomUUID()}`;
    await append(stream, 1);
    const { heard, errors } = watch(client().subscribeToStream(stream, { fromRevision: START }));
    await until('caught up', has(heard, 3));
    await within('tombstone', client().tombstoneStream(stream));
    await until('error', () => errors.length > 0);
    expect(errors[0]).toBeInstanceOf(StreamDeletedError);
  });
});

describe('a subscription to all streams', () => {
  test('shows what its filter of stream names lets through, and a checkpoint before it is live', async () => {
    const prefix = `filtered-${randomUUID()}-`;
    const checkpoints: Position[] = [];
    const first = await append(`${prefix}a`, 2);
    await append(`other-${randomUUID()}`, 3);
    const second = await append(`${prefix}b`, 1);
    const order: string[] = [];
    const filter = streamNameFilter({
      prefixes: [prefix],
      checkpointInterval: 1000,
      checkpointReached: async (_subscription, position) => {
        order.push('checkpoint');
        checkpoints.push(position);
      },
    });
    const subscription = client().subscribeToAll({ filter });
    subscription.on('caughtUp', () => order.push('caughtUp'));
    const { heard } = watch(subscription);
    await until('caught up', has(heard, 5));
    expect(heard).toEqual(['confirmation', ...first, ...second, 'caughtUp']);
    expect(order.slice(-2)).toEqual(['checkpoint', 'caughtUp']);
    const [last] = await collect(client().readStream(`${prefix}b`));
    expect(checkpoints.at(-1)?.commit).toBeGreaterThanOrEqual(last?.event?.position?.commit ?? 0n);
  });

  test('begins after the position given', async () => {
    const prefix = `position-${randomUUID()}-`;
    const ids = await append(`${prefix}a`, 3);
    const [, second] = await collect(client().readStream(`${prefix}a`));
    const filter = streamNameFilter({ regex: `^${prefix}` });
    const fromPosition = second?.event?.position ?? END;
    const { heard } = watch(client().subscribeToAll({ fromPosition, filter }));
    await until('caught up', has(heard, 3));
    expect(heard).toEqual(['confirmation', ids[2], 'caughtUp']);
  });

  test('filters event types, live too', async () => {
    const type = `type-${randomUUID()}`;
    const { heard } = watch(
      client().subscribeToAll({ fromPosition: END, filter: eventTypeFilter({ prefixes: [type] }) }),
    );
    await until('caught up', has(heard, 2));
    await append(`types-${randomUUID()}`, 2);
    const ids = await append(`types-${randomUUID()}`, 2, `${type}-wanted`);
    await until('live', has(heard, 4));
    expect(heard).toEqual(['confirmation', 'caughtUp', ...ids]);
  });

  test('without a filter shows system events too', async () => {
    const { heard } = watch(client().subscribeToAll({ fromPosition: START }));
    const [first] = await collect(client().readAll({ maxCount: 1 }));
    await until('first', has(heard, 2));
    expect(heard.slice(0, 2)).toEqual(['confirmation', first?.event?.id]);
  });

  test('has a checkpoint whenever its interval is full, never one twice and never one back', async () => {
    const prefix = `interval-${randomUUID()}-`;
    await append(`${prefix}a`, 25);
    const [first] = await collect(client().readStream(`${prefix}a`));
    const positions: bigint[] = [];
    const filter = streamNameFilter({
      prefixes: ['nothing-has-this-name'],
      maxSearchWindow: 4,
      checkpointInterval: 2,
      checkpointReached: async (_subscription, { commit }) => void positions.push(commit),
    });
    const { heard } = watch(client().subscribeToAll({ fromPosition: first?.event?.position ?? END, filter }));
    await until('caught up', has(heard, 2));
    expect(positions.length).toBeGreaterThanOrEqual(3);
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => Number(a - b)));
    await append(`${prefix}a`, 10);
    const before = positions.length;
    await until('a live checkpoint', () => positions.length > before);
    expect(heard).toEqual(['confirmation', 'caughtUp']);
  });
});

test.skipIf(isRealServer)(
  'a live subscription that falls behind catches up and says so again (a real server may be quicker)',
  async () => {
    const stream = `behind-${randomUUID()}`;
    const { heard } = watch(client().subscribeToStream(stream, { fromRevision: START }));
    await until('caught up', has(heard, 2));
    const ids = await append(stream, 40);
    await until('caught up again', has(heard, 43));
    expect(heard).toEqual(['confirmation', 'caughtUp', ...ids, 'caughtUp']);
  },
);

test.skipIf(isRealServer)(
  'an unsubscribed subscription is closed on the server (a real one does not tell)',
  async () => {
    const { heard } = watch(client().subscribeToAll({ fromPosition: END }));
    await until('caught up', has(heard, 2));
    const before = target().double?.open().subscriptions ?? 0;
    await within('unsubscribe', subscriptions.pop()?.unsubscribe() ?? Promise.resolve());
    await until('closed', () => target().double?.open().subscriptions === before - 1);
  },
);
