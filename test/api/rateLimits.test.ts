import type { LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

const LIMIT = 3;
const OF_AN_ADDRESS = 5 * LIMIT;

let service: AuthenticatedApp;
beforeEach(async () => {
  // The wall clock alone, which the counters look at: everything else goes on.
  vi.useFakeTimers({ toFake: ['Date'] });
  service = await createAuthenticatedApp({ requestsPerMinute: LIMIT });
});
afterEach(async () => {
  vi.useRealTimers();
  await service.close();
});
const advance = (milliseconds: number): void => {
  vi.setSystemTime(Date.now() + milliseconds);
};

const statusesOf = async (
  times: number,
  ask: (n: number) => Promise<LightMyRequestResponse>,
): Promise<number[]> => {
  const statuses: number[] = [];
  for (let n = 0; n < times; n += 1) statuses.push((await ask(n)).statusCode);
  return statuses;
};
const repeated = (times: number, status: number): number[] => Array.from({ length: times }, () => status);

describe('one caller', () => {
  it('may send so many requests in a minute, and is told how many are left', async () => {
    const { text } = await service.makeKey();
    const seen: unknown[] = [];
    for (let n = 0; n <= LIMIT; n += 1) {
      const { statusCode, headers } = await service.call(text, '/cases');
      const {
        'ratelimit-limit': limit,
        'ratelimit-remaining': remaining,
        'ratelimit-reset': reset,
      } = headers;
      seen.push([statusCode, limit, remaining, reset, headers['retry-after']]);
      advance(10_000);
    }
    expect(seen).toEqual([
      [200, '3', '2', '60', undefined],
      [200, '3', '1', '50', undefined],
      [200, '3', '0', '40', undefined],
      [429, '3', '0', '30', '30'],
    ]);
  });

  it('that sends more gets a problem document, and nothing is done', async () => {
    const { text } = await service.makeKey();
    expect(await statusesOf(LIMIT, () => service.call(text, '/cases'))).toEqual(repeated(LIMIT, 200));
    const before = await service.events();
    const refused = await service.call(text, '/cases', newCase());
    expect(refused.json()).toEqual({
      type: 'urn:case-orchestrator:problem:too-many-requests',
      title: 'Too many requests',
      status: 429,
      code: 'TOO_MANY_REQUESTS',
      detail: 'more than 3 requests came from this caller within a minute; nothing was done',
    });
    expect(refused.headers['x-request-id']).toBeDefined();
    expect(await service.events()).toEqual(before);
    advance(59_999);
    expect((await service.call(text, '/cases')).statusCode).toBe(429);
    advance(1);
    expect((await service.call(text, '/cases')).statusCode).toBe(200);
  });

  it('is one whatever keys it uses, and has nothing to do with others at the same address', async () => {
    const [one, two, other] = await Promise.all([
      service.makeKey({ actor: 'crm' }),
      service.makeKey({ actor: 'crm' }),
      service.makeKey({ actor: 'portal' }),
    ]);
    expect(await statusesOf(2, () => service.call(one.text, '/cases'))).toEqual([200, 200]);
    expect(await statusesOf(2, () => service.call(two.text, '/cases'))).toEqual([200, 429]);
    expect((await service.call(other.text, '/cases')).statusCode).toBe(200);
    // A person whose name is that of a service is another caller.
    const person = await service.tokenOf({ sub: 'crm' });
    expect((await service.call(person, '/cases')).statusCode).toBe(200);
  });

  it('cannot help itself by claiming another address', async () => {
    const { text } = await service.makeKey();
    const ask = (n: number) =>
      service.call(text, '/cases', undefined, { 'x-forwarded-for': `198.51.100.${n}` });
    expect(await statusesOf(LIMIT + 1, ask)).toEqual([...repeated(LIMIT, 200), 429]);
  });

  it('spends its requests on what it may not do, too', async () => {
    const { text } = await service.makeKey({ scopes: ['metrics'] });
    expect(await statusesOf(LIMIT + 1, () => service.call(text, '/cases'))).toEqual([
      ...repeated(LIMIT, 403),
      429,
    ]);
  });
});

describe('one address', () => {
  const nobody = (remoteAddress: string, url = '/cases', headers = {}) =>
    service.send({ url, remoteAddress, headers });

  it('may try so many keys in a minute; then nothing more is looked up for it', async () => {
    const find = vi.spyOn(service.keys, 'find');
    const guess = (n: number) =>
      nobody('203.0.113.7', '/cases', {
        authorization: `Bearer co_${String(n).padStart(16, '0')}_${'A'.repeat(43)}`,
      });
    const statuses = await statusesOf(OF_AN_ADDRESS + 5, guess);
    expect(statuses).toEqual([...repeated(OF_AN_ADDRESS, 401), ...repeated(5, 429)]);
    expect(find).toHaveBeenCalledTimes(OF_AN_ADDRESS);
    expect((await guess(99)).json().detail).toBe(
      `more than ${OF_AN_ADDRESS} requests came from this address within a minute; nothing was done`,
    );
    expect((await nobody('203.0.113.8')).statusCode).toBe(401);
  });

  it('of version 6 is its whole network of 64 bits', async () => {
    const ask = (n: number) => nobody(`2001:db8::${n}`);
    expect((await statusesOf(OF_AN_ADDRESS + 1, ask)).at(-1)).toBe(429);
    expect((await nobody('2001:db8:0:1::1')).statusCode).toBe(401);
  });

  it('that asks too much is still told whether the service lives', async () => {
    await statusesOf(OF_AN_ADDRESS + 1, () => nobody('203.0.113.7'));
    for (const url of ['/healthz', '/readyz']) {
      const { statusCode, headers } = await nobody('203.0.113.7', url);
      expect([url, statusCode, 'ratelimit-limit' in headers]).toEqual([url, 200, false]);
    }
  });
});

describe('behind a proxy that is trusted', () => {
  let proxied: TestApp;
  beforeEach(async () => {
    proxied = await createTestApp({ requestsPerMinute: LIMIT, trustedProxies: ['10.0.0.0/8', '::1'] });
  });
  afterEach(() => proxied.close());
  const ask = (remoteAddress: string, forwarded: string) =>
    proxied.send({ url: '/cases', remoteAddress, headers: { 'x-forwarded-for': forwarded } });

  it('the address is what the proxy says, and not what a client said to it', async () => {
    expect(await statusesOf(LIMIT + 1, () => ask('10.1.2.3', '203.0.113.7'))).toEqual([200, 200, 200, 429]);
    expect((await ask('10.1.2.3', '203.0.113.8')).statusCode).toBe(200);
    expect((await ask('10.1.2.3', '198.51.100.1, 203.0.113.7')).statusCode).toBe(429);
    expect((await ask('::ffff:10.1.2.3', '203.0.113.7, 10.9.9.9')).statusCode).toBe(429);
  });

  it('who comes by another way is counted by its own address', async () => {
    const spoof = (n: number) => ask('203.0.113.9', `198.51.100.${n}`);
    expect(await statusesOf(LIMIT + 1, spoof)).toEqual([200, 200, 200, 429]);
  });
});

describe('without authentication', () => {
  it('an address may send what one caller may', async () => {
    const open = await createTestApp({ requestsPerMinute: LIMIT });
    expect(await statusesOf(LIMIT + 1, () => open.get('/cases'))).toEqual([200, 200, 200, 429]);
    await open.close();
  });

  it('and without a limit nothing is counted, and no header says so', async () => {
    const open = await createTestApp();
    await open.post('/cases', newCase());
    const { statusCode, headers } = await open.post('/case-task', newTask());
    expect(statusCode).toBe(200);
    expect(Object.keys(headers).filter((name) => /ratelimit|retry/.test(name))).toEqual([]);
    expect(await statusesOf(300, () => open.get('/cases/C1001'))).toEqual(repeated(300, 200));
    await open.close();
  });
});
