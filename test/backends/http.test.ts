import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import type { HttpBackendSpec } from '../../src/domain/playbook.ts';
import { type StubBackend, type StubBackendMode, startStubBackend } from '../support/stubBackend.ts';
import { backendOf, CALL, specOf } from './support.ts';

let stub: StubBackend;
beforeEach(async () => {
  stub = await startStubBackend();
});
afterEach(() => stub.stop());

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const answer = (
  result: BackendAnswer['result'],
  errorType: string | null,
  responseDigest: string | null = null,
) => ({ result, errorType, responseDigest, durationMs: expect.any(Number) });
const spec = (changes: Partial<HttpBackendSpec> = {}): HttpBackendSpec =>
  specOf({ url: `${stub.url}/orders/{caseId}`, ...changes });

describe('an answer', () => {
  const OK = digest('{"ok":true}');
  const rows: readonly (readonly [string, StubBackendMode, ReturnType<typeof answer>])[] = [
    ['200', { kind: 'status', status: 200 }, answer('SUCCEEDED', null, OK)],
    ['204 without a body', { kind: 'status', status: 204 }, answer('SUCCEEDED', null)],
    ['422', { kind: 'status', status: 422 }, answer('FAILED', 'HTTP_422', OK)],
    ['429', { kind: 'status', status: 429 }, answer('FAILED', 'HTTP_429', OK)],
    ['500', { kind: 'status', status: 500 }, answer('UNKNOWN', 'HTTP_500', OK)],
    ['503', { kind: 'status', status: 503 }, answer('UNKNOWN', 'HTTP_503', OK)],
    ['418, which is in no list', { kind: 'status', status: 418 }, answer('UNKNOWN', 'HTTP_418', OK)],
    [
      'a redirect',
      { kind: 'status', status: 307, location: '/elsewhere' },
      answer('UNKNOWN', 'HTTP_307', OK),
    ],
    ['silence', { kind: 'stall' }, answer('UNKNOWN', 'TIMEOUT')],
    ['a reset', { kind: 'reset' }, answer('UNKNOWN', 'CONNECTION_RESET')],
    ['something that is no HTTP', { kind: 'garbage' }, answer('UNKNOWN', 'INVALID_RESPONSE')],
    ['a body that stalls after a success', { kind: 'stalledBody', status: 201 }, answer('SUCCEEDED', null)],
    [
      'a body that stalls after a failure',
      { kind: 'stalledBody', status: 409 },
      answer('FAILED', 'HTTP_409'),
    ],
    ['a body cut after a success', { kind: 'cutBody', status: 200 }, answer('SUCCEEDED', null)],
    ['a body cut after a 500', { kind: 'cutBody', status: 500 }, answer('UNKNOWN', 'HTTP_500')],
  ];

  it.each(rows)('%s', async (_name, mode, expected) => {
    stub.mode = mode;
    const started = performance.now();
    expect(await backendOf(spec()).call(CALL)).toEqual(expected);
    expect(performance.now() - started).toBeLessThan(400);
    expect(stub.calls()).toBe(1);
  });

  it('means what the playbook says', async () => {
    stub.mode = { kind: 'status', status: 302, location: '/done' };
    expect(await backendOf(spec({ success: [302] })).call(CALL)).toMatchObject({ result: 'SUCCEEDED' });
    expect(await backendOf(spec({ failure: [302] })).call(CALL)).toMatchObject({ result: 'FAILED' });
  });

  it('is hashed up to its first MiB and not read any further', async () => {
    const mebibyte = 'x'.repeat(1024 * 1024);
    stub.mode = { kind: 'status', status: 200, body: `${mebibyte}${'y'.repeat(5_000_000)}` };
    const result = await backendOf(spec({ timeoutMs: 2000 })).call(CALL);
    expect(result).toEqual(answer('SUCCEEDED', null, digest(mebibyte)));
  });
});

describe('a request', () => {
  it('carries the idempotency key, and goes out once for each call', async () => {
    const backend = backendOf(spec({ body: { case: '{caseId}' }, headers: { 'X-Source': 'orchestrator' } }));
    await backend.call(CALL);
    await backend.call({ ...CALL, attempt: 2 });
    expect([...stub.callsPerKey()]).toEqual([['key-1', 2]]);
    expect(stub.requests[0]).toMatchObject({
      method: 'POST',
      path: '/orders/C1001',
      body: '{"case":"C1001"}',
      headers: {
        'idempotency-key': 'key-1',
        'content-type': 'application/json',
        'x-source': 'orchestrator',
        host: `127.0.0.1:${stub.port}`,
        connection: 'close',
      },
    });
  });

  it.each(['POST', 'PUT', 'PATCH', 'GET', 'DELETE'] as const)(
    '%s is not sent again after a reset',
    async (method) => {
      const backend = backendOf(spec({ method }));
      await backend.call(CALL);
      stub.mode = { kind: 'reset' };
      expect(await backend.call(CALL)).toEqual(answer('UNKNOWN', 'CONNECTION_RESET'));
      expect(stub.calls()).toBe(2);
    },
  );

  it('uses the secret as it is at that moment', async () => {
    const secrets: Record<string, string> = { TOKEN: 'first' };
    const backend = backendOf(spec({ headers: { Authorization: 'Bearer $'.concat('{env:TOKEN}') } }), {
      resolveSecret: (name) => secrets[name],
    });
    await backend.call(CALL);
    secrets.TOKEN = 'second';
    await backend.call(CALL);
    expect(stub.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first',
      'Bearer second',
    ]);
  });

  it.each([
    [undefined, 'SECRET_MISSING'],
    ['', 'SECRET_MISSING'],
    ['with a newline\n', 'SECRET_INVALID'],
  ])('is not sent with the secret %j', async (secret, errorType) => {
    const backend = backendOf(spec({ headers: { Authorization: 'Bearer $'.concat('{env:TOKEN}') } }), {
      resolveSecret: () => secret,
    });
    expect(await backend.call(CALL)).toEqual(answer('FAILED', errorType));
    expect(stub.calls()).toBe(0);
  });

  it('is not sent when a value is missing', async () => {
    const backend = backendOf(spec({ body: { iban: '{attributes.iban}' } }));
    expect(await backend.call(CALL)).toEqual(answer('FAILED', 'TEMPLATE_VALUE_MISSING'));
    expect(stub.calls()).toBe(0);
  });
});

describe('a connection', () => {
  it('that is refused has sent nothing', async () => {
    const port = await closedPort();
    const backend = backendOf(specOf({ url: `http://127.0.0.1:${port}/` }));
    expect(await backend.call(CALL)).toEqual(answer('FAILED', 'CONNECTION_REFUSED'));
  });

  it('to a name that does not resolve has sent nothing', async () => {
    const backend = backendOf(specOf({ url: 'http://partner.test/' }), {
      resolveHost: async () => {
        throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
      },
    });
    expect(await backend.call(CALL)).toEqual(answer('FAILED', 'DNS_FAILED'));
  });

  it('whose name resolves too late has sent nothing, then or later', async () => {
    const { promise, resolve } = Promise.withResolvers<{ address: string; family: number }[]>();
    const backend = backendOf(specOf({ url: `http://partner.test:${stub.port}/`, timeoutMs: 60 }), {
      resolveHost: () => promise,
    });
    expect(await backend.call(CALL)).toEqual(answer('FAILED', 'CONNECT_TIMEOUT'));
    resolve([{ address: '127.0.0.1', family: 4 }]);
    await backendOf(spec()).call(CALL);
    expect(stub.requests.map(({ path }) => path)).toEqual(['/orders/C1001']);
  });

  it('that fails in TLS has sent nothing', async () => {
    const backend = backendOf(specOf({ url: `https://127.0.0.1:${stub.port}/` }));
    expect(await backend.call(CALL)).toEqual(answer('FAILED', 'TLS_FAILED'));
    expect(stub.calls()).toBe(0);
  });

  it('that is made and then swallows the request may have sent it', async () => {
    const silent = await startSilentServer();
    try {
      const backend = backendOf(specOf({ url: `http://127.0.0.1:${silent.port}/`, timeoutMs: 80 }));
      expect(await backend.call(CALL)).toEqual(answer('UNKNOWN', 'TIMEOUT'));
      expect(silent.connections()).toBe(1);
    } finally {
      await silent.stop();
    }
  });
});

describe('the concurrency bound', () => {
  it('holds', async () => {
    stub.delayMs = 20;
    const backend = backendOf(spec({ concurrency: 2, timeoutMs: 3000 }));
    const answers = await Promise.all(Array.from({ length: 8 }, () => backend.call(CALL)));
    expect(answers.map(({ result }) => result)).toEqual(Array.from({ length: 8 }, () => 'SUCCEEDED'));
    expect(stub.peak()).toBe(2);
  });

  it('counts waiting towards the time-out: what waited in vain surely was not sent', async () => {
    stub.mode = { kind: 'stall' };
    const backend = backendOf(spec({ concurrency: 1 }));
    const started = performance.now();
    const answers = await Promise.all(
      ['key-1', 'key-2', 'key-3'].map((idempotencyKey) => backend.call({ ...CALL, idempotencyKey })),
    );
    expect(performance.now() - started).toBeLessThan(400);
    expect(answers).toEqual([
      answer('UNKNOWN', 'TIMEOUT'),
      answer('FAILED', 'QUEUE_TIMEOUT'),
      answer('FAILED', 'QUEUE_TIMEOUT'),
    ]);
    stub.mode = { kind: 'status', status: 200 };
    expect(await backend.call(CALL)).toMatchObject({ result: 'SUCCEEDED' });
    expect([...stub.callsPerKey()]).toEqual([['key-1', 2]]);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startSilentServer() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  return {
    port: await listen(server),
    connections: () => sockets.length,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
