import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/domain/hash.ts';
import { createOpenAiRecommender, type OpenAiOptions } from '../../src/recommender/openai.ts';
import type { Recommendation, RecommendationRequest, Recommender } from '../../src/recommender/port.ts';
import { systemPrompt } from '../../src/recommender/prompt.ts';
import { createRecommender } from '../../src/recommender/recommender.ts';
import { playbook } from '../support/builders.ts';
import { recordingLogger, recordingObserver } from '../support/scripted.ts';
import { CONFIDENT_RETRY, MODEL_FAILURES, type StubModel, startStubModel } from '../support/stubModel.ts';
import { delay } from '../support/stubServer.ts';
import { until } from '../support/until.ts';

const OPEN_MS = 60_000;
const KEY = 'sk-test-key-never-shown';
const REQUEST: RecommendationRequest = {
  task: { description: 'Partner API failed again, Canary-4711', channel: 'OPS', userRole: 'SYSTEM' },
  case: { caseState: 'OPEN', retryCount: 1, lastErrorType: 'TIMEOUT', priority: 'MEDIUM' },
};
const never = (): AbortSignal => new AbortController().signal;

let model: StubModel;
let skippedMs = 0;
beforeEach(async () => {
  model = await startStubModel();
  skippedMs = 0;
});
afterEach(() => model.stop());

const clock = { monotonicMs: () => performance.now() + skippedMs };

/** A recommender whose circuit opens after three failures, on a clock that `skippedMs` moves on. */
function start(changes: Partial<OpenAiOptions> = {}) {
  const watch = { logger: recordingLogger(), observer: recordingObserver() };
  const recommender = createOpenAiRecommender({
    playbook,
    apiKey: KEY,
    baseUrl: model.baseUrl,
    model: 'stub-model',
    timeoutMs: 2_000,
    concurrency: 4,
    clock,
    watch,
    circuit: { failures: 3, openMs: OPEN_MS },
    ...changes,
  });
  return { recommender, told: watch.observer.told, lines: watch.logger.lines };
}

const kind = (answer: Recommendation): string =>
  answer.kind === 'failure' ? `${answer.reasonCode} ${answer.cause}` : 'decision';
const ask = (recommender: Recommender, count = 1): Promise<Recommendation[]> =>
  Promise.all(Array.from({ length: count }, () => recommender.recommend(REQUEST, never())));
const asked = async (recommender: Recommender, count = 1) => (await ask(recommender, count)).map(kind);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const CIRCUIT_OPEN = 'AI_UNAVAILABLE circuit open';

async function expectOpened(recommender: Recommender): Promise<void> {
  const kinds = [];
  for (let index = 0; index < 3; index += 1) kinds.push(...(await asked(recommender)));
  expect(kinds).not.toContain(CIRCUIT_OPEN);
  const calls = model.calls();
  expect(await asked(recommender, 5)).toEqual(times(5, CIRCUIT_OPEN));
  expect(model.calls()).toBe(calls);
}

const OUTAGES = /^AI_(UNAVAILABLE|TIMEOUT|RATE_LIMITED)$/;
const isOutage = ({ name, reasonCode }: (typeof MODEL_FAILURES)[number]): boolean =>
  OUTAGES.test(reasonCode) && name !== 'HTTP 400';

describe("the model's circuit", () => {
  it.each(MODEL_FAILURES.filter(isOutage))('opens for $name', async ({ mode }) => {
    model.mode = mode;
    await expectOpened(start({ timeoutMs: 150 }).recommender);
  });

  it.each(MODEL_FAILURES.filter((failure) => !isOutage(failure)))(
    'stays closed for $name, which is an answer',
    async ({ mode, reasonCode }) => {
      model.mode = mode;
      const { recommender } = start();
      const kinds = await asked(recommender, 6);
      expect(kinds).not.toContain(CIRCUIT_OPEN);
      expect(kinds.every((one) => one.startsWith(reasonCode))).toBe(true);
    },
  );

  it('opens for refused connections', async () => {
    const { recommender } = start();
    await model.stop();
    await expectOpened(recommender);
    model = await startStubModel();
  });

  it('opens only for failures in a row, a retry being part of its recommendation', async () => {
    const { recommender } = start();
    for (const fails of [true, true, false, true, true]) {
      model.mode = fails
        ? { kind: 'status', status: 503, retryAfter: '0' }
        : { kind: 'decision', decision: CONFIDENT_RETRY };
      await ask(recommender);
    }
    expect(model.calls()).toBe(9);
    model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
    expect(await asked(recommender)).toEqual(['decision']);
  });

  it('does not count what a shutdown cancelled, neither for nor against', async () => {
    const { recommender } = start({ timeoutMs: 60_000, concurrency: 8 });
    model.mode = { kind: 'status', status: 401 };
    await asked(recommender, 2);
    model.mode = { kind: 'stall' };
    const shutdown = new AbortController();
    const cancelled = times(5, REQUEST).map((request) => recommender.recommend(request, shutdown.signal));
    await until('all are asked', () => model.calls() === 7);
    shutdown.abort();
    expect((await Promise.all(cancelled)).map(kind)).toEqual(times(5, 'AI_UNAVAILABLE cancelled'));
    model.mode = { kind: 'status', status: 401 };
    expect(await asked(recommender)).toEqual(['AI_UNAVAILABLE HTTP 401']);
    expect(await asked(recommender)).toEqual([CIRCUIT_OPEN]);
  });
});

describe('while it is open', () => {
  async function opened(changes: Partial<OpenAiOptions> = {}) {
    const started = start(changes);
    model.mode = { kind: 'status', status: 401 };
    await ask(started.recommender, 3);
    return started;
  }

  it('a recommendation fails at once, with where it would have come from', async () => {
    const { recommender } = await opened();
    const [answer] = await ask(recommender);
    expect(answer).toEqual({
      kind: 'failure',
      reasonCode: 'AI_UNAVAILABLE',
      cause: 'circuit open',
      rawText: null,
      provider: 'openai',
      model: 'stub-model',
      promptHash: sha256Hex(systemPrompt(playbook)),
      usage: null,
      durationMs: expect.any(Number),
    });
    expect(answer?.durationMs).toBeLessThan(100);
  });

  it('one call alone is sent when its time is over, and closes it', async () => {
    const { recommender, told, lines } = await opened();
    skippedMs = OPEN_MS - 1_000;
    expect(await asked(recommender, 5)).toEqual(times(5, CIRCUIT_OPEN));
    expect(model.calls()).toBe(3);
    skippedMs = OPEN_MS;
    model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
    model.delayMs = 30;
    expect(await asked(recommender, 10)).toEqual(['decision', ...times(9, CIRCUIT_OPEN)]);
    expect(model.calls()).toBe(4);
    expect(await asked(recommender, 4)).toEqual(times(4, 'decision'));
    expect(told).toEqual(['closed', 'open', 'halfOpen', 'closed'].map((state) => `circuit model ${state}`));
    expect(JSON.stringify(lines)).not.toMatch(/Canary|Partner API|sk-test|127\.0\.0\.1/);
  });

  it.each(['stall', 'stalledBody'] as const)(
    'and that call fails by a %s, it stays open for its time again, and recovers after it',
    async (mode) => {
      const { recommender } = await opened({ timeoutMs: 150 });
      skippedMs = OPEN_MS;
      model.mode = { kind: mode };
      const timedOut = 'AI_TIMEOUT no answer within 150 ms';
      expect(await asked(recommender, 3)).toEqual([timedOut, CIRCUIT_OPEN, CIRCUIT_OPEN]);
      skippedMs = 2 * OPEN_MS - 1_000;
      expect(await asked(recommender, 3)).toEqual(times(3, CIRCUIT_OPEN));
      skippedMs = 2 * OPEN_MS;
      model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
      expect(await asked(recommender)).toEqual(['decision']);
    },
  );
});

describe('a model that stalls', () => {
  const TIMEOUT_MS = 400;

  it('holds up 200 callers for one time-out at most, and later ones not at all', async () => {
    model.mode = { kind: 'stall' };
    const { recommender } = start({ timeoutMs: TIMEOUT_MS });
    const started = performance.now();
    const first = await asked(recommender, 200);
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 300);
    expect(first.slice(0, 4)).toEqual(times(4, `AI_TIMEOUT no answer within ${TIMEOUT_MS} ms`));
    expect(await asked(recommender, 200)).toEqual(times(200, CIRCUIT_OPEN));
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 600);
    expect(model.calls()).toBe(4);
  });

  it('lets those who wait for a slot go as soon as the circuit opens', async () => {
    model.mode = { kind: 'stall' };
    const { recommender } = start({ timeoutMs: TIMEOUT_MS });
    const first = ask(recommender, 4);
    await until('all slots are taken', () => model.calls() === 4);
    await delay(TIMEOUT_MS / 2);
    const waiting = await ask(recommender, 200);
    // The first two slots may be taken again before the third failure opens the circuit.
    const released = waiting.filter((answer) => kind(answer) === CIRCUIT_OPEN);
    expect(released.length).toBeGreaterThanOrEqual(198);
    expect(Math.max(...released.map(({ durationMs }) => durationMs))).toBeLessThan(TIMEOUT_MS);
    await first;
  });
});

it('the recommender of the service tells of its circuit, and opens it after ten failures', async () => {
  const watch = { logger: recordingLogger(), observer: recordingObserver() };
  const settings = {
    RECOMMENDER: 'openai',
    OPENAI_API_KEY: KEY,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: 'stub-model',
    MODEL_TIMEOUT_MS: 2_000,
    MODEL_CONCURRENCY: 64,
  } as const;
  const recommender = createRecommender(settings, playbook, clock, watch);
  model.mode = { kind: 'status', status: 401 };
  expect(await asked(recommender, 9)).toEqual(times(9, 'AI_UNAVAILABLE HTTP 401'));
  expect(watch.observer.told).toEqual(['circuit model closed']);
  await ask(recommender);
  expect(await asked(recommender)).toEqual([CIRCUIT_OPEN]);
  expect(watch.observer.told).toEqual(['circuit model closed', 'circuit model open']);
});
