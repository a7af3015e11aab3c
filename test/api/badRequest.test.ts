import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPositionTokens } from '../../src/api/positions.ts';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';

let service: TestApp;
let before: number;
beforeAll(async () => {
  service = await createTestApp({ allowedHosts: ['Cases.example', '2001:db8::1'] });
  expect((await service.post('/cases', newCase())).statusCode).toBe(201);
  before = (await service.events()).length;
});
afterAll(async () => {
  expect(service.logged()).not.toContain('"level":50');
  await service.close();
});

async function refused(answer: Awaited<ReturnType<TestApp['send']>>) {
  expect(await service.events()).toHaveLength(before);
  const { status, code, errors } = answer.json();
  return { status, code, errors };
}
const invalid = (field: string, message: string) => ({
  status: 400,
  code: 'INVALID_INPUT',
  errors: [{ field, message }],
});

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
    expect(await refused(await from({ host }))).toEqual({
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
    expect(await refused(await from({ host: 'localhost:3000', origin }))).toEqual({
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
    expect(await refused(await service.post('/case-task', newTask(), headers))).toEqual(expected);
    expect(await refused(await service.post('/cases', newCase(), headers))).toEqual(expected);
    const note = { text: 'hello' };
    expect(await refused(await service.post('/cases/C1001/notes', note, headers))).toEqual(expected);
  });

  it.each(['', '1', '"x"', 'W/"1"', '*', '"-1"', '"1", "2"', '"99999999999999999999"'])(
    'If-Match: %j',
    async (tag) => {
      const answer = await service.post('/cases/C1001/close', {}, { 'if-match': tag });
      expect(await refused(answer)).toEqual(
        invalid('If-Match', 'must be one strong entity tag, such as "7"'),
      );
    },
  );

  it('If-Match that is missing', async () => {
    expect(await refused(await service.post('/cases/C1001/close'))).toEqual({
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
    expect(await refused(answer)).toEqual(invalid(field, message));
  });
});

const CASE_ID = 'must be 1 to 64 characters out of A-Z a-z 0-9 . _ -';
const TASK_ID = 'must be a task id: a case id, ~ and 32 lower-case hexadecimal digits';
const A_HASH = 'a'.repeat(64);

describe('a path', () => {
  it.each([
    ['/cases/a%2Fb', 'caseId', CASE_ID],
    ['/cases/..%2F..%2Fetc', 'caseId', CASE_ID],
    [`/cases/${'x'.repeat(65)}`, 'caseId', CASE_ID],
    [`/cases/${'x'.repeat(9_000)}`, 'caseId', CASE_ID],
    ['/cases/F%C3%A4ll', 'caseId', CASE_ID],
    ['/cases/%00', 'caseId', CASE_ID],
    ['/cases/%20', 'caseId', CASE_ID],
    ['/cases/', 'caseId', CASE_ID],
    ['/cases//events', 'caseId', CASE_ID],
    ['/cases/a%2Fb/events', 'caseId', CASE_ID],
    ['/audit/a%2Fb', 'case_id', CASE_ID],
    ['/tasks/C1001', 'taskId', TASK_ID],
    ['/tasks/C1001~ABC', 'taskId', TASK_ID],
    [`/tasks/C1001~${'A'.repeat(32)}`, 'taskId', TASK_ID],
    [`/tasks/${'x'.repeat(300)}`, 'taskId', TASK_ID],
    ['/reviews/%00', 'taskId', TASK_ID],
    ['/policy/latest', 'hash', 'must be 64 lower-case hexadecimal digits'],
    ['/cases/%E0%A4%A', 'path', 'is not validly percent-encoded'],
    ['/cases/%', 'path', 'is not validly percent-encoded'],
    ['/%FF', 'path', 'is not validly percent-encoded'],
  ])('%s', async (url, field, message) => {
    expect(await refused(await service.get(url))).toEqual(invalid(field, message));
  });

  it.each([
    ['/cases/C4040', 'CASE_NOT_FOUND', 'caseId', 'names no case'],
    ['/cases/C4040/events', 'CASE_NOT_FOUND', 'caseId', 'names no case'],
    ['/audit/C4040', 'CASE_NOT_FOUND', 'case_id', 'names no case'],
    [`/tasks/C1001~${'a'.repeat(32)}`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
    [`/tasks/C4040~${'a'.repeat(32)}`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
    [`/reviews/C4040~${'a'.repeat(32)}`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
    [`/policy/${A_HASH}`, 'POLICY_NOT_FOUND', 'hash', 'names no policy that was ever in force'],
  ])('%s names nothing that there is', async (url, code, field, message) => {
    expect(await refused(await service.get(url))).toEqual({
      status: 404,
      code,
      errors: [{ field, message }],
    });
  });

  it.each([
    '/',
    '/nowhere',
    '/cases/C1001/delete',
    '/tasks/x/y',
    '/docs/static/nothing.js',
    '/reviews/x/claim',
  ])('%s is not served', async (url) => {
    expect(await refused(await service.get(url))).toEqual({
      status: 404,
      code: 'ROUTE_NOT_FOUND',
      errors: undefined,
    });
  });

  it('that is not served is refused before its body is read', async () => {
    const answer = await service.post('/nowhere', 'x'.repeat(3e6), { 'content-type': 'text/xml' });
    expect(answer.statusCode).toBe(404);
  });

  it.each([
    ['DELETE', '/cases/C1001', 'GET, HEAD'],
    ['PUT', '/cases', 'GET, HEAD, POST'],
    ['GET', '/case-task', 'POST'],
    ['POST', '/tasks', 'GET, HEAD'],
    ['POST', '/reviews/C1001~a', 'GET, HEAD'],
    ['OPTIONS', '/cases/C1001/close', 'POST'],
    ['PATCH', '/healthz', 'GET, HEAD'],
  ] as const)('does not serve %s %s', async (method, url, allow) => {
    const answer = await service.send({ method, url });
    expect(answer.headers.allow).toBe(allow);
    expect(await refused(answer)).toEqual({ status: 405, code: 'METHOD_NOT_ALLOWED', errors: undefined });
    expect(answer.json().detail).toBe(`${method} is not served here; send ${allow}`);
  });
});

const LIMIT = 'must be a whole number';
const NO_CURSOR = 'is no cursor of this list; leave it out for the first page';
const NO_POSITION = 'is no position that this service gave out';
const TEXT = 'must be 1 to 200 characters, without control characters';
const cursor = (keys: unknown): string => Buffer.from(JSON.stringify(keys)).toString('base64url');

describe('a query', () => {
  it.each([
    ['/cases?limit=x', 'limit', LIMIT],
    ['/cases?limit=', 'limit', LIMIT],
    ['/cases?limit=0x10', 'limit', LIMIT],
    ['/cases?limit=1e2', 'limit', LIMIT],
    ['/cases?limit=1.5', 'limit', LIMIT],
    ['/cases?limit=1&limit=2', 'limit', LIMIT],
    ['/cases?limit=0', 'limit', 'must be at least 1'],
    ['/cases?limit=201', 'limit', 'must be at most 200'],
    ['/cases/C1001/events?fromRevision=-1', 'fromRevision', LIMIT],
    ['/cases/C1001/events?limit=1001', 'limit', 'must be at most 1000'],
    ['/cases?cursor=', 'cursor', NO_CURSOR],
    ['/cases?cursor=%7B%7D', 'cursor', NO_CURSOR],
    [`/cases?cursor=${cursor('1')}`, 'cursor', NO_CURSOR],
    [`/cases?cursor=${cursor(1.5)}`, 'cursor', NO_CURSOR],
    [`/cases?cursor=${cursor(-1)}`, 'cursor', NO_CURSOR],
    [`/tasks?cursor=${cursor([1])}`, 'cursor', NO_CURSOR],
    [`/audit?cursor=${cursor(null)}`, 'cursor', NO_CURSOR],
    [`/reviews?cursor=${cursor(['\0', 1])}`, 'cursor', NO_CURSOR],
    [`/reviews?cursor=${cursor(7)}`, 'cursor', NO_CURSOR],
    [`/cases?cursor=${'x'.repeat(201)}`, 'cursor', 'must be at most 200 characters long'],
    ['/cases?atLeast=garbage', 'atLeast', NO_POSITION],
    ['/cases?atLeast=', 'atLeast', NO_POSITION],
    ['/cases?state=open', 'state', 'must be one of OPEN, SUSPENDED, CLOSED'],
    ['/tasks?caseId=a%2Fb', 'caseId', CASE_ID],
    ['/audit?intent=%00', 'intent', TEXT],
    ['/audit?actor=%00', 'actor', TEXT],
    ['/reviews?queue=%0A', 'queue', TEXT],
    ['/reviews?intent=', 'intent', TEXT],
    [
      '/audit?from=yesterday',
      'from',
      'must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z',
    ],
    [
      '/audit?to=2026-02-30T00:00:00Z',
      'to',
      'must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z',
    ],
    [
      '/cases?asOf=1',
      'query',
      'takes only limit, cursor, atLeast, state, priority; leave out what else is there',
    ],
  ])('%s', async (url, field, message) => {
    expect(await refused(await service.get(url))).toEqual(invalid(field, message));
  });

  it.each(['/cases', '/tasks', '/audit', '/reviews', '/audit/C1001'])(
    '%s with a position of another store',
    async (url) => {
      const foreign = createPositionTokens('019b0000-0000-7000-8000-000000000000').encode(1n);
      expect(await refused(await service.get(`${url}?atLeast=${foreign}`))).toEqual(
        invalid('atLeast', 'is a position of another store'),
      );
    },
  );
});
