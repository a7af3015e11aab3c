import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLogAt } from '../../src/eventstore/openLog.ts';
import { NO_STREAM, type ReadEvent, type StoredEvent } from '../../src/eventstore/port.ts';
import { runToEnd } from '../support/childService.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type ProtocolTestServer, startProtocolTestServer } from '../support/kurrentdb/server.ts';
import { startTestService } from '../support/service.ts';
import { until } from '../support/until.ts';

/** postgres -> kurrentdb (protocol test server) -> postgres, with the command killed on both ways. */
const FURTHER_STREAMS = 250;

let first: TestDatabase;
let last: TestDatabase;
let server: ProtocolTestServer;

beforeAll(async () => {
  [first, last, server] = await Promise.all([
    createTestDatabase('copy from'),
    createTestDatabase('copy to'),
    startProtocolTestServer(),
  ]);
});
afterAll(async () => {
  await Promise.all([first?.drop(), last?.drop(), server?.stop()]);
});

/** What the service itself records, and then some streams beside it, to make the way long enough to be killed on. */
async function makeHistory(): Promise<unknown> {
  const service = await startTestService({ databaseUrl: first.url });
  for (const [index, caseId] of ['A', 'B', 'C'].entries()) {
    await service.openCase(caseId, README_CASE);
    await service.task({ case_id: caseId });
    await service.task({ case_id: caseId, description: `Please do not retry policy ${index}` });
    await service.post(`/cases/${caseId}/notes`, { text: 'looked at' });
  }
  const { store } = service.service;
  for (let stream = 0; stream < FURTHER_STREAMS; stream += 1) {
    await store.append(`policy-further-${stream}`, NO_STREAM, [event(stream), event(stream + 1)]);
  }
  const rows = await readModelsOf(service);
  await service.stop();
  return rows;
}

const event = (number: number): StoredEvent => ({
  id: uuidv7(),
  type: 'PolicyRegistered',
  data: `{"10":${number},"9":"integer-like keys out of order","text":"\\u0000 ü 🙂"}`,
  metadata: '{}',
});

/** Rows of every read model; positions are each store's own and left out. */
async function readModelsOf(service: Awaited<ReturnType<typeof startTestService>>): Promise<unknown> {
  const { readModels, store } = service.service;
  await readModels.caughtUp((await store.lastPosition()) ?? 0n, 10_000);
  const page = { filter: {}, limit: 1_000, after: null };
  const lists = await Promise.all([
    readModels.cases(page),
    readModels.tasks(page),
    readModels.audit(page),
    readModels.reviews({ ...page, sort: 'dueBy', now: '2026-01-01T00:00:00.000Z' }),
  ]);
  return JSON.parse(JSON.stringify(lists, (key, value) => (key.endsWith('position') ? undefined : value)));
}

async function logAt(url: string): Promise<Omit<ReadEvent, 'position'>[]> {
  const { store, close } = await openLogAt(url);
  const events = await store.readAll(null, 100_000);
  await close();
  return events.map(({ position: _, ...rest }) => rest);
}

/** Starts the command and kills it as soon as the target holds something, but not all. */
async function copyAndKill(from: string, to: string, total: number): Promise<void> {
  const child = spawn(process.execPath, ['src/cli/copy-log.ts', '--from', from, '--to', to], {
    stdio: ['ignore', 2, 2],
  });
  const gone = once(child, 'exit');
  const { store, close } = await openLogAt(to);
  await until('a part is copied', async () => (await store.readAll(null, 50)).length === 50);
  child.kill('SIGKILL');
  await gone;
  const present = (await store.readAll(null, 100_000)).length;
  await close();
  expect(present).toBeGreaterThanOrEqual(50);
  expect(present).toBeLessThan(total);
}

it('gives an equal log and equal read models', { timeout: 60_000 }, async () => {
  const rows = await makeHistory();
  const original = await logAt(first.url);
  const kurrent = server.connectionString;
  server.faults.when(({ method }) => method === 'batchAppend', { kind: 'delay', ms: 10 });

  await copyAndKill(first.url, kurrent, original.length);
  server.faults.clear();
  const there = await runToEnd(['src/cli/copy-log.ts'], { FROM_URL: first.url, TO_URL: kurrent });
  expect(there.output).toMatch(
    new RegExp(`both logs are equal: ${original.length} events, \\d+ of them copied now`),
  );
  expect(there.code).toBe(0);
  expect(await logAt(kurrent)).toStrictEqual(original);

  await copyAndKill(kurrent, last.url, original.length);
  const back = await runToEnd(['src/cli/copy-log.ts', '--from', kurrent, '--to', last.url], {});
  expect(back.code).toBe(0);
  expect(await logAt(last.url)).toStrictEqual(original);

  const service = await startTestService({ databaseUrl: last.url });
  expect(await readModelsOf(service)).toStrictEqual(rows);
  await service.stop();
});

it('says what it needs, and refuses a URL that names no event store', async () => {
  const missing = await runToEnd(['src/cli/copy-log.ts', '--from', first.url], {});
  expect(missing).toMatchObject({ code: 1, output: expect.stringMatching(/^usage: npm run copy-log/) });
  const wrong = await runToEnd(
    ['src/cli/copy-log.ts', '--from', 'https://example.com', '--to', last.url],
    {},
  );
  expect(wrong).toMatchObject({ code: 1, output: expect.stringContaining('postgres://, esdb://') });
});
