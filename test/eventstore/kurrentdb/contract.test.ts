import { createKurrentDbEventStore } from '../../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';
import { startProtocolTestServer } from '../../support/kurrentdb/server.ts';
import { describeEventStoreContract } from '../contract.ts';

describeEventStoreContract('kurrentdb (protocol test server)', async () => {
  const server = await startProtocolTestServer({ maxAppendSize: 256 * 1024 * 1024 });
  const stores = [];
  const another = async () => {
    const store = createKurrentDbEventStore({ connectionString: server.connectionString });
    stores.push(store);
    return store;
  };
  return {
    store: await another(),
    another,
    close: async () => {
      for (const store of stores) await store.close();
      await server.stop();
    },
  };
});
