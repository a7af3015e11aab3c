import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_STREAM } from '../../../src/eventstore/port.ts';
import type { ProposedEvent } from '../../support/kurrentdb/log.ts';
import { startProtocolTestServer } from '../../support/kurrentdb/server.ts';
import { newEvents, readWholeLog, upTo } from '../contract/support.ts';
import { expectExactly, startLoad } from './load.ts';
import { openServer, type ServerUnderTest } from './support.ts';

let under: ServerUnderTest;

beforeEach(async () => {
  under = await openServer();
});

afterEach(() => under.close());

let minted = 0;
/** What a server writes about itself, every half minute for years. */
const statistics = (count: number): ProposedEvent[] =>
  upTo(count).map(() => {
    minted += 1;
    return {
      id: `01990000-0000-7000-9000-${String(minted).padStart(12, '0')}`,
      type: '$statsCollected',
      contentType: 'application/json',
      data: Buffer.from('{}'),
      metadata: new Uint8Array(),
    };
  });

describe("the server's own events", () => {
  test('are left out, wherever they stand and however the pages fall', async () => {
    const store = under.store();
    const { log } = under.server;
    for (const [index, noise] of [0, 1, 5, 70, 0, 300, 2, 65].entries()) {
      log.write('$stats-127.0.0.1:2113', statistics(noise));
      await store.append(`case-${index}`, NO_STREAM, newEvents(index + 1));
      log.write('$stats-127.0.0.1:2113', statistics(noise));
    }
    const whole = await store.readAll(null, 1_000);
    expect(whole.map((event) => event.stream)).toEqual(
      upTo(8).flatMap((index) => Array.from({ length: index + 1 }, () => `case-${index}`)),
    );
    for (const limit of [1, 2, 3, 35, 36, 37]) expect(await readWholeLog(store, null, limit)).toEqual(whole);
    expect(await store.lastPosition()).toBe(whole.at(-1)?.position);
  });

  test('are all that there is in a log that nobody has appended to', async () => {
    under.server.log.write('$stats-127.0.0.1:2113', statistics(200));
    const store = under.store();
    expect(await store.readAll(null, 10)).toEqual([]);
    expect(await store.lastPosition()).toBeNull();
  });
});

test('reads are repeated while the server is in trouble, and bounded', async () => {
  const store = under.store({ attemptMs: 150, budgetMs: 600 });
  await store.append('case-1', NO_STREAM, newEvents(3));
  const faults = [
    { kind: 'error', code: status.UNAVAILABLE },
    { kind: 'error', code: status.CANCELLED },
    { kind: 'disconnect' },
    { kind: 'silence' },
    { kind: 'error', code: status.UNAVAILABLE, afterEvents: 2 },
    { kind: 'silence', afterEvents: 2 },
  ] as const;
  for (const fault of faults) {
    under.server.faults.next(1, ['read'], fault);
    expect((await store.readStream('case-1', 0, 10)).length).toBe(3);
    under.server.faults.next(1, ['read'], fault);
    expect((await store.readAll(null, 10)).length).toBe(3);
  }
  under.server.faults.when(() => true, { kind: 'silence' });
  const unavailable = { code: 'STORE_UNAVAILABLE' };
  await expect(store.readStream('case-1', 0, 10)).rejects.toMatchObject(unavailable);
  await expect(store.lastPosition()).rejects.toMatchObject(unavailable);
});

test('a place where no event begins is refused', async () => {
  const store = under.store();
  await store.append('case-1', NO_STREAM, newEvents(1));
  const middle = ((await store.lastPosition()) ?? 0n) + 1n;
  const refused = { code: 'STORE_REFUSED', message: 'KurrentDB refused (readAll): INVALID_ARGUMENT' };
  await expect(store.readAll(middle, 1)).rejects.toMatchObject(refused);
});

test('a ping has a bound of its own', async () => {
  const store = under.store({ pingTimeoutMs: 100 });
  await store.ping();
  under.server.faults.when(({ method }) => method === 'read', { kind: 'silence' });
  await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

test('a server that is not there is unavailable, and there again when it is back', async () => {
  const store = under.store({ budgetMs: 300 });
  await under.server.stop();
  await expect(store.append('case-1', NO_STREAM, newEvents(1))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  await expect(store.readAll(null, 1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await under.server.start();
  expect(await store.append('case-1', NO_STREAM, newEvents(1))).toMatchObject({ kind: 'appended' });
});

describe('a cluster', () => {
  test.each(['connectionString', 'discoverConnectionString'] as const)(
    'is followed to its leader, also when that changes under load (%s)',
    async (url) => {
      const follower = await startProtocolTestServer({ joins: under.server });
      try {
        const store = under.store({ connectionString: follower[url], attemptMs: 500, budgetMs: 5_000 });
        const load = startLoad(store);
        await load.more(40);
        expect(under.server.counts.batchAppend).toBeGreaterThanOrEqual(40);
        follower.becomeLeader();
        await load.more(40);
        under.server.becomeLeader();
        await load.more(40);
        const written = await load.stop();
        expect(load.givenUp()).toBe(0);
        await expectExactly(under.store(), written);
      } finally {
        await follower.stop();
      }
    },
  );

  test('whose leader dies is found again by its seed', async () => {
    const follower = await startProtocolTestServer({ joins: under.server });
    try {
      const url = `esdb://127.0.0.1:${under.server.port},127.0.0.1:${follower.port}?tls=false`;
      const load = startLoad(under.store({ connectionString: url, attemptMs: 500, budgetMs: 5_000 }));
      await load.more(40);
      await under.server.stop();
      follower.becomeLeader();
      await load.more(40);
      const written = await load.stop();
      await expectExactly(under.store({ connectionString: follower.connectionString }), written);
    } finally {
      await follower.stop();
    }
  });

  test('without a node that answers is unavailable in time', async () => {
    const url = under.server.discoverConnectionString;
    const store = under.store({ connectionString: url, attemptMs: 200, budgetMs: 500 });
    under.server.faults.when(({ method }) => method === 'gossip', { kind: 'silence' });
    const start = performance.now();
    const all = await Promise.allSettled(upTo(8).map(() => store.readAll(null, 1)));
    for (const { status: settled } of all) expect(settled).toBe('rejected');
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
