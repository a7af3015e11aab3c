import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIssuerKeys } from '../../src/auth/issuerKeys.ts';
import {
  createSigningKey,
  goodClaims,
  type IssuerFault,
  type SigningKey,
  type StubIssuer,
  signed,
  startStubIssuer,
} from '../support/issuer.ts';
import { stallBody } from '../support/stubServer.ts';
import { checkOf, refusedAs } from './tokens.ts';

const DISCOVERY = '/.well-known/openid-configuration';
const UNAVAILABLE = { code: 'AUTHENTICATION_UNAVAILABLE' };
const NOT_VALID = refusedAs('the token is not valid');

let one: SigningKey;
let two: SigningKey;
beforeAll(async () => {
  [one, two] = await Promise.all([createSigningKey('one', 'ES256'), createSigningKey('two', 'ES256')]);
});

let issuer: StubIssuer;
/** Both clocks that are looked at: the wall, and the one that never goes back. */
let elapsed: number;
const advance = (milliseconds: number): void => {
  elapsed += milliseconds;
  vi.setSystemTime(Date.now() + milliseconds);
};
const clock = { now: () => new Date().toISOString(), monotonicMs: () => elapsed };

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  elapsed = 0;
  issuer = await startStubIssuer(one);
});
afterEach(async () => {
  vi.useRealTimers();
  await issuer.refuse();
});

const tokenOf = (key: SigningKey, header = {}): Promise<string> =>
  signed(goodClaims(issuer.url), key, header);

describe('the keys of an issuer', () => {
  it('are found by discovery, and read once for many tokens', async () => {
    const check = checkOf(issuer, { clock });
    const token = await tokenOf(one);
    await Promise.all(Array.from({ length: 10 }, () => check(token)));
    await check(token);
    expect(issuer.requests).toEqual([DISCOVERY, '/jwks']);
  });

  it('are where the configuration says, without asking', async () => {
    await checkOf(issuer, { clock, jwksUrl: issuer.jwksUrl })(await tokenOf(one));
    expect(issuer.requests).toEqual(['/jwks']);
  });

  it('may be several: the token says which', async () => {
    issuer.keys = [one.jwk, two.jwk];
    const check = checkOf(issuer, { clock });
    expect((await check(await tokenOf(one))).actor.id).toBe('jane');
    expect((await check(await tokenOf(two))).actor.id).toBe('jane');
    await expect(check(await tokenOf(one, { kid: undefined }))).rejects.toMatchObject(NOT_VALID);
  });

  it('rotate: a new one is read when a token names it, at most every ten seconds', async () => {
    const check = checkOf(issuer, { clock });
    await check(await tokenOf(one));
    issuer.keys = [one.jwk, two.jwk];
    advance(9_999);
    await expect(check(await tokenOf(two))).rejects.toMatchObject(NOT_VALID);
    expect(issuer.requests).toHaveLength(2);
    advance(1);
    expect((await check(await tokenOf(two))).actor.id).toBe('jane');
    await check(await tokenOf(one));
    expect(issuer.requests).toHaveLength(4);
  });

  it('are not read again for every token that names none of them', async () => {
    const check = checkOf(issuer, { clock });
    await check(await tokenOf(one));
    advance(10_000);
    for (let n = 0; n < 20; n += 1) {
      await expect(check(await tokenOf(two, { kid: `made-up-${n}` }))).rejects.toMatchObject(NOT_VALID);
    }
    expect(issuer.requests).toHaveLength(4);
  });

  it('are not read at all for what is no token', async () => {
    const check = checkOf(issuer, { clock });
    for (const text of ['x', 'a.b.c', '..', (await tokenOf(one)).replace(/^[^.]+/, 'AAAA')]) {
      await expect(check(text)).rejects.toMatchObject(NOT_VALID);
    }
    expect(issuer.requests).toEqual([]);
  });

  it('that were withdrawn are believed for ten minutes at most', async () => {
    const check = checkOf(issuer, { clock });
    await check(await tokenOf(one));
    issuer.keys = [two.jwk];
    advance(599_999);
    await check(await tokenOf(one));
    advance(1);
    await expect(check(await tokenOf(one))).rejects.toMatchObject(NOT_VALID);
  });
});

describe('an issuer that cannot be asked', () => {
  const answers =
    (status: number, body: string, headers: Record<string, string> = {}): IssuerFault =>
    (response) => {
      response.writeHead(status, headers).end(body);
    };

  it.each<[string, IssuerFault]>([
    ['answers 500', answers(500, '{"keys": []}')],
    ['answers 404', answers(404, '')],
    ['sends elsewhere', answers(302, '', { location: 'http://127.0.0.1:1/' })],
    ['answers no JSON', answers(200, '<html>')],
    ['answers other JSON', answers(200, '{"keys": "none"}')],
    ['answers a list', answers(200, '[]')],
    ['answers without an end', answers(200, JSON.stringify('x'.repeat(1_100_000)))],
    ['cuts the connection', (response) => void response.socket?.destroy()],
  ])('and %s makes tokens neither good nor bad', async (_what, fault) => {
    issuer.fault = fault;
    await expect(checkOf(issuer, { clock })(await tokenOf(one))).rejects.toMatchObject(UNAVAILABLE);
    const direct = checkOf(issuer, { clock, jwksUrl: issuer.jwksUrl });
    await expect(direct(await tokenOf(one))).rejects.toMatchObject(UNAVAILABLE);
  });

  it('in time is given up', async () => {
    issuer.fault = (response) => stallBody(response, 200, '{"keys": [');
    const keys = createIssuerKeys(issuer.url, issuer.jwksUrl, clock, 100);
    await expect(keys({ alg: 'ES256', kid: 'one' })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: 'the keys of the token issuer cannot be read: TimeoutError',
    });
  });

  it('is asked again a second later, not for every token; then all is well', async () => {
    await issuer.refuse();
    const check = checkOf(issuer, { clock });
    const token = await tokenOf(one);
    await expect(check(token)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: 'the keys of the token issuer cannot be read: ECONNREFUSED',
    });
    await issuer.accept();
    advance(999);
    for (let n = 0; n < 5; n += 1) await expect(check(token)).rejects.toMatchObject(UNAVAILABLE);
    expect(issuer.requests).toEqual([]);
    advance(1);
    expect((await check(token)).actor.id).toBe('jane');
  });

  it('for a while: what was read before is believed meanwhile, for ten minutes', async () => {
    const check = checkOf(issuer, { clock });
    await check(await tokenOf(one));
    await issuer.refuse();
    advance(300_000);
    await check(await tokenOf(one));
    // It may be a new one: nobody can tell.
    await expect(check(await tokenOf(two))).rejects.toMatchObject(UNAVAILABLE);
    advance(300_000);
    await expect(check(await tokenOf(one))).rejects.toMatchObject(UNAVAILABLE);
    await issuer.accept();
    advance(1_000);
    await check(await tokenOf(one));
  });

  it.each<[string, Record<string, unknown>]>([
    ['of another issuer', { issuer: 'https://evil.example' }],
    ['with keys at an address that proves nothing', { jwks_uri: 'http://login.example/jwks' }],
    ['without an address of keys', { jwks_uri: undefined }],
  ])('because its discovery document is one %s', async (_what, discovery) => {
    issuer.discovery = discovery;
    await expect(checkOf(issuer, { clock })(await tokenOf(one))).rejects.toMatchObject(UNAVAILABLE);
    expect(issuer.requests).toEqual([DISCOVERY]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['is no point of its curve', { x: 'AAAA' }],
    ['is private', { d: 'AAAA' }],
    ['lacks a part', { y: undefined }],
  ])('about a key that %s makes its tokens neither good nor bad', async (_what, change) => {
    issuer.keys = [{ ...one.jwk, ...change }, two.jwk];
    const check = checkOf(issuer, { clock });
    await expect(check(await tokenOf(one))).rejects.toMatchObject(UNAVAILABLE);
    expect((await check(await tokenOf(two))).actor.id).toBe('jane');
  });
});
