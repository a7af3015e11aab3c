import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend, BackendAnswer } from '../../src/backends/port.ts';
import type { HttpBackendSpec } from '../../src/domain/playbook.ts';
import { openGate } from '../support/gate.ts';
import { recordingLogger, recordingObserver } from '../support/scripted.ts';
import { type StubBackend, type StubBackendMode, startStubBackend } from '../support/stubBackend.ts';
import { delay } from '../support/stubServer.ts';
import { until } from '../support/until.ts';
import { backendOf, CALL, specOf } from './support.ts';

const OPEN_MS = 60_000;
const circuitOpen = {
  result: 'FAILED',
  errorType: 'CIRCUIT_OPEN',
  responseDigest: null,
  durationMs: expect.any(Number),
};

let stub: StubBackend;
let skippedMs = 0;
beforeEach(async () => {
  stub = await startStubBackend();
  skippedMs = 0;
});
afterEach(() => stub.stop());

/** A backend whose circuit opens after three failures, on a clock that `skippedMs` moves on. */
function start(changes: Partial<HttpBackendSpec> = {}, options: Parameters<typeof backendOf>[1] = {}) {
  const watch = { logger: recordingLogger(), observer: recordingObserver() };
  const breaker = { failures: 3, openMs: OPEN_MS };
  const backend = backendOf(specOf({ url: `${stub.url}/`, timeoutMs: 2_000, breaker, ...changes }), {
    clock: { monotonicMs: () => performance.now() + skippedMs },
    watch,
    ...options,
  });
  return { backend, told: watch.observer.told };
}

const call = (backend: Backend, count: number): Promise<BackendAnswer[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) => backend.call({ ...CALL, idempotencyKey: `key-${index}` })),
  );
const kinds = (answers: readonly BackendAnswer[]) =>
  answers.map(({ result, errorType }) => `${result} ${errorType}`);
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** Calls one after the other, three of which must have opened the circuit. */
async function expectOpened(backend: Backend): Promise<void> {
  const answers = [];
  for (let index = 0; index < 4; index += 1) answers.push(await backend.call(CALL));
  expect(kinds(answers).slice(0, 3)).not.toContain('FAILED CIRCUIT_OPEN');
  expect(answers[3]).toEqual(circuitOpen);
  expect(backend.available()).toBe(false);
}

describe('the circuit opens', () => {
  it.each<readonly [string, StubBackendMode, number]>([
    ['500', { kind: 'status', status: 500 }, 2_000],
    ['503', { kind: 'status', status: 503 }, 2_000],
    ['429', { kind: 'status', status: 429 }, 2_000],
    ['408', { kind: 'status', status: 408 }, 2_000],
    ['resets', { kind: 'reset' }, 2_000],
    ['something that is no HTTP', { kind: 'garbage' }, 2_000],
    ['silence', { kind: 'stall' }, 150],
    ['a stalled body after 502', { kind: 'stalledBody', status: 502 }, 150],
  ])('for %s', async (_, mode, timeoutMs) => {
    stub.mode = mode;
    await expectOpened(start({ timeoutMs }).backend);
    expect(stub.calls()).toBe(3);
  });

  it('for connections that are refused', async () => {
    const gate = await openGate(stub.url);
    await gate.shut();
    await expectOpened(start({ url: gate.url }).backend);
  });

  it('for a name that does not resolve, or too late', async () => {
    const failing = async () => {
      throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    };
    await expectOpened(start({ url: 'http://partner.test/' }, { resolveHost: failing }).backend);
    const never = () => new Promise<never>(() => undefined);
    const slow = start({ url: 'http://partner.test/', timeoutMs: 40 }, { resolveHost: never });
    await expectOpened(slow.backend);
  });

  it('for what fails in TLS', async () => {
    await expectOpened(start({ url: `https://127.0.0.1:${stub.port}/` }).backend);
  });

  it('only for failures in a row', async () => {
    const { backend } = start();
    for (const status of [500, 503, 404, 500, 500, 200, 500, 500]) {
      stub.mode = { kind: 'status', status };
      await backend.call(CALL);
    }
    expect(backend.available()).toBe(true);
  });
});

describe('the circuit stays closed', () => {
  it.each([200, 400, 401, 404, 409, 418, 422, 307])('for %d, which is an answer', async (status) => {
    stub.mode = { kind: 'status', status, location: '/elsewhere' };
    const { backend } = start();
    await call(backend, 8);
    expect(backend.available()).toBe(true);
    expect(stub.calls()).toBe(8);
  });

  it('for a 503 that the playbook calls a success', async () => {
    stub.mode = { kind: 'status', status: 503 };
    const { backend } = start({ success: [503] });
    expect(kinds(await call(backend, 8))).toEqual(times(8, 'SUCCEEDED null'));
  });

  it('for what this process itself kept from being sent', async () => {
    const secret = start({ headers: { Authorization: 'Bearer $'.concat('{env:TOKEN}') } }).backend;
    expect(kinds(await call(secret, 8))).toEqual(times(8, 'FAILED SECRET_MISSING'));
    const refused = start({ allowPrivateHosts: [] }).backend;
    expect(kinds(await call(refused, 8))).toEqual(times(8, 'FAILED ADDRESS_REFUSED'));
    const { backend: late } = start();
    const answers = [];
    for (let index = 0; index < 8; index += 1) answers.push(await late.call({ ...CALL, deadlineMs: 0 }));
    expect(kinds(answers)).toEqual(times(8, 'FAILED NOT_SENT_IN_TIME'));
    expect([secret, refused, late].map((backend) => backend.available())).toEqual([true, true, true]);
  });

  it('for calls that found no free slot in time, while the backend is slow but answers', async () => {
    stub.delayMs = 100;
    const { backend } = start({ concurrency: 1, timeoutMs: 250 });
    const answers = kinds(await call(backend, 8));
    expect(answers[0]).toBe('SUCCEEDED null');
    expect(answers.slice(3)).toEqual(times(5, 'FAILED QUEUE_TIMEOUT'));
    expect(backend.available()).toBe(true);
  });
});

describe('an open circuit', () => {
  async function opened(changes: Partial<HttpBackendSpec> = {}) {
    const started = start(changes);
    stub.mode = { kind: 'status', status: 503 };
    await call(started.backend, 3);
    expect(started.backend.available()).toBe(false);
    return started;
  }

  it('sends nothing until its time is over; then one call alone, which closes it', async () => {
    const { backend, told } = await opened();
    skippedMs = OPEN_MS - 1_000;
    expect(await call(backend, 5)).toEqual(times(5, circuitOpen));
    expect(stub.calls()).toBe(3);
    skippedMs = OPEN_MS;
    stub.mode = { kind: 'status', status: 200 };
    stub.delayMs = 30;
    expect([backend.available(), backend.available()]).toEqual([true, false]);
    const answers = await call(backend, 10);
    expect(kinds(answers)).toEqual(['SUCCEEDED null', ...times(9, 'FAILED CIRCUIT_OPEN')]);
    expect(answers[9]?.durationMs).toBeLessThan(answers[0]?.durationMs ?? 0);
    expect(stub.calls()).toBe(4);
    expect(backend.available()).toBe(true);
    expect(kinds(await call(backend, 10))).toEqual(times(10, 'SUCCEEDED null'));
    expect(told).toEqual(
      ['closed', 'open', 'halfOpen', 'closed'].map((state) => `circuit PARTNER_API ${state}`),
    );
  });

  it('stays open for its time again when that call fails', async () => {
    const { backend } = await opened();
    skippedMs = OPEN_MS;
    expect(kinds(await call(backend, 4))).toEqual(['UNKNOWN HTTP_503', ...times(3, 'FAILED CIRCUIT_OPEN')]);
    skippedMs = 2 * OPEN_MS - 1_000;
    expect(await call(backend, 4)).toEqual(times(4, circuitOpen));
    skippedMs = 2 * OPEN_MS;
    stub.mode = { kind: 'status', status: 404 };
    expect(kinds(await call(backend, 1))).toEqual(['FAILED HTTP_404']);
    expect(backend.available()).toBe(true);
    expect(stub.calls()).toBe(5);
  });

  it('is of one backend only', async () => {
    const { backend } = await opened();
    const other = start().backend;
    expect([backend.available(), other.available()]).toEqual([false, true]);
  });
});

describe('a backend that stalls', () => {
  const TIMEOUT_MS = 400;

  it('holds up 200 callers for one time-out at most, and later ones not at all', async () => {
    stub.mode = { kind: 'stall' };
    const { backend } = start({ concurrency: 4, timeoutMs: TIMEOUT_MS });
    const started = performance.now();
    const answers = kinds(await call(backend, 200));
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 300);
    expect(answers.slice(0, 4)).toEqual(times(4, 'UNKNOWN TIMEOUT'));
    expect(answers.slice(4).every((answer) => /QUEUE_TIMEOUT|CIRCUIT_OPEN/.test(answer))).toBe(true);
    expect(await call(backend, 200)).toEqual(times(200, circuitOpen));
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 600);
    expect(stub.calls()).toBe(4);
  });

  it('lets those who wait for a slot go as soon as the circuit opens', async () => {
    stub.mode = { kind: 'stall' };
    const { backend } = start({ concurrency: 4, timeoutMs: TIMEOUT_MS });
    const first = call(backend, 4);
    await until('all slots are taken', () => stub.calls() === 4);
    await delay(TIMEOUT_MS / 2);
    const waiting = await call(backend, 200);
    // The first two slots may be taken again before the third failure opens the circuit.
    const sent = waiting.filter(({ errorType }) => errorType === 'TIMEOUT');
    const released = waiting.filter(({ errorType }) => errorType === 'CIRCUIT_OPEN');
    expect(sent.length).toBeLessThanOrEqual(2);
    expect(sent.length + released.length).toBe(200);
    expect(Math.max(...released.map(({ durationMs }) => durationMs))).toBeLessThan(TIMEOUT_MS);
    expect(kinds(await first)).toEqual(times(4, 'UNKNOWN TIMEOUT'));
    expect(stub.calls()).toBe(4 + sent.length);
  });
});
