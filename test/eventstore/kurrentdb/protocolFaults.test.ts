import { randomUUID } from 'node:crypto';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import type { Fault, Method } from '../../support/kurrentdb/faults.ts';
import {
  type ProtocolTestServer,
  type ProtocolTestServerOptions,
  startProtocolTestServer,
} from '../../support/kurrentdb/server.ts';
import { answerOf, connect, event, failureOf, staysOpen, within } from './protocolSupport.ts';

// A real server cannot be told to fail: these are tests of the test server alone, through the real client.
// Disposing of a client whose batch stream the server ended never ends.
const DISPOSE_MS = 500;
const servers: ProtocolTestServer[] = [];
const clients: EventStoreDBClient[] = [];

async function start(
  options: ProtocolTestServerOptions = {},
): Promise<{ server: ProtocolTestServer; client: EventStoreDBClient }> {
  const server = await startProtocolTestServer(options);
  const client = connect(server.connectionString);
  servers.push(server);
  clients.push(client);
  return { server, client };
}

afterEach(async () => {
  await Promise.all(
    clients.splice(0).map((client) => within('dispose', client.dispose(), DISPOSE_MS).catch(() => undefined)),
  );
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const classic = { credentials: { username: 'admin', password: 'changeit' } };
const appends: Method[] = ['append', 'batchAppend'];

type Case = { readonly fault: Fault; readonly batch: string; readonly classic: string };

/** What the client makes of each fault; `open` is a promise that never settles, even with a deadline of 200 ms. */
const cases: Case[] = [
  { fault: { kind: 'error', code: status.UNAVAILABLE }, batch: 'unavailable', classic: 'unavailable' },
  {
    fault: { kind: 'error', code: status.UNAVAILABLE, committed: true },
    batch: 'unavailable',
    classic: 'unavailable',
  },
  { fault: { kind: 'error', code: status.UNKNOWN }, batch: 'unknown', classic: 'unknown' },
  { fault: { kind: 'refusal', reason: 'timeout' }, batch: 'deadline-exceeded', classic: 'timeout' },
  {
    fault: { kind: 'refusal', reason: 'timeout', committed: true },
    batch: 'deadline-exceeded',
    classic: 'timeout',
  },
  { fault: { kind: 'refusal', reason: 'accessDenied' }, batch: 'access-denied', classic: 'access-denied' },
  { fault: { kind: 'refusal', reason: 'unknown' }, batch: 'unknown', classic: 'unknown' },
  { fault: { kind: 'refusal', reason: 'badRequest' }, batch: 'unknown', classic: 'unknown' },
  { fault: { kind: 'refusal', reason: 'notReady' }, batch: 'unknown', classic: 'unavailable' },
  {
    fault: { kind: 'refusal', reason: 'maximumAppendSizeExceeded' },
    batch: 'maximum-append-size-exceeded',
    classic: 'maximum-append-size-exceeded',
  },
  {
    fault: { kind: 'refusal', reason: 'maximumAppendEventSizeExceeded' },
    batch: 'unknown',
    classic: 'unknown',
  },
  { fault: { kind: 'silence' }, batch: 'open', classic: 'deadline-exceeded' },
  { fault: { kind: 'silence', committed: true }, batch: 'open', classic: 'deadline-exceeded' },
  { fault: { kind: 'halfClose' }, batch: 'open', classic: 'unknown' },
  { fault: { kind: 'halfClose', committed: true }, batch: 'open', classic: 'unknown' },
  { fault: { kind: 'disconnect' }, batch: 'unavailable', classic: 'unavailable' },
  { fault: { kind: 'disconnect', committed: true }, batch: 'unavailable', classic: 'unavailable' },
  { fault: { kind: 'delay', ms: 50 }, batch: 'success', classic: 'success' },
  { fault: { kind: 'delay', ms: 50, committed: true }, batch: 'success', classic: 'success' },
];

describe.each(['batch', 'classic'] as const)('a fault of an append on the %s path', (path) => {
  test.each(cases.map((row) => [JSON.stringify(row.fault), row] as const))('%s', async (_name, row) => {
    const { server, client } = await start();
    const stream = `faults-${randomUUID()}`;
    const fault = server.faults.next(1, appends, row.fault);
    const perCall = path === 'classic' ? classic : {};
    const sent = client.appendToStream(stream, event(), { ...perCall, deadline: 200 });
    if (row[path] === 'open') expect(await staysOpen(sent, 400)).toBe(true);
    else {
      const answer = await answerOf(sent);
      expect(answer.kind === 'error' ? answer.type : answer.kind).toBe(row[path]);
    }
    expect(fault.hits()).toBe(1);
    const committed = 'committed' in row.fault && row.fault.committed === true;
    expect(server.log.stream(stream)).toHaveLength(committed || row[path] === 'success' ? 1 : 0);
    const append = (by: EventStoreDBClient) =>
      by.appendToStream(stream, event(), { ...perCall, deadline: 2000 });
    if (path === 'batch' && row.fault.kind === 'halfClose') {
      // The client keeps the ended batch stream for ever: only another client appends again.
      expect(await staysOpen(append(client), 200)).toBe(true);
      const other = connect(server.connectionString);
      clients.push(other);
      expect(await answerOf(append(other))).toMatchObject({ kind: 'success' });
      return;
    }
    // Served, if not by this channel then by the next one.
    const served = [await answerOf(append(client)), await answerOf(append(client))];
    expect(served.map(({ kind }) => kind)).toContain('success');
  });
});

describe('the switchboard', () => {
  test('strikes so many calls, or those that match until it is off', async () => {
    const { server, client } = await start();
    const refused: Fault = { kind: 'refusal', reason: 'accessDenied' };
    const append = async (stream: string) => (await answerOf(client.appendToStream(stream, event()))).kind;
    const next = server.faults.next(2, appends, refused);
    expect([await append('a'), await append('a'), await append('a')]).toEqual(['error', 'error', 'success']);
    const when = server.faults.when((call) => call.stream === 'b', refused);
    expect([await append('b'), await append('a'), await append('b')]).toEqual(['error', 'success', 'error']);
    when.off();
    expect(await append('b')).toBe('success');
    expect([next.hits(), when.hits()]).toEqual([2, 2]);
  });

  test('leaves the other appends of a batch stream alone when one of them is late', async () => {
    const { server, client } = await start();
    server.faults.when((call) => call.stream === 'late', { kind: 'delay', ms: 100 });
    const order: string[] = [];
    await within(
      'appends',
      Promise.all(
        ['late', 'quick'].map(async (stream) => {
          await client.appendToStream(stream, event());
          order.push(stream);
        }),
      ),
    );
    expect(order).toEqual(['quick', 'late']);
    expect(server.open().batches).toBe(1);
  });
});

describe('a redirect to the leader', () => {
  test('comes from a follower when the leader is asked for; the next call goes there', async () => {
    const { server: leader } = await start();
    const { server: follower, client } = await start({ joins: leader });
    const append = () => client.appendToStream('s', event(), { requiresLeader: true });
    expect(await failureOf(append())).toMatchObject({ type: 'not-leader', leader: { port: leader.port } });
    expect(await answerOf(append())).toMatchObject({ kind: 'success', revision: 0n });
    expect([follower.counts.batchAppend, leader.counts.batchAppend]).toEqual([1, 1]);
    follower.becomeLeader();
    expect(await failureOf(append())).toMatchObject({ type: 'not-leader', leader: { port: follower.port } });
    expect(await answerOf(append())).toMatchObject({ kind: 'success', revision: 1n });
  });

  test('can be switched on as a fault, on both paths', async () => {
    const { server: leader } = await start();
    for (const perCall of [{}, classic]) {
      const { server, client } = await start({ joins: leader });
      server.faults.next(1, appends, { kind: 'notLeader', leader });
      const append = () => client.appendToStream('s', event(), perCall);
      expect(await failureOf(append())).toMatchObject({ type: 'not-leader' });
      expect(await answerOf(append())).toMatchObject({ kind: 'success' });
      expect(server.counts.batchAppend + server.counts.append).toBe(1);
    }
  });

  test('gossip names the leader of the cluster', async () => {
    const { server: leader } = await start();
    const { server: follower } = await start({ joins: leader });
    const client = connect(follower.discoverConnectionString);
    clients.push(client);
    expect(await answerOf(client.appendToStream('s', event()))).toMatchObject({ kind: 'success' });
    expect([follower.counts.gossip, leader.counts.batchAppend]).toEqual([1, 1]);
  });
});
