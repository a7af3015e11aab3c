import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCase, newTask } from '../support/app.ts';
import { createRefusingApp, invalid, type RefusingApp } from './refusals.ts';

let service: RefusingApp;
beforeAll(async () => {
  service = await createRefusingApp({ allowedHosts: ['Cases.example', '2001:db8::1'] });
});
afterAll(() => service.close());

describe('where a request comes from and goes to', () => {
  const from = (headers: Record<string, string>) => service.send({ url: '/healthz', headers });

  it.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:3000',
    'localhost:3000@evil.example',
    'user@localhost',
    'localhost/',
    '127.0.0.1.evil.example',
    '[::1',
  ])('refuses the foreign Host %j', async (host) => {
    expect(await service.refused(await from({ host }))).toEqual({
      status: 421,
      code: 'FOREIGN_HOST',
      errors: [
        { field: 'Host', message: 'is not a name of this service; add it to ALLOWED_HOSTS if it should be' },
      ],
    });
  });

  it.each([
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1:3000',
    '[::1]:3000',
    'cases.example',
    '[2001:db8::1]:80',
  ])('serves the Host %j', async (host) => expect((await from({ host })).statusCode).toBe(200));

  it.each([
    'https://evil.example',
    'http://localhost:4000',
    'http://localhost',
    'http://127.0.0.1:3000',
    'http://localhost:3000.evil.example',
    'null',
    'file://',
    '',
  ])('refuses the foreign Origin %j', async (origin) => {
    expect(await service.refused(await from({ host: 'localhost:3000', origin }))).toEqual({
      status: 403,
      code: 'FOREIGN_ORIGIN',
      errors: [
        {
          field: 'Origin',
          message: 'is not the origin of this service; a proxy in front must pass Host on as it came',
        },
      ],
    });
  });

  it.each([
    ['localhost:3000', 'http://localhost:3000'],
    ['localhost', 'http://localhost'],
    ['localhost:80', 'http://localhost'],
    ['cases.example', 'https://cases.example'],
    ['cases.example:443', 'https://cases.example'],
    ['[::1]:3000', 'http://[::1]:3000'],
  ])('serves a page of its own: Host %s, Origin %s', async (host, origin) =>
    expect((await from({ host, origin })).statusCode).toBe(200),
  );

  it('refuses before it looks at anything else', async () => {
    const answer = await service.send({
      method: 'DELETE',
      url: '/nowhere',
      headers: { host: 'evil.example' },
    });
    expect(answer.json().code).toBe('FOREIGN_HOST');
  });
});

describe('a header', () => {
  const KEY = 'must be 1 to 255 visible ASCII characters, quoted or bare';
  it.each([
    '',
    '""',
    '"',
    '"a',
    'a"b',
    '"a"b"',
    'a b',
    '"a", "b"',
    'x'.repeat(256),
    `"${'x'.repeat(256)}"`,
    'a\tb',
    'sch\u00f6n',
    '"\u00f6"',
    'a\u007f',
  ])('Idempotency-Key: %j', async (key) => {
    const headers = { 'idempotency-key': key };
    const expected = invalid('Idempotency-Key', KEY);
    expect(await service.refused(await service.post('/case-task', newTask(), headers))).toEqual(expected);
    expect(await service.refused(await service.post('/cases', newCase(), headers))).toEqual(expected);
    const note = { text: 'hello' };
    expect(await service.refused(await service.post('/cases/C1001/notes', note, headers))).toEqual(expected);
  });

  it.each(['', '1', '"x"', 'W/"1"', '*', '"-1"', '"1", "2"', '"99999999999999999999"'])(
    'If-Match: %j',
    async (tag) => {
      const answer = await service.post('/cases/C1001/close', {}, { 'if-match': tag });
      expect(await service.refused(answer)).toEqual(
        invalid('If-Match', 'must be one strong entity tag, such as "7"'),
      );
    },
  );

  it('If-Match that is missing', async () => {
    expect(await service.refused(await service.post('/cases/C1001/close'))).toEqual({
      status: 428,
      code: 'PRECONDITION_REQUIRED',
      errors: [{ field: 'If-Match', message: "is missing; send the case's ETag" }],
    });
  });

  it('traceparent that is none is left out of the events, and does no harm', async () => {
    const headers = { traceparent: 'DROP TABLE', 'if-match': '"99"' };
    expect((await service.post('/cases/C1001/close', {}, headers)).statusCode).toBe(412);
  });
});

describe('a body of another route', () => {
  it.each<[string, string, unknown, string, string]>([
    ['/cases/C1001/notes', 'text is missing', {}, 'text', 'is missing; it must be text'],
    ['/cases/C1001/notes', 'text is blank', { text: ' ' }, 'text', 'must not be empty'],
    [
      '/cases/C1001/notes',
      'text is long',
      { text: 'x'.repeat(8193) },
      'text',
      'must be at most 8192 bytes in UTF-8',
    ],
    [
      '/cases/C1001/notes',
      'a key is unknown',
      { text: 'x', author: 'me' },
      'body',
      'takes only text; leave out what else is there',
    ],
    [
      '/cases/C1001/close',
      'the reason is prose',
      { reason: 'because I say so' },
      'reason',
      'must be a code in UPPER_SNAKE_CASE, at most 64 characters; put text into a note',
    ],
    ['/cases/C1001/close', 'the body is a list', [], 'body', 'must be a JSON object'],
  ])('%s: %s', async (url, _what, body, field, message) => {
    const answer = await service.post(url, body, { 'if-match': '"0"' });
    expect(await service.refused(answer)).toEqual(invalid(field, message));
  });
});
