import { randomUUID } from 'node:crypto';
import type { EventStoreDBClient } from '@eventstore/db-client';
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

describe('GetSupportedMethods', () => {
  test('not implemented: the client takes the classic path', async () => {
    server.faults.next(1, ['getSupportedMethods'], { kind: 'error', code: status.UNIMPLEMENTED });
    expect(await answerOf(client.appendToStream('s', event()))).toMatchObject({ kind: 'success' });
    expect(server.counts).toMatchObject({ append: 1, batchAppend: 0 });
  });

  test('any other failure: the client never appends again, but reads', async () => {
    server.faults.next(1, ['getSupportedMethods'], { kind: 'error', code: status.DEADLINE_EXCEEDED });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const failure = await failureOf(client.appendToStream('s', event()));
      expect(failure).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    }
    expect(server.counts).toMatchObject({ getSupportedMethods: 1, append: 0, batchAppend: 0 });
    expect(await collect(client.readAll({ maxCount: 1 }))).toHaveLength(1);
  });

  test('never answered: the append hangs', async () => {
    server.faults.next(1, ['getSupportedMethods'], { kind: 'silence' });
    expect(await staysOpen(client.appendToStream('s', event()), 200)).toBe(true);
  });
});

describe('the server', () => {
  test('keeps its port and log through a restart, and loses its cache of recent commits', async () => {
    await appendAll();
    const { port } = server;
    await server.restart();
    expect(server.port).toBe(port);
    const read = await until('served again', () => collect(client.readStream('s')).catch(() => null));
    expect(idsOf(read)).toEqual(ids);
    const first = event(ids[0]);
    const repeated = await answerOf(client.appendToStream('s', first, { expectedRevision: 'no_stream' }));
    expect(repeated).toMatchObject({ kind: 'success', revision: 0n });
    expect(await answerOf(client.appendToStream('s', first))).toMatchObject({
      kind: 'success',
      revision: 5n,
    });
  });

  test('is unreachable while it is stopped', async () => {
    await server.stop();
    expect(await answerOf(client.appendToStream('s', event())).catch(({ code }) => code)).toBe(
      status.UNAVAILABLE,
    );
    await server.start();
    await until('served again', async () => {
      const answer = await answerOf(client.appendToStream('s', event())).catch(() => null);
      return answer?.kind === 'success';
    });
  });

  test('refuses what is too large', async () => {
    const small = await startProtocolTestServer({ maxAppendSize: 1000, maxAppendEventSize: 600 });
    const other = connect(small.connectionString);
    const large = { ...event(), data: { text: 'x'.repeat(500) } };
    const tooLarge = await failureOf(other.appendToStream('s', [large, { ...large, id: randomUUID() }]));
    expect(tooLarge).toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: 1000 });
    const larger = await answerOf(other.appendToStream('s', { ...large, data: { text: 'x'.repeat(700) } }));
    expect(larger).toMatchObject({ kind: 'error', type: 'unknown' });
    expect(small.log.stream('s')).toEqual([]);
    await within('dispose', other.dispose());
    await small.stop();
  });

  test('hides from a subscription past its end what is written until there', async () => {
    const commit = server.log.end() + 1n;
    const subscription = client.subscribeToAll({ fromPosition: { commit, prepare: commit } });
    const heard: string[] = [];
    subscription.on('caughtUp', () => heard.push('caughtUp'));
    subscription.on('data', (resolved) => heard.push(resolved.event?.id ?? '?'));
    await until('live', () => heard.length > 0);
    await appendAll();
    await until('shown', () => heard.length >= ids.length);
    expect(heard).toEqual(['caughtUp', ...ids.slice(1)]);
    await within('unsubscribe', subscription.unsubscribe());
  });
});
