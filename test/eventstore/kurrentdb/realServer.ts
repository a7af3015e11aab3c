import { createServer } from 'node:net';
import { GenericContainer, Wait } from 'testcontainers';
import { containersAnswer } from '../../support/containers.ts';

/** A real server for tests. */
export type RealServer = {
  readonly connectionString: string;
  /** Stops the server and starts it again, on the same log and the same port; null for a server that is not ours. */
  readonly restart: (() => Promise<void>) | null;
  readonly stop: () => Promise<void>;
};

const IMAGE = 'kurrentplatform/kurrentdb:26.1';
const PORT = 2113;
const START_MS = 120_000;

/** The server that KURRENTDB_TEST_URL names, else one in a container, else null and a line that says what is left out. */
export async function startRealServer(whatIsSkipped: string): Promise<RealServer | null> {
  const url = process.env.KURRENTDB_TEST_URL ?? '';
  if (url !== '') return { connectionString: url, restart: null, stop: async () => {} };
  return (await containersAnswer(whatIsSkipped)) ? startContainer() : null;
}

async function startContainer(): Promise<RealServer> {
  // A port of our choice: one that the runtime chooses would be another after a restart.
  const port = await freePort();
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts({ container: PORT, host: port })
    .withEnvironment({
      KURRENTDB_CLUSTER_SIZE: '1',
      KURRENTDB_NODE_PORT: String(PORT),
      KURRENTDB_INSECURE: 'true',
      KURRENTDB_RUN_PROJECTIONS: 'None',
    })
    .withWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(START_MS)
    .start();
  return {
    connectionString: `esdb://${container.getHost()}:${port}?tls=false`,
    restart: () => container.restart(),
    stop: async () => void (await container.stop()),
  };
}

function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}
