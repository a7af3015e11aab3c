import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe } from 'vitest';
import { createPostgresEventStore } from '../../src/eventstore/postgres/postgresEventStore.ts';
import { applyMigrations } from '../../src/postgres/migrations.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { containersAnswer } from '../support/containers.ts';
import { databaseUrl, runOnce } from '../support/template.ts';
import { describeEventStoreContract } from './contract.ts';

/** The same contract on the official images: the oldest Postgres that is supported, and another than the embedded one. */
const IMAGES = ['postgres:15.15-bookworm', 'postgres:17.7-bookworm'];
const answers = await containersAnswer(`the event store contract on ${IMAGES.join(' and ')}`);

describe.skipIf(!answers).each(IMAGES)('%s', (image) => {
  let container: StartedTestContainer;
  let adminUrl: string;
  let made = 0;

  beforeAll(async () => {
    container = await new GenericContainer(image)
      .withEnvironment({ POSTGRES_PASSWORD: 'test' })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
      .start();
    adminUrl = `postgres://postgres:test@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
  }, 300_000);
  afterAll(() => container?.stop());

  describeEventStoreContract(image, async () => {
    made += 1;
    const name = `contract_${made}`;
    await runOnce(adminUrl, `CREATE DATABASE ${name}`);
    const url = databaseUrl(adminUrl, name);
    await applyMigrations(url);
    const pools: ReturnType<typeof createPool>[] = [];
    const store = async () => {
      const pool = createPool({ url, max: 8, applicationName: 'test', onError: () => {} });
      pools.push(pool);
      return createPostgresEventStore({ pool });
    };
    return {
      store: await store(),
      another: store,
      close: async () => {
        await Promise.all(pools.map((pool) => pool.end()));
      },
    };
  });
});
