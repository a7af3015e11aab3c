import { afterAll, beforeAll, expect, it } from 'vitest';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type ProtocolTestServer, startProtocolTestServer } from '../support/kurrentdb/server.ts';
import { startTestService } from '../support/service.ts';

/** On another log every recorded task would look new, and be done again: such a service must not start. */
let database: TestDatabase;
let own: ProtocolTestServer;
let other: ProtocolTestServer;

beforeAll(async () => {
  [database, own, other] = await Promise.all([
    createTestDatabase('foreign log'),
    startProtocolTestServer(),
    startProtocolTestServer(),
  ]);
});
afterAll(async () => {
  await Promise.all([database?.drop(), own?.stop(), other?.stop()]);
});

const startOn = ({ connectionString }: ProtocolTestServer) =>
  startTestService({
    databaseUrl: database.url,
    env: { EVENT_STORE: 'kurrentdb', KURRENTDB_URL: connectionString },
  });

it('refuses an empty store, writes nothing into it, and a store that holds another log', {
  timeout: 30_000,
}, async () => {
  const first = await startOn(own);
  await first.openCase('C1001', README_CASE);
  const answer = await first.task();
  expect(answer.body.outcome).toBe('AUTO_SUCCESS');
  await first.get(`/tasks?atLeast=${answer.body.position}`);
  await first.stop();

  const written = other.counts.batchAppend;
  await expect(startOn(other)).rejects.toMatchObject({
    code: 'FOREIGN_LOG',
    message: expect.stringContaining('the event store is empty'),
  });
  expect(other.counts.batchAppend).toBe(written);

  const elsewhere = await createTestDatabase('foreign log elsewhere');
  const settled = await startTestService({
    databaseUrl: elsewhere.url,
    env: { EVENT_STORE: 'kurrentdb', KURRENTDB_URL: other.connectionString },
  });
  await settled.stop();
  await elsewhere.drop();
  await expect(startOn(other)).rejects.toMatchObject({
    code: 'FOREIGN_LOG',
    message: expect.stringContaining('the event store holds the log'),
  });

  const again = await startOn(own);
  expect((await again.task()).headers.get('idempotency-replayed')).toBe('true');
  await again.stop();
});
