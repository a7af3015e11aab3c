import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { codec } from '../../src/eventstore/codec.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createPostgresRowStore } from '../../src/projections/postgresRowStore.ts';
import { fingerprintOf, READ_MODELS } from '../../src/projections/readModels.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type EventStreamClient, openEventStream, type SentEvent } from '../support/eventStream.ts';
import { startTestService, type TestService } from '../support/service.ts';

let database: TestDatabase;
let pool: pg.Pool;
let services: TestService[];
let clients: EventStreamClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase('live');
  pool = createPool({ url: database.url, max: 2, applicationName: 'test', onError: () => {} });
  const env = { RECOMMENDER: 'none' };
  const first = await startTestService({ databaseUrl: database.url, env });
  services = [first, await startTestService({ databaseUrl: database.url, env })];
  await Promise.all(['C1', 'C2'].map((caseId) => first.openCase(caseId, README_CASE)));
}, 60_000);
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await pool.end();
  await database.drop();
});

const [one, other] = [() => at(0), () => at(1)];
function at(index: number): TestService {
  const service = services[index];
  if (!service) throw new Error('two services are needed');
  return service;
}

async function listen(
  service: TestService,
  headers: Record<string, string> = {},
): Promise<EventStreamClient> {
  const client = await openEventStream(`${service.url}/live`, headers);
  clients.push(client);
  return client;
}
let texts = 0;
/** Without a recommender every task is a person's. */
async function submit(service: TestService, caseId: string): Promise<string> {
  texts += 1;
  return (await service.task({ case_id: caseId, description: `please retry ${texts}` })).body.taskId;
}
const opened =
  (taskId: string) =>
  ({ event, data }: SentEvent): boolean =>
    event === 'review' && data.taskId === taskId;

it('tells every client of what any process does', async () => {
  const listening = await Promise.all([listen(one()), listen(other())]);
  const taskIds = [await submit(one(), 'C1'), await submit(other(), 'C2')];
  for (const client of listening) {
    for (const taskId of taskIds) await client.received(`review of ${taskId}`, opened(taskId));
  }
});

it('lets a client go on at another process', async () => {
  const before = await listen(one());
  await before.received('the task', opened(await submit(one(), 'C1')));
  before.close();
  const missed = await submit(one(), 'C2');
  const after = await listen(other(), { 'last-event-id': before.lastEventId() });
  await after.received('what was missed', opened(missed));
  expect(after.events.every(({ data }) => data.taskId === missed)).toBe(true);
});

it('waits while the read models are made anew in place, tells nothing again, and goes on', async () => {
  const client = await listen(other());
  const known = await submit(one(), 'C1');
  await client.received('the task', opened(known));
  const seen = client.events.length;
  const rowStore = createPostgresRowStore(pool);
  const checkpoint = await rowStore.checkpoint();
  if (!checkpoint) throw new Error('there are no read models');
  expect(await rowStore.reset(READ_MODELS, checkpoint, checkpoint)).not.toBeNull();
  // Who comes back meanwhile waits as well.
  const resumed = await listen(one(), { 'last-event-id': client.lastEventId() });
  const next = await submit(one(), 'C2');
  await client.received('what came since', opened(next));
  await resumed.received('what came since', opened(next));
  for (const { data } of [...client.events.slice(seen), ...resumed.events]) expect(data.taskId).toBe(next);
});

it('goes on over a rebuild beside what is read', async () => {
  const client = await listen(one());
  const [before] = [await submit(one(), 'C1')];
  await client.received('the task', opened(before));
  const seen = client.events.length;
  const { store, logId } = one().service;
  const rowStore = createPostgresRowStore(pool);
  const fingerprint = fingerprintOf(store.kind);
  await rebuild(
    { store, codec, rowStore, projections: READ_MODELS, logId, fingerprint, clock: systemClock },
    () => {},
  );
  const next = await submit(other(), 'C2');
  await client.received('what came since', opened(next));
  for (const { data } of client.events.slice(seen)) expect(data.taskId).toBe(next);
});

it('ends whole when the service stops, in time', async () => {
  const client = await listen(other());
  const began = performance.now();
  await other().stop();
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await client.ended).toBe('whole');
});
