import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import { selfSignedCertificate } from '../support/certificate.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { until } from '../support/until.ts';
import { type RawServer, startRawServer } from './rawServer.ts';
import { backendOf, CALL, specOf } from './support.ts';

const inMs = (ms: number): number => performance.now() + ms;
const notSent = {
  result: 'FAILED',
  errorType: 'NOT_SENT_IN_TIME',
  responseDigest: null,
  durationMs: expect.any(Number),
};
const timedOut = { ...notSent, result: 'UNKNOWN', errorType: 'TIMEOUT' };
const LOCALHOST = [{ address: '127.0.0.1', family: 4 }];

let stub: StubBackend;
let raw: RawServer | undefined;
beforeEach(async () => {
  stub = await startStubBackend();
});
afterEach(async () => {
  await stub.stop();
  await raw?.stop();
  raw = undefined;
});

const spec = (changes = {}) => specOf({ url: `${stub.url}/`, timeoutMs: 5_000, ...changes });

/** How long a call took, and what it answered. */
async function timed(call: Promise<BackendAnswer>): Promise<readonly [BackendAnswer, number]> {
  const started = performance.now();
  return [await call, performance.now() - started];
}

describe('a deadline that is sooner than the time-out', () => {
  it.each([0, -1, -1_000_000, Number.NEGATIVE_INFINITY, Number.NaN])(
    'and is %d ms from now lets nothing be sent',
    async (ms) => {
      expect(await backendOf(spec()).call({ ...CALL, deadlineMs: inMs(ms) })).toEqual(notSent);
      expect(stub.calls()).toBe(0);
    },
  );

  it('and passes while the call waits for a slot lets nothing be sent, then or later', async () => {
    stub.mode = { kind: 'stall' };
    const backend = backendOf(spec({ concurrency: 1 }));
    const first = backend.call({ ...CALL, deadlineMs: inMs(300) });
    await until('the slot is taken', () => stub.calls() === 1);
    const waiting = backend.call({ ...CALL, idempotencyKey: 'key-2', deadlineMs: inMs(60) });
    const [answer, took] = await timed(waiting);
    expect(answer).toEqual(notSent);
    expect(took).toBeLessThan(200);
    expect(await first).toEqual(timedOut);
    stub.mode = { kind: 'status', status: 200 };
    expect(await backend.call({ ...CALL, idempotencyKey: 'key-3' })).toMatchObject({ result: 'SUCCEEDED' });
    expect([...stub.callsPerKey()]).toEqual([
      ['key-1', 1],
      ['key-3', 1],
    ]);
  });

  it('and passes while the call connects lets nothing be sent, then or later', async () => {
    raw = await startRawServer();
    const { promise, resolve } = Promise.withResolvers<typeof LOCALHOST>();
    const backend = backendOf(specOf({ url: `http://partner.test:${raw.port}/`, timeoutMs: 5_000 }), {
      resolveHost: () => promise,
    });
    const [answer, took] = await timed(backend.call({ ...CALL, deadlineMs: inMs(60) }));
    expect(answer).toEqual(notSent);
    expect(took).toBeLessThan(300);
    resolve(LOCALHOST);
    await until('the connection is made all the same', () => raw?.connections() === 1);
    expect(await raw.ends()).toEqual(['FIN']);
    expect(raw.bytes()).toBe(0);
  });

  it.each(['deadline', 'time-out'])(
    'is read off the clock just before the request is written: the %s is over, and no timer has noticed',
    async (which) => {
      raw = await startRawServer();
      let heldUpMs = 0;
      const clock = { monotonicMs: () => performance.now() + heldUpMs };
      const backend = backendOf(specOf({ url: `http://partner.test:${raw.port}/`, timeoutMs: 20_000 }), {
        clock,
        // What a process sees that was stopped while it connected.
        resolveHost: async () => {
          heldUpMs = which === 'deadline' ? 10_000 : 20_000;
          return LOCALHOST;
        },
      });
      const deadlineMs = which === 'deadline' ? inMs(10_000) : Number.POSITIVE_INFINITY;
      const answer = await backend.call({ ...CALL, deadlineMs });
      expect(answer).toMatchObject({
        result: 'FAILED',
        errorType: which === 'deadline' ? 'NOT_SENT_IN_TIME' : 'CONNECT_TIMEOUT',
      });
      expect(await raw.ends()).toHaveLength(1);
      expect(raw.bytes()).toBe(0);
    },
  );

  it('ends a call that has been sent', async () => {
    stub.mode = { kind: 'stall' };
    const [answer, took] = await timed(backendOf(spec()).call({ ...CALL, deadlineMs: inMs(80) }));
    expect(answer).toEqual(timedOut);
    expect(took).toBeLessThan(400);
    expect(stub.calls()).toBe(1);
  });
});

it('a deadline that is later than the time-out changes nothing', async () => {
  stub.mode = { kind: 'stall' };
  const backend = backendOf(spec({ timeoutMs: 80 }));
  const [answer, took] = await timed(backend.call({ ...CALL, deadlineMs: inMs(60_000) }));
  expect(answer).toEqual(timedOut);
  expect(took).toBeLessThan(400);
});

describe('over TLS and without', () => {
  const certificate = selfSignedCertificate();
  const trusted = getCACertificates('default');
  beforeEach(() => setDefaultCACertificates([...trusted, certificate.cert]));
  afterEach(() => setDefaultCACertificates(trusted));
  const local = { resolveHost: async () => LOCALHOST };

  it.each(['http', 'https'])(
    'what the kernel still holds is not delivered after a call by %s has ended without an answer',
    async (scheme) => {
      const size = 900_000;
      raw = await startRawServer(scheme === 'https' ? certificate : undefined, false);
      const url = `${scheme}://localhost:${raw.port}/`;
      const backend = backendOf(specOf({ url, body: 'x'.repeat(size), timeoutMs: 400 }), local);
      expect(await backend.call(CALL)).toEqual(timedOut);
      raw.read();
      expect(await raw.ends()).toEqual(['ECONNRESET']);
      expect(raw.bytes()).toBeLessThan(size);
    },
  );

  it('a call by https is answered, unless nobody trusts the certificate', async () => {
    const server = createServer(certificate, (_request, response) => response.end('{"ok":true}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const call = () => {
      const url = `https://localhost:${port}/`;
      return backendOf(specOf({ url, timeoutMs: 5_000 }), local).call(CALL);
    };
    try {
      expect(await call()).toMatchObject({ result: 'SUCCEEDED', errorType: null });
      setDefaultCACertificates(trusted);
      expect(await call()).toMatchObject({ result: 'FAILED', errorType: 'TLS_FAILED' });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
