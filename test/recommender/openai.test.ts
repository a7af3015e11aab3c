import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../src/domain/hash.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { createNoneRecommender } from '../../src/recommender/none.ts';
import { createOpenAiRecommender, type OpenAiOptions } from '../../src/recommender/openai.ts';
import type { RecommendationRequest, Recommender } from '../../src/recommender/port.ts';
import { systemPrompt } from '../../src/recommender/prompt.ts';
import { CONFIDENT_RETRY, MODEL_FAILURES, type StubModel, startStubModel } from '../support/stubModel.ts';

const playbook = parsePlaybook(
  readFileSync(new URL('../../config/playbook.yaml', import.meta.url), 'utf8'),
  'playbook.yaml',
);
const CANARY = 'Canary-4711';
const KEY = 'sk-test-key-never-shown';
const REQUEST: RecommendationRequest = {
  task: { description: `Partner API failed again, ${CANARY}`, channel: 'OPS', userRole: 'SYSTEM' },
  case: { caseState: 'OPEN', retryCount: 1, lastErrorType: 'TIMEOUT', priority: 'MEDIUM' },
};
const never = (): AbortSignal => new AbortController().signal;

let model: StubModel;
beforeEach(async () => {
  model = await startStubModel();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await model.stop();
});

const recommenderOf = (changes: Partial<OpenAiOptions> = {}): Recommender =>
  createOpenAiRecommender({
    playbook,
    apiKey: KEY,
    baseUrl: model.baseUrl,
    model: 'stub-model',
    timeoutMs: 150,
    concurrency: 4,
    clock: { monotonicMs: () => performance.now() },
    ...changes,
  });

describe('an answer that keeps the contract', () => {
  it('is the decision, with where it came from', async () => {
    const answer = await recommenderOf().recommend(REQUEST, never());
    expect(answer).toEqual({
      kind: 'decision',
      source: 'model',
      decision: CONFIDENT_RETRY,
      provider: 'openai',
      model: 'stub-model',
      promptHash: sha256Hex(systemPrompt(playbook)),
      usage: { inputTokens: 321, outputTokens: 45 },
      durationMs: expect.any(Number),
    });
    expect(model.calls()).toBe(1);
  });

  it('is asked for with the task as JSON data, the playbook as instructions and a strict schema', async () => {
    await recommenderOf().recommend(REQUEST, never());
    const sent = JSON.parse(model.requests[0]?.body ?? '');
    expect(sent.messages).toEqual([
      { role: 'system', content: systemPrompt(playbook) },
      { role: 'user', content: expect.any(String) },
    ]);
    expect(JSON.parse(sent.messages[1].content)).toEqual({ task: REQUEST.task, case: REQUEST.case });
    expect(sent.messages[0].content).toContain(playbook.prompt.trim());
    expect(sent.messages[0].content).not.toContain(CANARY);
    const { schema, strict } = sent.response_format.json_schema;
    expect(strict).toBe(true);
    expect(schema.required).toEqual(Object.keys(CONFIDENT_RETRY));
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.intent.enum).toEqual(Object.keys(playbook.intents));
    expect(schema.properties.riskScore).toEqual({ type: 'number' });
  });

  it('costs no retry and no time beyond its own after one failure that passes', async () => {
    model.mode = { kind: 'status', status: 429, retryAfter: '0' };
    const recommender = recommenderOf({
      fetch: async (...args) => {
        const response = await fetch(...args);
        model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
        return response;
      },
    });
    expect(await recommender.recommend(REQUEST, never())).toMatchObject({ kind: 'decision' });
    expect(model.calls()).toBe(2);
  });
});

describe('a failure', () => {
  it.each(MODEL_FAILURES)('$name is $reasonCode', async ({ mode, reasonCode, rawText }) => {
    model.mode = mode;
    const started = performance.now();
    const answer = await recommenderOf().recommend(REQUEST, never());
    expect(performance.now() - started).toBeLessThan(400);
    if (answer.kind !== 'failure') throw new Error('expected a failure');
    expect(answer.reasonCode).toBe(reasonCode);
    if (rawText === null) expect(answer.rawText).toBeNull();
    else expect(answer.rawText).toContain(rawText);
    expect(answer.rawText?.isWellFormed() ?? true).toBe(true);
    expect(answer.cause.length).toBeLessThan(160);
    expect(answer.cause).not.toMatch(/Canary|Partner API|stub failure|sk-test|127\.0\.0\.1/);
  });

  it('names the cause of a refused connection', async () => {
    const port = await closedPort();
    const answer = await recommenderOf({ baseUrl: `http://127.0.0.1:${port}/v1` }).recommend(
      REQUEST,
      never(),
    );
    expect(answer).toMatchObject({ reasonCode: 'AI_UNAVAILABLE', cause: 'connection refused' });
  });

  it('keeps at most 16 KiB of a broken answer and never half a character', async () => {
    model.mode = { kind: 'content', content: `a${'€'.repeat(10_000)}` };
    const answer = await recommenderOf().recommend(REQUEST, never());
    if (answer.kind !== 'failure') throw new Error('expected a failure');
    expect(answer.rawText).toBe(`a${'€'.repeat(5461)}`);
    expect(Buffer.byteLength(answer.rawText ?? '', 'utf8')).toBe(16_384);
  });

  it('does not read an endless answer to its end', async () => {
    model.mode = { kind: 'body', contentType: 'application/json', body: `"${'x'.repeat(3_000_000)}"` };
    const answer = await recommenderOf({ timeoutMs: 1000 }).recommend(REQUEST, never());
    expect(answer).toMatchObject({ reasonCode: 'AI_INVALID_RESPONSE', cause: 'the body is not JSON' });
  });

  it('is not tried again when the quota is used up, though there is time', async () => {
    model.mode = { kind: 'status', status: 429, code: 'insufficient_quota', retryAfter: '0' };
    const answer = await recommenderOf({ timeoutMs: 2000 }).recommend(REQUEST, never());
    expect(answer).toMatchObject({ reasonCode: 'AI_RATE_LIMITED', cause: 'HTTP 429 insufficient_quota' });
    expect(model.calls()).toBe(1);
  });

  it('is tried again once at most', async () => {
    model.mode = { kind: 'status', status: 500, retryAfter: '0' };
    await recommenderOf({ timeoutMs: 2000 }).recommend(REQUEST, never());
    expect(model.calls()).toBe(2);
  });

  it('does not follow a redirect', async () => {
    const elsewhere = await startStubModel();
    try {
      model.mode = { kind: 'status', status: 308, location: `${elsewhere.baseUrl}/chat/completions` };
      const answer = await recommenderOf().recommend(REQUEST, never());
      expect(answer).toMatchObject({ reasonCode: 'AI_UNAVAILABLE', cause: 'HTTP 308' });
      expect(elsewhere.calls()).toBe(0);
    } finally {
      await elsewhere.stop();
    }
  });
});

describe('the deadline', () => {
  it('covers the retry too', async () => {
    model.mode = { kind: 'status', status: 503, retryAfter: '0' };
    const recommender = recommenderOf({
      fetch: async (...args) => {
        const response = await fetch(...args);
        model.mode = { kind: 'stall' };
        return response;
      },
    });
    const answer = await recommender.recommend(REQUEST, never());
    expect(answer).toMatchObject({ reasonCode: 'AI_TIMEOUT', cause: 'no answer within 150 ms' });
    expect(answer.durationMs).toBeLessThan(400);
    expect(model.calls()).toBe(2);
  });

  it('covers the waiting for a free slot, and what waited in vain is never sent', async () => {
    model.mode = { kind: 'stall' };
    const recommender = recommenderOf({ concurrency: 1, timeoutMs: 120 });
    const answers = await Promise.all([1, 2, 3].map(() => recommender.recommend(REQUEST, never())));
    expect(answers.map((answer) => answer.kind === 'failure' && answer.cause)).toEqual([
      'no answer within 120 ms',
      'no free slot within 120 ms',
      'no free slot within 120 ms',
    ]);
    model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
    expect(await recommender.recommend(REQUEST, never())).toMatchObject({ kind: 'decision' });
    expect(model.calls()).toBe(2);
  });

  it('ends early when the caller gives up', async () => {
    model.mode = { kind: 'stall' };
    const caller = new AbortController();
    const pending = recommenderOf({ timeoutMs: 60_000 }).recommend(REQUEST, caller.signal);
    await vi.waitFor(() => expect(model.calls()).toBe(1));
    caller.abort();
    expect(await pending).toMatchObject({ reasonCode: 'AI_UNAVAILABLE', cause: 'cancelled' });
    expect(await recommenderOf().recommend(REQUEST, caller.signal)).toMatchObject({ cause: 'cancelled' });
    expect(model.calls()).toBe(1);
  });
});

it('bounds how many calls are open at one time', async () => {
  model.delayMs = 30;
  const recommender = recommenderOf({ concurrency: 3, timeoutMs: 5000 });
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => recommender.recommend(REQUEST, never())),
  );
  expect(answers.filter((answer) => answer.kind === 'decision')).toHaveLength(12);
  expect(model.peak()).toBe(3);
});

it('reads no environment of its own and writes no log', async () => {
  vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/v1');
  vi.stubEnv('OPENAI_ORG_ID', 'org-from-env');
  vi.stubEnv('OPENAI_PROJECT_ID', 'project-from-env');
  vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'X-From-Env: yes\nAuthorization: Bearer from-env');
  vi.stubEnv('OPENAI_LOG', 'debug');
  const methods = ['debug', 'info', 'log', 'warn', 'error'] as const;
  const written = methods.map((method) => vi.spyOn(console, method));
  await recommenderOf().recommend(REQUEST, never());
  model.mode = { kind: 'status', status: 500 };
  await recommenderOf().recommend(REQUEST, never());
  const headers = model.requests[0]?.headers ?? {};
  expect(headers.authorization).toBe(`Bearer ${KEY}`);
  expect(JSON.stringify(headers)).not.toContain('from-env');
  expect(Object.keys(headers)).not.toContain('x-from-env');
  expect(written.map((spy) => spy.mock.calls)).toEqual([[], [], [], [], []]);
});

it('says where text is sent', () => {
  const recommender = recommenderOf({ baseUrl: 'https://models.example/v1' });
  expect(recommender.describe()).toBe(
    'openai: model stub-model; task text is sent to https://models.example/v1',
  );
  expect(recommenderOf({ baseUrl: undefined }).describe()).toContain('https://api.openai.com/v1');
});

it.each([
  'https://user:secret@models.example/v1',
  'https://models.example/v1?key=secret',
  'models.example',
  'ftp://models.example',
])('refuses the base URL %s at the start without repeating it', (baseUrl) => {
  expect(() => recommenderOf({ baseUrl })).toThrow(expect.objectContaining({ code: 'INVALID_BASE_URL' }));
  expect(() => recommenderOf({ baseUrl })).not.toThrow(/secret/);
});

it('none never recommends', async () => {
  const none = createNoneRecommender();
  expect(await none.recommend(REQUEST, never())).toEqual({
    kind: 'failure',
    provider: 'none',
    model: null,
    promptHash: null,
    usage: null,
    durationMs: 0,
    reasonCode: 'AI_UNAVAILABLE',
    cause: 'no recommender is configured',
    rawText: null,
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
