import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/domain/hash.ts';
import { createTestApp, newCase, newTask, type TestApp, type TestAppOptions } from '../support/app.ts';
import { failed, modelFails, modelSays, succeeded } from '../support/scripted.ts';

let service: TestApp;
let calls: { model: number; backend: number };

/** The service with the sample case, counting calls. */
async function start(options: TestAppOptions = {}): Promise<void> {
  calls = { model: 0, backend: 0 };
  const { model = () => modelSays(), backend = () => succeeded } = options;
  service = await createTestApp({
    ...options,
    model: (...args) => {
      calls.model += 1;
      return model(...args);
    },
    backend: (...args) => {
      calls.backend += 1;
      return backend(...args);
    },
  });
  await service.post('/cases', newCase());
}
beforeEach(() => start());
afterEach(() => service.close());

const submit = (changes: object = {}, headers: Record<string, string> = {}) =>
  service.post('/case-task', { ...newTask(), ...changes }, headers);

describe('POST /case-task', () => {
  it('answers with the outcome, every guardrail, and where it stands', async () => {
    const answer = await submit();
    expect(answer.statusCode).toBe(200);
    const body = answer.json();
    expect(body).toMatchObject({
      outcome: 'AUTO_SUCCESS',
      status: 'COMPLETED',
      caseId: 'C1001',
      revision: 5,
      decision: {
        intent: 'RETRY_EXTERNAL_CALL',
        nextStep: 'AUTOMATED_EXECUTION',
        routeTarget: 'PARTNER_API',
      },
      manual: null,
      simulated: false,
    });
    expect(body.taskId).toMatch(/^C1001~[0-9a-f]{32}$/);
    expect(body.guardrails).toHaveLength(15);
    expect(body.guardrails.every(({ passed }: { passed: boolean }) => passed)).toBe(true);
    expect(body).not.toHaveProperty('askAnew');
    expect(answer.headers).not.toHaveProperty('idempotency-replayed');
    expect(body.idempotencyKey).toBe(
      sha256Hex('C1001|partner api failed again with timeout, please retry for policy 4711'),
    );
  });

  it('says what the policy missed, where it goes to a person', async () => {
    await service.close();
    await start({ model: () => modelSays({ confidence: 0.5, riskScore: 0.9 }) });
    expect((await submit()).json()).toMatchObject({
      outcome: 'MANUAL',
      status: 'IN_REVIEW',
      manual: {
        queue: 'operations',
        codes: ['CONFIDENCE_TOO_LOW', 'RISK_TOO_HIGH'],
        reasons: [
          {
            guardrail: 'confidence',
            message: 'The recommendation is not certain enough.',
            actual: 0.5,
            required: '>= 0.8',
          },
          {
            guardrail: 'risk',
            message: 'The recommendation carries too much risk.',
            actual: 0.9,
            required: '<= 0.3',
          },
        ],
      },
    });
    expect(calls).toEqual({ model: 1, backend: 0 });
  });

  it('answers a failure of the model and of the backend with 200 as well', async () => {
    await service.close();
    await start({ model: () => modelFails('AI_TIMEOUT', 'deadline of 8000 ms') });
    expect((await submit()).json()).toMatchObject({
      outcome: 'MANUAL',
      decision: { reasonCode: 'AI_TIMEOUT' },
    });
    await service.close();
    await start({ backend: () => failed });
    expect((await submit()).json()).toMatchObject({
      outcome: 'AUTO_FAILED',
      manual: { codes: ['ACTION_FAILED'] },
    });
  });
});

describe('a repeat', () => {
  it('gets the recorded answer, says so and tells how to ask anew', async () => {
    const first = await submit();
    const repeat = await submit({
      case_id: ' C1001 ',
      description: `  ${String(newTask().description).toUpperCase()} `,
    });
    expect(repeat.statusCode).toBe(200);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.json()).toEqual({
      ...first.json(),
      askAnew: 'This is the recorded answer to the same request. To ask anew, send a new Idempotency-Key.',
    });
    expect(calls).toEqual({ model: 1, backend: 1 });
  });

  it.each([
    ['"order-1"', 'order-1'],
    ['order-1', '"order-1"'],
    ['"a\\"b\\\\c"', '"a\\"b\\\\c"'],
    ['"with space"', '"with space"'],
    ['x'.repeat(255), `"${'x'.repeat(255)}"`],
  ])('with the key %.20s is one with %.20s', async (one, other) => {
    const first = await submit({}, { 'idempotency-key': one });
    const repeat = await submit({}, { 'idempotency-key': other });
    expect(repeat.json().taskId).toBe(first.json().taskId);
    expect(repeat.json().idempotencyKey).toBe(first.json().idempotencyKey);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
  });

  it('with another key is another task', async () => {
    const first = await submit({}, { 'idempotency-key': 'a' });
    const second = await submit({}, { 'idempotency-key': 'b' });
    expect(second.json().taskId).not.toBe(first.json().taskId);
    expect(second.headers).not.toHaveProperty('idempotency-replayed');
    expect(calls.model).toBe(2);
  });

  it('never meets a derived key with a sent one', async () => {
    const derived = await submit();
    const sent = await submit({}, { 'idempotency-key': derived.json().idempotencyKey });
    expect(sent.json().idempotencyKey).toBe(derived.json().idempotencyKey);
    expect(sent.json().taskId).not.toBe(derived.json().taskId);
  });

  it.each([
    ['description', { description: 'Something else' }],
    ['channel', { channel: 'EMAIL' }],
    ['user_role', { user_role: 'AGENT' }],
  ])('with the same key and another %s is refused', async (field, changes) => {
    await submit({}, { 'idempotency-key': 'a' });
    const before = await service.events();
    const answer = await submit(changes, { 'idempotency-key': 'a' });
    expect(answer.statusCode).toBe(422);
    const message = `the same idempotency key came first with another ${field}; send a new Idempotency-Key to ask anew`;
    expect(answer.json()).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      errors: [{ field, message }],
    });
    expect(await service.events()).toEqual(before);
  });
});

describe('an outcome that is not there in time', () => {
  it('is answered with 202 and where to look; the task goes on', async () => {
    await service.close();
    let decide: () => void = () => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    await start({ waitMs: 20, model: () => decided.then(() => modelSays()) });
    const answer = await submit();
    expect(answer.statusCode).toBe(202);
    const { taskId, outcome, status, decision, guardrails } = answer.json();
    expect({ outcome, status, decision, guardrails }).toEqual({
      outcome: null,
      status: 'RECEIVED',
      decision: null,
      guardrails: [],
    });
    const location = String(answer.headers.location);
    expect(decodeURIComponent(location)).toBe(`/tasks/${taskId}`);
    expect((await service.get(location)).json()).toMatchObject({ taskId, outcome: null, status: 'RECEIVED' });

    decide();
    await expect
      .poll(async () => (await service.get(location)).json())
      .toMatchObject({
        taskId,
        outcome: 'AUTO_SUCCESS',
        status: 'COMPLETED',
        decisionSource: 'model',
        verdicts: [{ verdict: 'EXECUTE', attempt: 1 }],
        attempts: [{ attempt: 1, backend: 'PARTNER_API', result: 'SUCCEEDED' }],
      });
    expect((await submit()).statusCode).toBe(200);
    expect(calls).toEqual({ model: 1, backend: 1 });
  });

  it('is refused with 503 and Retry-After beyond what may be in flight; nothing is recorded', async () => {
    await service.close();
    await start({ waitMs: 20, maxInFlight: 1, model: (_request, _call, signal) => untilAborted(signal) });
    expect((await submit()).statusCode).toBe(202);
    const before = await service.events();
    const answer = await submit({}, { 'idempotency-key': 'another' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({
      code: 'OVERLOADED',
      detail: '1 tasks are in flight; nothing was recorded',
    });
    expect(await service.events()).toEqual(before);
  });
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<ReturnType<typeof modelFails>>((resolve) => {
    signal.addEventListener('abort', () => resolve(modelFails('AI_UNAVAILABLE', 'aborted')), { once: true });
  });
