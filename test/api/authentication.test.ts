import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newCase, newTask } from '../support/app.ts';
import { rawRequest, sendRaw } from '../support/rawHttp.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

const REALM = 'Bearer realm="case-orchestrator"';
const HOW = 'send the header `Authorization: Bearer` with one API key or token';

let service: AuthenticatedApp;
let key: string;
beforeAll(async () => {
  service = await createAuthenticatedApp();
  key = (await service.makeKey()).text;
  expect((await service.call(key, '/cases', newCase())).statusCode).toBe(201);
});
afterAll(() => service.close());

const from = (authorization: string, url = '/cases/C1001') =>
  service.send({ url, headers: { authorization } });

describe('a request without a key or token', () => {
  it('is a 401 that says how, and nothing is done', async () => {
    const before = await service.events();
    const answer = await service.call(null, '/case-task', newTask());
    expect(answer.headers['www-authenticate']).toBe(REALM);
    expect(answer.json()).toEqual({
      type: 'urn:case-orchestrator:problem:authentication-required',
      title: 'The request must say who sends it',
      status: 401,
      code: 'AUTHENTICATION_REQUIRED',
      detail: HOW,
    });
    expect(await service.events()).toEqual(before);
  });

  it('is refused before its body is looked at', async () => {
    const answer = await service.call(null, '/case-task', '{"broken');
    expect(answer.statusCode).toBe(401);
  });

  it.each(['access_token', 'token', 'api_key', 'key'])('is not helped by ?%s=', async (name) => {
    expect((await service.call(null, `/cases/C1001?${name}=${key}`)).statusCode).toBe(401);
  });

  it.each(['X-Api-Key', 'Cookie', 'X-Forwarded-User', 'X-Remote-User', 'Proxy-Authorization'])(
    'is not helped by the header %s',
    async (name) => {
      const headers = { [name]: `Bearer ${key}` };
      expect((await service.send({ url: '/cases/C1001', headers })).statusCode).toBe(401);
    },
  );

  it('is told where there is no route, or another method: that is no secret', async () => {
    expect((await service.call(null, '/nowhere')).statusCode).toBe(404);
    expect((await service.call(null, '/cases/C1001/close')).statusCode).toBe(405);
  });
});

describe('an Authorization header', () => {
  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic YWRtaW46YWRtaW4=',
    'Token abc',
    'Bearer a b',
    'Bearer a, Bearer b',
    'Bearer a,b',
    'Bearer "a"',
    'BearerX a',
    'Digest username="x"',
    'Bearer \u00e4',
  ])('%j is refused', async (authorization) => {
    const answer = await from(authorization);
    expect(answer.headers['www-authenticate']).toBe(
      `${REALM}, error="invalid_token", error_description="${HOW}"`.replace(
        '`Authorization',
        '`Authorization',
      ),
    );
    expect(answer.json()).toMatchObject({ status: 401, code: 'CREDENTIALS_REFUSED', detail: HOW });
  });

  it.each(['Bearer', 'bearer', 'BEARER', 'Bearer  '])('with the scheme %j is read', async (scheme) => {
    expect((await from(`${scheme} ${key}`)).statusCode).toBe(200);
  });

  it('that is huge is refused before anything is done with it', async () => {
    const answer = await from(`Bearer ${'A'.repeat(8 * 1024)}.A.A`);
    expect(answer.json()).toMatchObject({
      status: 401,
      code: 'CREDENTIALS_REFUSED',
      detail: 'the key or token is longer than 8192 characters',
    });
    expect(service.issuer.requests).toEqual([]);
  });

  it('is sent once: of two, each might be the one that somebody looks at', async () => {
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = service.app.server.address() as { port: number };
    const send = (...lines: string[]) =>
      sendRaw(
        port,
        rawRequest(['GET /cases/C1001 HTTP/1.1', 'Host: localhost', 'Connection: close', ...lines]),
      );
    expect((await send(`Authorization: Bearer ${key}`)).status).toBe(200);
    for (const lines of [
      [`Authorization: Bearer ${key}`, 'Authorization: Bearer x'],
      ['authorization: Bearer x', `AUTHORIZATION: Bearer ${key}`],
      [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`],
    ]) {
      const { status, payload } = await send(...lines);
      expect(status).toBe(400);
      expect(JSON.parse(payload)).toMatchObject({
        code: 'INVALID_INPUT',
        errors: [{ field: 'Authorization', message: 'is there more than once; send it once' }],
      });
    }
    // Larger than what is read of a request's head.
    expect((await send(`Authorization: Bearer ${'A'.repeat(20_000)}`)).status).toBe(431);
  });
});

describe('a key or token that is refused', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['an unknown key', async () => `co_${'0'.repeat(16)}_${'A'.repeat(43)}`, 'the API key is not valid'],
    [
      'an expired key',
      async () => (await service.makeKey({ expiresAt: '2026-01-01T00:00:00.000Z' })).text,
      'the API key has expired',
    ],
    ['an expired token', () => service.tokenOf({ exp: 1 }), 'the token has expired'],
    ['a token for others', () => service.tokenOf({ aud: 'other' }), 'the token is for another audience'],
    ['a token of alg none', async () => 'eyJhbGciOiJub25lIn0.e30.', 'the token is not valid'],
  ])('%s: its owner is told what helps', async (_what, make, detail) => {
    const answer = await from(`Bearer ${await make()}`);
    expect(answer.headers['www-authenticate']).toBe(
      `${REALM}, error="invalid_token", error_description="${detail}"`,
    );
    expect(answer.json()).toMatchObject({ status: 401, code: 'CREDENTIALS_REFUSED', detail });
  });

  it('a key is refused by the next request after it was revoked', async () => {
    const { id, text } = await service.makeKey();
    expect((await service.call(text, '/cases')).statusCode).toBe(200);
    await service.keys.revoke(id, new Date().toISOString());
    expect((await service.call(text, '/cases')).json()).toMatchObject({
      status: 401,
      detail: 'the API key was revoked',
    });
  });
});

describe('what authentication needs', () => {
  it('an issuer that cannot be asked is a 503 with Retry-After, not a 401; keys and health go on', async () => {
    const other = await createAuthenticatedApp();
    await other.issuer.refuse();
    const answer = await other.call(await other.tokenOf(), '/cases');
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({
      status: 503,
      code: 'AUTHENTICATION_UNAVAILABLE',
      detail: 'send the same request again: nothing was done',
    });
    expect(other.logged()).toContain('cannot be read: ECONNREFUSED');
    expect((await other.call((await other.makeKey()).text, '/cases')).statusCode).toBe(200);
    expect((await other.call(null, '/healthz')).statusCode).toBe(200);
    await other.close();
  });

  it('keys that cannot be looked up are a 503 with Retry-After, not a 401', async () => {
    const lost = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const find = vi.spyOn(service.keys, 'find').mockRejectedValue(lost);
    const answer = await service.call(key, '/cases');
    find.mockRestore();
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    expect((await service.call(key, '/cases')).statusCode).toBe(200);
  });

  it.each([
    ['keys', 'a token', (app: AuthenticatedApp) => app.tokenOf()],
    ['oidc', 'a key', async (app: AuthenticatedApp) => (await app.makeKey()).text],
  ])('AUTHENTICATION=%s does not take %s', async (AUTHENTICATION, _what, make) => {
    const oidc = AUTHENTICATION === 'keys' ? { OIDC_ISSUER: '', OIDC_AUDIENCE: '' } : {};
    const other = await createAuthenticatedApp({}, { AUTHENTICATION, ...oidc });
    expect((await other.call(await make(other), '/cases')).json()).toMatchObject({
      code: 'CREDENTIALS_REFUSED',
      detail: `${HOW} of a kind that this service takes`,
    });
    await other.close();
  });
});

describe('the contract', () => {
  it('says how to authenticate, and which scope a route needs; a linter is happy with it', async () => {
    const { document } = service;
    expect(document).toMatchObject({
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      paths: {
        '/case-task': { post: { security: [{ bearer: ['submit'] }] } },
        '/cases': { get: { security: [{ bearer: ['read'] }] } },
        '/healthz': { get: { security: [] } },
      },
    });
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(document), config });
    expect(problems.map(({ ruleId, message }) => ({ ruleId, message }))).toEqual([]);
  });
});
