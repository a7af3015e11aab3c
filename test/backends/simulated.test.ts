import { expect, it } from 'vitest';
import { createSimulatedBackend } from '../../src/backends/simulated.ts';
import type { SimulatedBackendSpec } from '../../src/domain/playbook.ts';
import { CALL } from './support.ts';

function simulatedOf(changes: Partial<SimulatedBackendSpec> = {}) {
  const slept: number[] = [];
  let now = 0;
  const backend = createSimulatedBackend({
    route: 'CORE_SYSTEM',
    spec: {
      kind: 'simulated',
      idempotent: true,
      timeoutMs: 1000,
      latencyMs: 0,
      failureRate: 0,
      lookup: false,
      ...changes,
    },
    clock: {
      monotonicMs: () => now,
      sleep: async (ms) => {
        slept.push(ms);
        now += ms;
      },
    },
  });
  return { backend, slept };
}

it('succeeds with a digest that is a function of the call alone', async () => {
  const first = await simulatedOf().backend.call(CALL);
  expect(first).toEqual({
    result: 'SUCCEEDED',
    errorType: null,
    responseDigest: 'ce15908af5ad6316a3d279a6e59008f01b1ef2f2ddb3067c74f20739456adba6',
    durationMs: 0,
  });
  expect(await simulatedOf().backend.call(CALL)).toEqual(first);
});

it('fails as often as the rate says, always for the same keys', async () => {
  const { backend } = simulatedOf({ failureRate: 0.3 });
  const run = () =>
    Promise.all(
      Array.from({ length: 1000 }, (_, index) => backend.call({ ...CALL, idempotencyKey: `key-${index}` })),
    );
  const answers = await run();
  const failures = answers.filter(({ result }) => result === 'FAILED');
  expect(failures.length).toBeGreaterThan(250);
  expect(failures.length).toBeLessThan(350);
  expect(failures[0]).toEqual({
    result: 'FAILED',
    errorType: 'SIMULATED_FAILURE',
    responseDigest: null,
    durationMs: 0,
  });
  expect(await run()).toEqual(answers);
});

it.each([
  [0, 'SUCCEEDED'],
  [1, 'FAILED'],
])('at rate %d every call is %s', async (failureRate, result) => {
  const { backend } = simulatedOf({ failureRate });
  for (let index = 0; index < 200; index += 1) {
    expect(await backend.call({ ...CALL, idempotencyKey: `key-${index}` })).toMatchObject({ result });
  }
});

it('takes its latency, and never longer than its time-out', async () => {
  const quick = simulatedOf({ latencyMs: 40 });
  expect(await quick.backend.call(CALL)).toMatchObject({ result: 'SUCCEEDED', durationMs: 40 });
  expect(quick.slept).toEqual([40]);
  const slow = simulatedOf({ latencyMs: 2000 });
  expect(await slow.backend.call(CALL)).toEqual({
    result: 'UNKNOWN',
    errorType: 'TIMEOUT',
    responseDigest: null,
    durationMs: 1000,
  });
  expect(slow.slept).toEqual([1000]);
});

it('says that it is simulated', () => {
  const { backend } = simulatedOf({ failureRate: 0.5 });
  expect(backend.kind).toBe('simulated');
  expect(backend.describe()).toBe('CORE_SYSTEM: simulated, calls nobody, failure rate 0.5');
});

it('sends nothing from its deadline on, and has ended by then', async () => {
  const { backend, slept } = simulatedOf({ latencyMs: 40 });
  const late = await backend.call({ ...CALL, deadlineMs: 0 });
  expect(late).toMatchObject({ result: 'FAILED', errorType: 'NOT_SENT_IN_TIME', durationMs: 0 });
  const short = await backend.call({ ...CALL, deadlineMs: 30 });
  expect(short).toMatchObject({ result: 'UNKNOWN', errorType: 'TIMEOUT', durationMs: 30 });
  const enough = await backend.call({ ...CALL, deadlineMs: 70 });
  expect(enough).toMatchObject({ result: 'SUCCEEDED', durationMs: 40 });
  expect(slept).toEqual([30, 40]);
});

it('tells in a lookup what a call came to or would have come to, if it has one', async () => {
  expect(simulatedOf().backend.lookUp).toBeNull();
  const quick = simulatedOf({ lookup: true, failureRate: 0.5 });
  for (let index = 0; index < 50; index += 1) {
    const call = { ...CALL, idempotencyKey: `key-${index}` };
    expect(await quick.backend.lookUp?.(call)).toEqual(await quick.backend.call(call));
  }
  const slow = simulatedOf({ lookup: true, latencyMs: 2000 });
  expect(await slow.backend.call(CALL)).toMatchObject({ result: 'UNKNOWN' });
  expect(await slow.backend.lookUp?.({ ...CALL, deadlineMs: 0 })).toMatchObject({ result: 'SUCCEEDED' });
});
