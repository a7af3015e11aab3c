import {
  createKurrentDbEventStore,
  type KurrentDbEventStoreOptions,
} from '../../../src/eventstore/kurrentdb/kurrentDbEventStore.ts';
import type { EventStore } from '../../../src/eventstore/port.ts';
import {
  type ProtocolTestServer,
  type ProtocolTestServerOptions,
  startProtocolTestServer,
} from '../../support/kurrentdb/server.ts';
import { mintId, type Traits, upTo } from '../contract/support.ts';

/** What the port leaves to the store: the server compares ids at one place of one stream, and it pushes events. */
export const TRAITS: Traits = { uniqueIds: false, fullBatches: false, manyEvents: 20_000 };

/** The largest append of a server from 25.1 on. */
const MAX_APPEND_SIZE = 256 * 1024 * 1024;

export type ServerUnderTest = {
  readonly server: ProtocolTestServer;
  /** A store on a connection of its own, closed with the server. */
  readonly store: (options?: Partial<KurrentDbEventStoreOptions>) => EventStore;
  readonly close: () => Promise<void>;
};

/** An empty log on a protocol test server of its own, and clients of it. */
export async function openServer(options: ProtocolTestServerOptions = {}): Promise<ServerUnderTest> {
  const server = await startProtocolTestServer({ maxAppendSize: MAX_APPEND_SIZE, ...options });
  const stores: EventStore[] = [];
  return {
    server,
    store: (storeOptions = {}) => {
      const made = createKurrentDbEventStore({ connectionString: server.connectionString, ...storeOptions });
      stores.push(made);
      return made;
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await server.stop();
    },
  };
}

const AT_ONCE = 100;

/** Writes a multiple of 100 events past the client, for tests that read only. */
export function fill({ log }: ProtocolTestServer, count: number, data = '{}'): void {
  const event = { type: 'Happened', contentType: 'application/json', data: Buffer.from(data) };
  for (let from = 0; from < count; from += AT_ONCE) {
    const events = upTo(AT_ONCE).map(() => ({ ...event, id: mintId(), metadata: new Uint8Array() }));
    log.write(`case-${from % 700}`, events);
  }
}
