import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { verifyChain } from '../../src/eventstore/chain.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { watchUncaught } from '../eventstore/kurrentdb/load.ts';
import { type Answer, README_CASE, type TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Fault } from '../support/kurrentdb/faults.ts';
import { type ProtocolTestServer, startProtocolTestServer } from '../support/kurrentdb/server.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { CONFIDENT_RETRY, type StubModel, startStubModel } from '../support/stubModel.ts';

/*
 * Each fault of KurrentDB's protocol, switched on under 16 concurrent tasks and off again: every task ends, the model and the
 * backend are asked once for each, nothing is written twice or lost, and nothing is left for nobody to catch.
 */
const TASKS = 16;
const CASES = 4;
const HITS = 6;
/** A call that is never answered costs the adapter's whole patience for one attempt, three seconds. */
const SILENT_HITS = 1;

let server: ProtocolTestServer;
let follower: ProtocolTestServer;
let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let service: TestService;
let uncaught: ReturnType<typeof watchUncaught>;
let round = 0;

beforeAll(async () => {
  server = await startProtocolTestServer({ writeTimeoutMs: 100 });
  follower = await startProtocolTestServer({ joins: server });
  [database, model, backend] = await Promise.all([
    createTestDatabase('kurrentdb faults'),
    startStubModel(),
    startStubBackend(),
  ]);
  model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
  service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url),
    env: { ...askingModel(model), EVENT_STORE: 'kurrentdb', KURRENTDB_URL: server.connectionString },
  });
});
afterAll(async () => {
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop(), follower?.stop(), server?.stop()]);
});
beforeEach(() => {
  round += 1;
  uncaught = watchUncaught();
});
afterEach(() => {
  server.faults.clear();
  uncaught.stop();
  expect(uncaught.seen).toEqual([]);
});

const caseId = (index: number): string => `round-${round}-case-${index % CASES}`;

/** Sends one task until it is settled: what was answered with 503 is sent again, as a client would. */
async function settle(index: number): Promise<TaskAnswer> {
  const description = `Partner API timed out in round ${round}, please retry for policy ${5000 + index}`;
  for (;;) {
    const answer: Answer<TaskAnswer> = await service.task({ case_id: caseId(index), description });
    if (answer.status === 200) return answer.body;
    expect([202, 503]).toContain(answer.status);
  }
}

async function tasksUnder(trouble: () => void): Promise<void> {
  for (let index = 0; index < CASES; index += 1) await service.openCase(caseId(index), README_CASE);
  const before = { model: model.calls(), backend: backend.calls() };
  trouble();
  const answers = await Promise.all(Array.from({ length: TASKS }, (_, index) => settle(index)));
  server.faults.clear();
  expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['AUTO_SUCCESS']));
  expect(new Set(answers.map(({ taskId }) => taskId)).size).toBe(TASKS);
  expect(model.calls() - before.model).toBe(TASKS);
  expect(backend.calls() - before.backend).toBe(TASKS);
  await expectWhole();
  await expectProjected(answers);
}

/** Every stream of this round is chained without a break, and holds each step of each task once. */
async function expectWhole(): Promise<void> {
  for (let index = 0; index < CASES; index += 1) {
    const events = await service.service.store.readStream(`case-${caseId(index)}`, 0, 1_000);
    expect(verifyChain(events)).toEqual([]);
    const steps = events.map(stepOf).filter((step) => step !== null);
    expect(steps.length).toBe((TASKS / CASES) * 5);
    expect(new Set(steps).size).toBe(steps.length);
  }
}

const stepOf = ({ type, data }: ReadEvent): string | null => {
  const { taskId } = JSON.parse(data) as { taskId?: string };
  return taskId === undefined ? null : `${type} ${taskId}`;
};

async function expectProjected(answers: readonly TaskAnswer[]): Promise<void> {
  const last = await service.service.store.lastPosition();
  expect(await service.service.readModels.caughtUp(last ?? 0n, 10_000)).toBe(true);
  const rows = await service.service.readModels.tasks({ filter: {}, limit: 1_000, after: null });
  const settled = new Map(rows.map((row) => [row.task_id, row.outcome]));
  expect(answers.map(({ taskId }) => settled.get(taskId))).toEqual(answers.map(() => 'AUTO_SUCCESS'));
}

const strike = (fault: Fault) => (): void => {
  server.faults.next(fault.kind === 'silence' ? SILENT_HITS : HITS, ['batchAppend', 'append'], fault);
};

it.each<[string, Fault]>([
  ['an error before the commit', { kind: 'error', code: status.UNAVAILABLE }],
  [
    'an error after the commit: the reply is lost',
    { kind: 'error', code: status.UNAVAILABLE, committed: true },
  ],
  ['silence', { kind: 'silence' }],
  ['silence after the commit', { kind: 'silence', committed: true }],
  ['a delay', { kind: 'delay', ms: 300 }],
  ['half-close', { kind: 'halfClose' }],
  ['half-close after the commit', { kind: 'halfClose', committed: true }],
  ["the server's own write timeout", { kind: 'refusal', reason: 'timeout' }],
  [
    "the server's own write timeout after the commit",
    { kind: 'refusal', reason: 'timeout', committed: true },
  ],
  ['a connection drop', { kind: 'disconnect' }],
])('%s', { timeout: 60_000 }, (_, fault) => tasksUnder(strike(fault)));

it('a redirect to another leader', { timeout: 60_000 }, () =>
  tasksUnder(() => {
    const { address, port } = follower;
    server.faults.next(HITS, ['batchAppend', 'append'], { kind: 'notLeader', leader: { address, port } });
  }),
);

it('a forgotten commit cache, with lost replies', { timeout: 60_000 }, () =>
  tasksUnder(() => {
    const fault: Fault = { kind: 'error', code: status.UNAVAILABLE, committed: true };
    let struck = 0;
    server.faults.when((call) => {
      if (call.method !== 'batchAppend' || struck >= HITS) return false;
      struck += 1;
      server.forgetCommits();
      return true;
    }, fault);
  }),
);

it('the server restarted in the middle', { timeout: 60_000 }, () =>
  tasksUnder(() => {
    void server.restart();
  }),
);
