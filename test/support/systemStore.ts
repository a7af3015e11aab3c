import { inject } from 'vitest';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore } from '../../src/eventstore/port.ts';
import { startProtocolTestServer } from './kurrentdb/server.ts';

/** Which event store the whole-system tests run on; each is a project of its own in vitest.config.ts. */
export type SystemStore = 'postgres' | 'kurrentdb' | 'memory';

declare module 'vitest' {
  export interface ProvidedContext {
    systemStore: SystemStore;
  }
}

export type SystemLog = {
  /** What a service must find in its environment to use the log. */
  readonly env: Readonly<Record<string, string>>;
  /** A store that only this process can have; null where the environment is enough. */
  readonly store: EventStore | null;
};

const logs = new Map<string, Promise<SystemLog>>();

/**
 * The event log that goes with a database: always the same for the same database, so that a service that starts again
 * finds it. On kurrentdb it is the protocol test server, a test double.
 */
export function systemLog(databaseUrl: string): Promise<SystemLog> {
  const log = logs.get(databaseUrl) ?? makeLog();
  logs.set(databaseUrl, log);
  return log;
}

async function makeLog(): Promise<SystemLog> {
  switch (inject('systemStore')) {
    case 'postgres':
      return { env: {}, store: null };
    case 'memory':
      // Not closed with a service: it is the log, not a connection to it.
      return { env: {}, store: { ...createMemoryEventStore(), close: async () => {} } };
    case 'kurrentdb': {
      const { connectionString } = await startProtocolTestServer();
      return { env: { EVENT_STORE: 'kurrentdb', KURRENTDB_URL: connectionString }, store: null };
    }
  }
}
