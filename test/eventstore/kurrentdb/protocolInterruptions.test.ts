import { randomUUID } from 'node:crypto';
import { type EventStoreDBClient, START } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ProtocolTestServer, startProtocolTestServer } from '../../support/kurrentdb/server.ts';
import { until } from '../../support/until.ts';
import { answerOf, collect, connect, event, failureOf, idsOf, staysOpen, within } from './protocolSupport.ts';

// A real server cannot be told to fail: these are tests of the test server alone, through the real client.
let server: ProtocolTestServer;
let client: EventStoreDBClient;

beforeEach(async () => {
  server = await startProtocolTestServer();
  client = connect(server.connectionString);
});
afterEach(async () => {
  await within('dispose', client.dispose()).catch(() => undefined);
  await server.stop();
});

const ids = Array.from({ length: 5 }, () => randomUUID());
const appendAll = () =>
  within(
    'append',
    client.appendToStream(
      's',
      ids.map((id) => event(id)),
      { expectedRevision: 'no_stream' },
    ),
  );

/** What a subscription says until it ends, is lost, or `stop` holds. */
function watch(from: 'all' | 'stream') {
  const subscription =
    from === 'all' ? client.subscribeToAll() : client.subscribeToStream('s', { fromRevision: START });
  const heard: string[] = [];
  const errors: unknown[] = [];
  subscription.on('data', (resolved) => heard.push(resolved.event?.id ?? '?'));
  subscription.on('caughtUp', () => heard.push('caughtUp'));
  subscription.on('end', () => heard.push('end'));
  subscription.on('error', (error) => errors.push(error));
  return { heard, errors };
}

describe('a read', () => {
  test('is lost in the middle', async () => {
    await appendAll();
    server.faults.next(1, ['read'], { kind: 'error', code: status.UNAVAILABLE, afterEvents: 2 });
    expect(await failureOf(collect(client.readStream('s')))).toMatchObject({ type: 'unavailable' });
    expect(idsOf(await collect(client.readStream('s')))).toEqual(ids);
  });

  test('ends early without an error', async () => {
    await appendAll();
    server.faults.next(1, ['read'], { kind: 'halfClose', afterEvents: 2 });
    expect(idsOf(await collect(client.readStream('s')))).toEqual(ids.slice(0, 2));
  });

  test.each([undefined, 2])('is never answered after %s events', async (afterEvents) => {
    await appendAll();
    const fault = { kind: 'silence' as const, ...(afterEvents === undefined ? {} : { afterEvents }) };
    server.faults.next(1, ['read'], fault);
    expect(await staysOpen(collect(client.readStream('s')), 200)).toBe(true);
  });

  test('loses its connection', async () => {
    await appendAll();
    server.faults.next(1, ['read'], { kind: 'disconnect', afterEvents: 1 });
    expect(await failureOf(collect(client.readStream('s')))).toBeInstanceOf(Error);
    expect(idsOf(await collect(client.readStream('s')))).toEqual(ids);
  });
});

describe('a subscription', () => {
  test('is dropped with an error while it catches up', async () => {
    await appendAll();
    server.faults.next(1, ['subscribe'], { kind: 'error', code: status.UNAVAILABLE, afterEvents: 3 });
    const { heard, errors } = watch('stream');
    await until('dropped', () => errors.length > 0);
    expect(heard).toEqual(ids.slice(0, 3));
    expect(errors).toMatchObject([{ type: 'unavailable' }]);
  });

  test('is ended cleanly while it catches up', async () => {
    await appendAll();
    server.faults.next(1, ['subscribe'], { kind: 'halfClose', afterEvents: 3 });
    const { heard, errors } = watch('stream');
    await until('ended', () => heard.includes('end'));
    expect(heard).toEqual([...ids.slice(0, 3), 'end']);
    expect(errors).toEqual([]);
  });

  test('is ended cleanly while it is live', async () => {
    await appendAll();
    const { heard, errors } = watch('stream');
    await until('caught up', () => heard.includes('caughtUp'));
    server.endSubscriptions();
    await until('ended', () => heard.includes('end'));
    expect(errors).toEqual([]);
    expect(server.open().subscriptions).toBe(0);
  });

  test('is dropped with an error while it is live', async () => {
    const { heard, errors } = watch('all');
    await until('caught up', () => heard.includes('caughtUp'));
    server.endSubscriptions(status.UNKNOWN);
    await until('dropped', () => errors.length > 0);
    expect(errors).toMatchObject([{ type: 'unknown', code: status.UNKNOWN }]);
  });

  test('falls silent and is still open', async () => {
    await appendAll();
    server.faults.next(1, ['subscribe'], { kind: 'silence', afterEvents: 3 });
    const { heard, errors } = watch('stream');
    await until('three', () => heard.length === 3);
    await within('append', client.appendToStream('s', event()));
    expect(await collect(client.readStream('s'))).toHaveLength(6);
    expect([heard.length, errors.length]).toEqual([3, 0]);
  });

  test('is lost with its connection', async () => {
    const { heard, errors } = watch('all');
    await until('caught up', () => heard.includes('caughtUp'));
    server.dropConnections();
    await until('lost', () => errors.length > 0);
    await until('closed', () => server.open().subscriptions === 0);
  });
});

describe('a batch stream half-closed by the server', () => {
  test('leaves its appends open, those that follow too, and the client cannot be disposed of', async () => {
    await appendAll();
    server.faults.next(1, ['batchAppend'], { kind: 'silence' });
    const open = client.appendToStream('s', event());
    await until('arrived', () => server.counts.batchAppend === 2);
    server.endBatches();
    expect(await staysOpen(open, 200)).toBe(true);
    expect(await staysOpen(client.appendToStream('s', event()), 200)).toBe(true);
    expect(await staysOpen(client.dispose(), 200)).toBe(true);
    client = connect(server.connectionString);
    expect(await answerOf(client.appendToStream('s', event()))).toMatchObject({ kind: 'success' });
  });
});
