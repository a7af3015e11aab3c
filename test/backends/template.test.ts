import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBackends, validateBackends } from '../../src/backends/backends.ts';
import { validateHttpBackend } from '../../src/backends/httpProblems.ts';
import { compileRequest } from '../../src/backends/requestTemplate.ts';
import type { HttpBackendSpec } from '../../src/domain/playbook.ts';
import { backendOf, CALL, specOf } from './support.ts';

const env = (name: string): string => `\${env:${name}}`;
const render = (
  changes: Partial<HttpBackendSpec>,
  attributes: Record<string, string | number | boolean> = {},
) =>
  compileRequest(specOf({ url: 'https://partner.example/', ...changes }))({
    call: { ...CALL, attributes: { ...CALL.attributes, ...attributes } },
    resolveSecret: (name) => (name === 'TOKEN' ? 's3cret' : undefined),
  });
const thrown = (code: string) => expect.objectContaining({ code });

describe('the URL', () => {
  const url = 'https://partner.example/v1/orders/{attributes.id}/retry?ref={attributes.id}&n={attempt}';

  it.each([
    ['plain-1', 'plain-1'],
    ['a/b?c#d&e=f', 'a%2Fb%3Fc%23d%26e%3Df'],
    ['line\r\nbreak', 'line%0D%0Abreak'],
    ['%2e%2e', '%252e%252e'],
    ['ä €😀', '%C3%A4%20%E2%82%AC%F0%9F%98%80'],
    ['@evil.example:80', '%40evil.example%3A80'],
    ['..;x', '..%3Bx'],
  ])('encodes %j', (value, encoded) => {
    expect(render({ url }, { id: value }).path).toBe(`/v1/orders/${encoded}/retry?ref=${encoded}&n=1`);
  });

  it.each(['', '.', '..', '../admin', 'a/../../b', '..\\admin', '\ud800'])(
    'refuses %j in the path',
    (value) => {
      expect(() => render({ url }, { id: value })).toThrow(thrown('TEMPLATE_VALUE_INVALID'));
    },
  );

  it('refuses a dot segment that two values, or a literal and a value, make together', () => {
    const two = 'https://partner.example/{attributes.id}{attributes.id}';
    expect(() => render({ url: two }, { id: '.' })).toThrow(thrown('TEMPLATE_VALUE_INVALID'));
    const literal = 'https://partner.example/%2e{attributes.id}';
    expect(() => render({ url: literal }, { id: '.' })).toThrow(thrown('TEMPLATE_VALUE_INVALID'));
  });

  it('refuses a case id that is a dot segment', () => {
    const request = compileRequest(specOf({ url: 'https://partner.example/cases/{caseId}/retry' }));
    expect(() => request({ call: { ...CALL, caseId: '..' }, resolveSecret: () => undefined })).toThrow(
      thrown('TEMPLATE_VALUE_INVALID'),
    );
  });

  it('keeps host and path structure whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        let path: string;
        try {
          path = render({ url }, { id: value }).path;
        } catch {
          return;
        }
        const parsed = new URL(`https://partner.example${path}`);
        expect(parsed.host).toBe('partner.example');
        expect(parsed.pathname.split('/')).toHaveLength(5);
        expect(parsed.pathname.startsWith('/v1/orders/')).toBe(true);
        expect(parsed.searchParams.get('ref')).toBe(value);
        expect([...parsed.searchParams.keys()]).toEqual(['ref', 'n']);
        expect(parsed.hash).toBe('');
      }),
      { numRuns: 500 },
    );
  });
});

describe('the body', () => {
  it('places values as JSON values and keeps the type of a lone placeholder', () => {
    const body = {
      id: '{caseId}',
      text: 'case {caseId}, {attributes.amount} EUR',
      amount: '{attributes.amount}',
      urgent: '{attributes.urgent}',
      attempt: '{attempt}',
      list: ['{intent}', 1, null, true, { deep: '{taskId}' }],
      secret: env('TOKEN'),
    };
    expect(JSON.parse(render({ body }).body ?? '')).toEqual({
      id: 'C1001',
      text: 'case C1001, 12.5 EUR',
      amount: 12.5,
      urgent: true,
      attempt: 1,
      list: ['RETRY_EXTERNAL_CALL', 1, null, true, { deep: 'C1001~0123' }],
      secret: 's3cret',
    });
  });

  it('cannot be broken out of, nor does a value act as a template', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constant(env('TOKEN'))), (value) => {
        const { body } = render({ body: { a: 'x {attributes.v}', b: '{attributes.v}' } }, { v: value });
        expect(JSON.parse(body ?? '')).toEqual({ a: `x ${value}`, b: value });
      }),
      { numRuns: 300 },
    );
    expect(JSON.parse(render({ body: ['{attributes.v}'] }, { v: '","admin":true,"' }).body ?? '')).toEqual([
      '","admin":true,"',
    ]);
  });

  it('has no value for what only the prototype has', () => {
    expect(() => render({ body: '{attributes.constructor}' })).toThrow(thrown('TEMPLATE_VALUE_MISSING'));
  });
});

describe('a header', () => {
  it.each(['a\r\nX-Evil: 1', 'a\nb', 'a\u0000b', 'ü'])('refuses the value %j', (value) => {
    expect(() => render({ headers: { 'X-Ref': '{attributes.ref}' } }, { ref: value })).toThrow(
      thrown('TEMPLATE_VALUE_INVALID'),
    );
  });

  it('takes values and secrets', () => {
    const headers = { 'X-Ref': '{caseId}/{attempt}', Authorization: `Bearer ${env('TOKEN')}` };
    expect(render({ headers }).headers).toMatchObject({
      'x-ref': 'C1001/1',
      authorization: 'Bearer s3cret',
      'idempotency-key': 'key-1',
    });
  });
});

describe('what stops the start', () => {
  const at = (changes: Partial<HttpBackendSpec>): string[] =>
    validateHttpBackend('PARTNER_API', specOf({ url: 'https://partner.example/', ...changes })).map(
      ({ path }) => path.join('.'),
    );

  it.each([
    ['Authorization', 'Bearer abc'],
    ['authorization', '{attributes.auth}'],
    ['Proxy-Authorization', 'Basic abc'],
    ['Cookie', 'session=abc'],
    ['X-Api-Key', 'abc'],
    ['X-Auth-Token', 'abc'],
    ['X-Client-Secret', 'abc'],
    ['Ocp-Apim-Subscription-Key', 'abc'],
    ['X-Custom', 'Bearer abcdefgh'],
    ['X-Custom', 'sk-abcdefghijklmnop'],
    ['Idempotency-Key', env('KEY')],
    ['Host', 'evil.example'],
    ['Content-Length', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['X-Ref', '{caseID}'],
    ['X-Ref', env('not a name')],
    ['X Ref', 'a'],
    ['X-Ref', 'a\r\nb'],
  ])('the header %s: %s', (name, value) => {
    expect(at({ headers: { [name]: value } })).toContain(`headers.${name}`);
  });

  it.each([
    'https://user:pass@partner.example/',
    'https://user@partner.example/',
    'https://{caseId}.partner.example/',
    'https://partner.example:{attempt}/',
    'https://partner.example/?api_key=abc',
    'https://partner.example/?a=1&access_token=abc',
    'https://partner.example/?key=abc',
    'https://partner.example/{unknown}',
    `https://partner.example/${env('TOKEN')}`,
    'https://partner.example/a/../b',
    'https://partner.example/%2e%2e/b',
    'https://partner.example/#fragment',
    'https://partner.example\\@evil.example/',
    'https://partner.example/a b',
    'https://partner.example/%ff',
  ])('the URL %s', (url) => {
    expect(at({ url })).toContain('url');
  });

  it('other things', () => {
    expect(at({ headers: { 'X-Ref': 'a', 'x-ref': 'b' } })).toEqual(['headers.x-ref']);
    expect(at({ body: { auth: { clientSecret: 'abc', apiKey: 'abc', password: env('P') } } })).toEqual([
      'body.auth.clientSecret',
      'body.auth.apiKey',
    ]);
    expect(at({ body: { '{caseId}': 1, list: ['{nope}'] } })).toEqual(['body.{caseId}', 'body.list.0']);
    expect(at({ method: 'GET', body: {} })).toEqual(['body']);
    expect(at({ success: [200], failure: [200, 400] })).toEqual(['failure']);
    expect(at({ allowPrivateHosts: ['ok.internal', '::1', 'http://x', 'x:80'] })).toEqual([
      'allowPrivateHosts.2',
      'allowPrivateHosts.3',
    ]);
  });

  it('is nothing about a sound backend', () => {
    expect(
      at({
        url: 'https://partner.example:8443/v1/{attributes.id}?case={caseId}&key={attributes.orderKey}',
        headers: { Authorization: `Bearer ${env('TOKEN')}`, 'X-Ref': '{taskId}', Accept: 'application/json' },
        body: { author: 'ops', idempotencyKey: '{actionId}', partitionKey: 'eu-1', monkey: 'x' },
        allowPrivateHosts: ['127.0.0.1', '[::1]', 'orders.internal'],
      }),
    ).toEqual([]);
  });

  it('is named with path and fix', () => {
    const spec = specOf({ url: 'https://partner.example/', headers: { Authorization: 'Bearer abc' } });
    const message = `Authorization looks like a credential in clear; put it into the environment and write ${env('PARTNER_API_AUTHORIZATION')}`;
    expect(validateBackends({ backends: { PARTNER_API: spec } })).toEqual([
      { path: ['backends', 'PARTNER_API', 'headers', 'Authorization'], message },
    ]);
    expect(() => backendOf(spec)).toThrow(
      expect.objectContaining({
        code: 'INVALID_BACKEND',
        message: `backends.PARTNER_API.headers.Authorization: ${message}`,
      }),
    );
    expect(JSON.stringify(message)).not.toContain('Bearer abc');
  });
});

it('createBackends makes one backend for each route', () => {
  const spec = specOf({ url: 'https://partner.example/{caseId}', idempotent: true });
  const simulated = {
    kind: 'simulated',
    idempotent: true,
    timeoutMs: 1,
    latencyMs: 0,
    failureRate: 0,
    lookup: false,
  } as const;
  const backends = createBackends(
    { backends: { PARTNER_API: spec, CORE_SYSTEM: simulated } },
    {
      clock: { monotonicMs: () => 0, sleep: async () => undefined },
      resolveSecret: () => undefined,
    },
  );
  expect(
    [...backends].map(([route, { kind, idempotent, timeoutMs, describe }]) => [
      route,
      kind,
      idempotent,
      timeoutMs,
      describe(),
    ]),
  ).toEqual([
    ['PARTNER_API', 'http', true, 200, 'PARTNER_API: http, POST https://partner.example/{caseId}'],
    ['CORE_SYSTEM', 'simulated', true, 1, 'CORE_SYSTEM: simulated, calls nobody'],
  ]);
});
