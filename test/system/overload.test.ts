import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Caller, createCaller, type Sent, taskIdOf } from '../load/caller.ts';
import { allEnded, endingsOf } from '../load/endings.ts';
import { takeSample } from '../load/samples.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { collectGarbage } from '../support/garbage.ts';
import { type HeldModel, startHeldModel } from '../support/heldModel.ts';
import { modelSays, succeeded } from '../support/scripted.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { until } from '../support/until.ts';
import { createOutside, startWithCase } from '../support/world.ts';

/** The bound; the service's own is 2,000, which takes longer to exceed than a test may. */
const MOST = 40;
const OFFERED = 160;
const REFUSED_WAVE = 300;
const TEXT_BYTES = 8_000;
/** What a wave of refused requests may leave on the heap (their log lines, here): half of what their texts alone would take. */
const LEFT_BEHIND_BYTES = (REFUSED_WAVE * TEXT_BYTES) / 2;

let database: TestDatabase;
let model: HeldModel;
let backend: StubBackend;
let service: TestService;
let caller: Caller;

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('overload'),
    startHeldModel(),
    startStubBackend(),
  ]);
  service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url),
    env: askingModel(model, 60_000),
    overrides: { maxInFlight: MOST },
  });
  caller = createCaller(service.url);
}, 60_000);
afterAll(async () => {
  await caller?.close();
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});

const PREFERENCES = ['respond-async', 'wait=0', 'wait=60'];

/** Tasks with keys of their own, over so many cases. */
const tasksFor = (prefix: string, count: number, cases: number): Sent[] =>
  Array.from({ length: count }, (_, index) => ({
    caseId: `${prefix}-${index % cases}`,
    text: `Partner API timed out, please retry for policy ${index}`,
    key: `${prefix}-key-${index}`,
    prefer: PREFERENCES[index % PREFERENCES.length] ?? '',
  }));

const openCases = (prefix: string, cases: number): Promise<unknown> =>
  Promise.all(Array.from({ length: cases }, (_, index) => service.openCase(`${prefix}-${index}`)));

const inFlight = async (): Promise<number | undefined> => (await takeSample(caller))?.inFlight;

/** How many tasks were received in the streams of these cases. */
async function received(prefix: string): Promise<number> {
  let count = 0;
  for (let after: bigint | null = null; ; ) {
    const page = await service.service.store.readAll(after, 1_000);
    const found = page.filter(
      ({ stream, type }) => type === 'TaskReceived' && stream.startsWith(`case-${prefix}-`),
    );
    count += found.length;
    after = page.at(-1)?.position ?? null;
    if (page.length < 1_000) return count;
  }
}

/** Sends again what was turned away, as its client is asked to, until it is accepted. */
async function sendAgain(sent: readonly Sent[]): Promise<Answer[]> {
  const accepted: Answer[] = [];
  for (let refused = sent; refused.length > 0; ) {
    const next = refused.slice(0, MOST);
    const answers = await Promise.all(next.map(caller.task));
    accepted.push(...answers.filter(({ status }) => status !== 503));
    refused = [...refused.slice(MOST), ...next.filter((_, index) => answers[index]?.status === 503)];
    // Less than the second that Retry-After asks for: it is the same to the service, and the test has less time.
    await sleep(50);
  }
  return accepted;
}

describe.each([
  { name: 'many cases', prefix: 'spread', cases: 20 },
  { name: 'one case', prefix: 'hot', cases: 1 },
])('far more tasks than fit while the model is slow, of $name', ({ prefix, cases }) => {
  const sent = tasksFor(prefix, OFFERED, cases);
  let answers: Answer[];
  beforeAll(async () => {
    await openCases(prefix, cases);
    model.hold();
    let refused = 0;
    const send = async (task: Sent): Promise<Answer> => {
      const answer = await caller.task(task);
      if (answer.status === 503) refused += 1;
      return answer;
    };
    // Almost as many as fit are in flight when the others come all at once.
    const first = sent.slice(0, MOST - 1).map(send);
    await until('almost as many as fit are in flight', async () => (await inFlight()) === MOST - 1);
    const others = sent.slice(MOST - 1).map(send);
    await until('what does not fit is turned away', () => refused >= OFFERED - MOST);
    await until('as many as fit are in flight', async () => (await inFlight()) === MOST);
    model.release();
    answers = await Promise.all([...first, ...others]);
  }, 30_000);

  it('are accepted up to the bound and not beyond; everything else is a 503 with Retry-After', () => {
    const accepted = answers.filter(({ status }) => status === 200 || status === 202);
    expect(accepted).toHaveLength(MOST);
    for (const answer of answers) {
      if (accepted.includes(answer)) continue;
      expect(answer).toMatchObject({
        status: 503,
        headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/) },
        body: { code: 'OVERLOADED' },
      });
    }
  });

  it('end, each that was accepted; of those that were turned away nothing is there, and sent again they are new', async () => {
    expect(await allEnded(caller, 20_000)).toBe(true);
    expect(await received(prefix)).toBe(MOST);
    const again = await sendAgain(sent.filter((_, index) => answers[index]?.status === 503));
    expect(again.filter(({ headers }) => headers['idempotency-replayed'] !== undefined)).toEqual([]);
    expect(await allEnded(caller, 20_000)).toBe(true);
    const ids = new Set([...answers, ...again].flatMap((answer) => taskIdOf(answer) ?? []));
    expect(await endingsOf(caller, ids)).toMatchObject({
      accepted: OFFERED,
      byStatus: { COMPLETED: OFFERED },
      lost: [],
      unfinished: [],
    });
    expect(await received(prefix)).toBe(OFFERED);
  }, 40_000);
});

it('a task of a crowded case costs hardly more reads of its stream than one that is alone', async () => {
  expect(await readsPerTask(100)).toBeLessThanOrEqual(2 * (await readsPerTask(1)));
});

/** How often the stream is read for each of so many tasks that are posted to one case at once. */
async function readsPerTask(tasks: number): Promise<number> {
  const outside = createOutside();
  let reads = 0;
  const store: typeof outside.store = {
    ...outside.store,
    readStream: (...args) => {
      reads += 1;
      return outside.store.readStream(...args);
    },
  };
  const backendTakesTime = async () => {
    await outside.clock.sleep(20);
    return succeeded;
  };
  const script = { model: () => modelSays(), backend: backendTakesTime };
  const process = await startWithCase(script, {}, { ...outside, store });
  const all = Array.from({ length: tasks }, (_, number) => process.submit({ sentKey: `key ${number}` }));
  const answers = await outside.clock.runUntil(Promise.all(all));
  expect(answers.map(({ task }) => task.outcome)).toEqual(answers.map(() => 'AUTO_SUCCESS'));
  return reads / tasks;
}

it('requests that are turned away leave nothing in memory', async () => {
  await openCases('full', 10);
  model.hold();
  const fill = tasksFor('full', MOST, 10).map((task) => caller.task({ ...task, prefer: 'respond-async' }));
  expect((await Promise.all(fill)).map(({ status }) => status)).toEqual(fill.map(() => 202));
  const text = 'x'.repeat(TEXT_BYTES);
  const wave = async (): Promise<number> => {
    for (let from = 0; from < REFUSED_WAVE; from += 50) {
      const keys = Array.from({ length: 50 }, (_, index) => `refused-${from + index}`);
      const answers = await Promise.all(keys.map((key) => caller.task({ caseId: 'full-0', text, key })));
      expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 503));
    }
    return collectGarbage();
  };
  await wave();
  const before = await wave();
  expect((await wave()) - before).toBeLessThan(LEFT_BEHIND_BYTES);
  model.release();
}, 30_000);
