import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { modelSays } from '../support/scripted.ts';

/** What was answered once, and is to be answered again. */
type Seen = { readonly revision: number; readonly at: string; readonly bodies: Record<string, unknown> };

let service: TestApp;
let taskId: string;
const seen: Seen[] = [];

const tick = async (): Promise<void> => {
  const start = Date.now();
  while (Date.now() === start) await new Promise((resolve) => setImmediate(resolve));
};

/** Takes down what is answered now, before anything else happens. */
async function look(): Promise<void> {
  const current = (await service.get('/cases/C1001')).json();
  const { position, revision, updatedAt } = current;
  const paths = ['/cases/C1001', `/audit/C1001?atLeast=${position}`, `/audit?atLeast=${position}`];
  if (taskId) paths.push(`/tasks/${taskId}`, '/cases/C1001/events');
  const answers = await Promise.all(paths.map(async (path) => [path, (await service.get(path)).json()]));
  seen.push({ revision, at: updatedAt, bodies: Object.fromEntries(answers) });
  await tick();
}

beforeAll(async () => {
  let confidence = 0.95;
  service = await createTestApp({ model: () => modelSays({ confidence }) });
  await service.post('/cases', newCase({ personalAttributes: { holder: 'Erika Mustermann' } }));
  await look();
  taskId = (await service.post('/case-task', newTask())).json().taskId;
  await look();
  await service.post('/cases/C1001/notes', { text: 'called back' });
  await look();
  confidence = 0.2;
  await service.post('/case-task', newTask({ description: 'Please retry once more' }));
  await look();
  const { headers } = await service.get('/cases/C1001');
  await service.post('/cases/C1001/close', { reason: 'DONE' }, { 'if-match': String(headers.etag) });
  await look();
});
afterAll(() => service.close());

const and = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`;

describe('what was answered once is answered again, as of then', () => {
  it('by time, on every route, whatever has happened since', async () => {
    expect(seen.map(({ revision }) => revision)).toEqual([0, 5, 6, 10, 12]);
    for (const { revision, at, bodies } of seen) {
      for (const [path, body] of Object.entries(bodies)) {
        const answer = await service.get(and(path, `asOf=${at}`));
        const tells = /^\/(cases\/C1001|tasks\/[^/]+)$/.test(path)
          ? { asOf: { revision, recordedAt: at } }
          : {};
        expect([path, answer.json()]).toEqual([path, { ...(body as object), ...tells }]);
      }
    }
  });

  it('by revision, without an ETag that could be taken for that of the present', async () => {
    for (const { revision, bodies } of seen) {
      const answer = await service.get(`/cases/C1001?asOf=${revision}`);
      expect(answer.json()).toMatchObject(bodies['/cases/C1001'] as object);
      expect(answer.headers.etag).toBeUndefined();
    }
    expect((await service.get(`/cases/C1001`)).headers.etag).toBe('"12"');
  });

  it('up to the last event that was recorded then, and as it is for a time that is still to come', async () => {
    const [, second] = seen;
    const justBefore = new Date(Date.parse(second?.at ?? '') - 1).toISOString();
    const { asOf } = (await service.get(`/cases/C1001?asOf=${justBefore}`)).json();
    expect(asOf.revision).toBeLessThan(5);
    expect(asOf.recordedAt <= justBefore).toBe(true);
    const late = (await service.get('/cases/C1001?asOf=9999-12-31T23:59:59-09:00')).json();
    expect(late.asOf.revision).toBe(12);
    expect((await service.get('/audit?asOf=9999-12-31T23:59:59-09:00')).json().entries).toHaveLength(2);
  });

  it('in pages, where there are many events', async () => {
    const page = (await service.get('/cases/C1001/events?asOf=6&fromRevision=4&limit=2')).json();
    expect([page.events.map((event: { revision: number }) => event.revision), page.next]).toEqual([
      [4, 5],
      6,
    ]);
    const last = (await service.get('/cases/C1001/events?asOf=6&fromRevision=6&limit=2')).json();
    expect([last.events.map((event: { revision: number }) => event.revision), last.next]).toEqual([
      [6],
      null,
    ]);
    const behind = (await service.get('/cases/C1001/events?asOf=6&fromRevision=7')).json();
    expect([behind.events, behind.next]).toEqual([[], null]);
  });

  it('together with a position that was given out, which has to be one of this store', async () => {
    const { position } = (await service.get('/cases/C1001')).json();
    expect((await service.get(`/cases/C1001?asOf=0&atLeast=${position}`)).json().revision).toBe(0);
    expect((await service.get('/cases/C1001?asOf=0&atLeast=garbage')).statusCode).toBe(400);
  });
});

describe('a moment', () => {
  const BEFORE = '2000-01-01T00:00:00Z';
  const opened = (): string => `is before the case was opened, at ${seen[0]?.at}`;
  const problemOf = async (url: string) => {
    const answer = await service.get(url);
    const { code, errors } = answer.json();
    return [answer.statusCode, code, errors];
  };

  it.each(['/cases/C1001', '/cases/C1001/events', '/audit/C1001'])(
    'at which the case was not there yet is not found by %s',
    async (path) => {
      expect(await problemOf(`${path}?asOf=${BEFORE}`)).toEqual([
        404,
        'CASE_NOT_FOUND',
        [{ field: 'asOf', message: opened() }],
      ]);
    },
  );

  it.each([
    ['/cases/NONE?asOf=0', 'CASE_NOT_FOUND', 'caseId', 'names no case'],
    [`/cases/NONE/events?asOf=${BEFORE}`, 'CASE_NOT_FOUND', 'caseId', 'names no case'],
    [`/audit/NONE?asOf=${BEFORE}`, 'CASE_NOT_FOUND', 'case_id', 'names no case'],
    [`/tasks/C1001~${'0'.repeat(32)}?asOf=0`, 'TASK_NOT_FOUND', 'taskId', 'names no task'],
  ])('of nothing is not found: %s', async (url, code, field, message) => {
    expect(await problemOf(url)).toEqual([404, code, [{ field, message }]]);
  });

  it.each(['0', BEFORE])('before the task was received is told as such: %s', async (moment) => {
    expect(await problemOf(`/tasks/${taskId}?asOf=${moment}`)).toEqual([
      404,
      'TASK_NOT_FOUND',
      [{ field: 'asOf', message: 'is before the task was received' }],
    ]);
  });

  it('that the case has not got to is refused, with where it is', async () => {
    const message = 'must be a revision that the case has; it is at 12';
    for (const path of ['/cases/C1001', '/cases/C1001/events', `/tasks/${taskId}`]) {
      expect(await problemOf(`${path}?asOf=13`)).toEqual([
        400,
        'INVALID_INPUT',
        [{ field: 'asOf', message }],
      ]);
    }
  });

  it.each(['', 'yesterday', '-1', '1.5', '2026-02-30T00:00:00Z', '2026-01-31T12:00:00', '9'.repeat(16)])(
    'that is none is refused, with how to write one: %s',
    async (text) => {
      const message =
        'must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z (write + as %2B), or a revision, such as 7';
      for (const path of ['/cases/C1001', '/cases/C1001/events', `/tasks/${taskId}`]) {
        expect(await problemOf(`${path}?asOf=${text}`)).toEqual([
          400,
          'INVALID_INPUT',
          [{ field: 'asOf', message }],
        ]);
      }
    },
  );

  it('of the audit log is a time, and never a revision of one case', async () => {
    expect(await problemOf('/audit?asOf=3')).toMatchObject([400, 'INVALID_INPUT', [{ field: 'asOf' }]]);
    expect(await problemOf('/audit/C1001?asOf=3')).toMatchObject([400, 'INVALID_INPUT', [{ field: 'asOf' }]]);
  });
});
