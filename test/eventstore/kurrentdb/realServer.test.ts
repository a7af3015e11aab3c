import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createKurrentDbEventStore,
  type KurrentDbEventStoreOptions,
} from '../../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';
import type { EventStore } from '../../../src/eventstore/port.ts';
import { describeEventStoreContract } from '../contract.ts';
import { expectExactly, startLoad, watchUncaught } from './load.ts';
import { openPart } from './ownPart.ts';
import { startRealServer } from './realServer.ts';
import { TRAITS } from './support.ts';

/*
 * The same contract on a real server: the one that KURRENTDB_TEST_URL names, else one in a container. Its log is shared by
 * all tests, so each has a part of its own. Servers before 25.1 take appends of 1 MiB at most, which one test exceeds.
 */

const server = await startRealServer('the event store on a real KurrentDB');

/** An empty part of the server's log, and clients of it. */
async function openRealPart(options: Partial<KurrentDbEventStoreOptions> = {}) {
  const connectionString = server?.connectionString ?? '';
  const stores: EventStore[] = [];
  const connect = (): EventStore => {
    const made = createKurrentDbEventStore({ connectionString, ...options });
    stores.push(made);
    return made;
  };
  const ownPart = await openPart(connect(), `test-${randomUUID()}-`);
  return {
    store: ownPart(connect()),
    another: async () => ownPart(connect()),
    close: async () => void (await Promise.all(stores.map((store) => store.close()))),
  };
}

describe.skipIf(server === null)('on a real server', () => {
  afterAll(() => server?.stop());

  describeEventStoreContract('kurrentdb', openRealPart, TRAITS);

  test.skipIf(!server?.restart)(
    'a restart under 32 concurrent appends loses nothing and doubles nothing',
    { timeout: 120_000 },
    async () => {
      const uncaught = watchUncaught();
      const part = await openRealPart({ budgetMs: 60_000 });
      const load = startLoad(part.store);
      await load.more(200);
      await server?.restart?.();
      await load.more(200);
      const written = await load.stop();
      await expectExactly(await part.another(), written);
      await part.close();
      uncaught.stop();
      expect(uncaught.seen).toEqual([]);
    },
  );
});
