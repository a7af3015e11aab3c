import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPositionTokens } from '../../src/api/positions.ts';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { policy } from '../support/builders.ts';
import { modelSays } from '../support/scripted.ts';
import { createRefusingApp, invalid, type RefusingApp } from './refusals.ts';

let service: RefusingApp;
beforeAll(async () => {
  service = await createRefusingApp();
});
afterAll(() => service.close());

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
    expect(await service.refused(await service.get(url))).toEqual(invalid(field, message));
  });

  it.each([
    ['/cases/C4040', 'CASE_NOT_FOUND', 'caseId', 'names no case'],
    ['/cases/C4040/events', 'CASE_NOT_FOUND', 'caseId', 'names no case'],
    ['/audit/C4040', 'CASE_NOT_FOUND', 'case_id', 'names no case'],
    [`/tasks/C1001~${'a'.repeat(32)}`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
    [`/tasks/C4040~${'a'.repeat(32)}`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
    [`/reviews/C4040~${'a'.repeat(32)}`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
    [`/policy/${A_HASH}`, 'POLICY_NOT_FOUND', 'hash', 'names no policy that was ever in force or a shadow'],
  ])('%s names nothing that there is', async (url, code, field, message) => {
    expect(await service.refused(await service.get(url))).toEqual({
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
    '/reviews/x/approve',
  ])('%s is not served', async (url) => {
    expect(await service.refused(await service.get(url))).toEqual({
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
    expect(await service.refused(answer)).toEqual({
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      errors: undefined,
    });
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
    expect(await service.refused(await service.get(url))).toEqual(invalid(field, message));
  });

  it.each(['/cases', '/tasks', '/audit', '/reviews', '/audit/C1001'])(
    '%s with a position of another store',
    async (url) => {
      const foreign = createPositionTokens('postgres/019b0000-0000-7000-8000-000000000000').encode(1n);
      expect(await service.refused(await service.get(`${url}?atLeast=${foreign}`))).toEqual(
        invalid('atLeast', 'is a position of another store'),
      );
    },
  );
});

describe('a query of a GET of one thing', () => {
  /** Probes and scrapers may add parameters of their own. */
  const FOR_MACHINES = ['/healthz', '/readyz', '/metrics'];
  /** Those that also tell how something was. */
  const AS_IT_WAS = ['/cases/{caseId}', '/tasks/{taskId}'];
  const ONLY_AT_LEAST = 'takes only atLeast; leave out what else is there';
  const OF_STREAMS = ['/cases/{caseId}', '/tasks/{taskId}', '/reviews/{taskId}', '/policy', '/policy/{hash}'];
  const real: Record<string, string> = {};
  /** The URL of a thing that there is. */
  const urlOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, (_, name) => real[name] ?? '');
  const gets = (): string[] =>
    Object.entries(service.document.paths).flatMap(([path, operations]) =>
      operations.get && !FOR_MACHINES.includes(path) ? [path] : [],
    );

  let service: TestApp;
  beforeAll(async () => {
    service = await createTestApp({ model: () => modelSays({ confidence: 0.1 }) });
    await service.post('/cases', newCase());
    const { taskId, position } = (await service.post('/case-task', newTask())).json();
    Object.assign(real, { caseId: 'C1001', case_id: 'C1001', taskId, position, hash: policy.hash });
  });
  afterAll(() => service.close());

  it('is refused on every route, by GET and HEAD, where it asks for what is not there, and its key is not repeated', async () => {
    expect(gets().length).toBeGreaterThan(10);
    for (const path of gets()) {
      const url = `${urlOf(path)}?ifItWas=2020-01-01T00:00:00Z`;
      const answer = await service.get(url);
      expect([path, answer.statusCode, answer.json().errors]).toEqual([
        path,
        400,
        [
          {
            field: 'query',
            message: expect.stringMatching(/^takes only .+; leave out what else is there$/),
          },
        ],
      ]);
      expect(answer.payload).not.toMatch(/ifItWas|2020/);
      const { statusCode } = await service.app.inject({
        method: 'HEAD',
        url,
        headers: { host: 'localhost' },
      });
      expect([path, statusCode]).toEqual([path, 400]);
    }
  });

  it.each([
    ...OF_STREAMS.map((path) => [
      path,
      AS_IT_WAS.includes(path) ? 'takes only atLeast, asOf; leave out what else is there' : ONLY_AT_LEAST,
    ]),
    ['/cases/{caseId}/events', 'takes only atLeast, asOf, fromRevision, limit; leave out what else is there'],
  ])('%s says what it takes', async (path, message) => {
    const { errors } = (await service.get(`${urlOf(path)}?revision=1`)).json();
    expect(errors).toEqual([{ field: 'query', message }]);
  });

  it.each([...OF_STREAMS, '/cases/{caseId}/events'])(
    '%s takes positions of this store alone',
    async (path) => {
      const url = urlOf(path);
      const other = createPositionTokens('postgres/019b0000-0000-7000-8000-000000000000').encode(1n);
      const plain = await service.get(url);
      expect(plain.statusCode).toBe(200);
      expect((await service.get(`${url}?atLeast=${real.position}`)).json()).toEqual(plain.json());
      for (const [token, message] of [
        ['garbage', NO_POSITION],
        ['', NO_POSITION],
        [other, 'is a position of another store'],
        [`${real.position}&atLeast=${real.position}`, 'must be text'],
      ]) {
        const answer = await service.get(`${url}?atLeast=${token}`);
        expect([answer.statusCode, answer.json().errors]).toEqual([400, [{ field: 'atLeast', message }]]);
      }
    },
  );
});
