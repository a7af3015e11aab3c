import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { modelSays } from '../support/scripted.ts';

let service: TestApp;
beforeEach(async () => {
  service = await createTestApp();
});
afterEach(() => service.close());

const open = (changes: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  service.post('/cases', newCase(changes), headers);

describe('POST /cases', () => {
  it('opens a case, and tells where it is and at which revision', async () => {
    const content = {
      attributes: { policyNumber: '4711', premium: 12.5, vip: false, constructor: 'Ltd.', toString: 'x' },
      personalAttributes: { holder: 'Erika Mustermann' },
    };
    const answer = await open(content);
    expect(answer.statusCode).toBe(201);
    expect(answer.headers).toMatchObject({ location: '/cases/C1001', etag: '"0"' });
    expect(answer.json()).toMatchObject({
      ...newCase(content),
      state: 'OPEN',
      revision: 0,
      tasks: [],
    });
    const read = await service.get('/cases/C1001');
    expect(read.headers.etag).toBe('"0"');
    expect(read.json()).toEqual(answer.json());
  });

  it('fills in what is not said', async () => {
    expect((await service.post('/cases', { caseId: ' C2 ' })).json()).toMatchObject({
      caseId: 'C2',
      priority: 'MEDIUM',
      lastErrorType: null,
      retryCount: 0,
      attributes: {},
      personalAttributes: {},
    });
  });

  it('answers the same content again with 200 and the same case', async () => {
    const first = await open({ attributes: { a: 1, b: 2 } });
    const again = await open({ attributes: { b: 2, a: 1 } }, { 'idempotency-key': 'x' });
    expect(again.statusCode).toBe(200);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.json()).toEqual(first.json());
    expect(await service.events()).toHaveLength(4);
  });

  it('refuses other content under the same id', async () => {
    await open();
    const before = await service.events();
    const answer = await open({ priority: 'HIGH' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().code).toBe('CASE_EXISTS');
    expect(await service.events()).toEqual(before);
  });

  it('opens one case however many ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => open()));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([...Array(19).fill(200), 201]);
    expect(await service.events()).toHaveLength(4);
  });
});

describe('a change of state', () => {
  const change = (verb: string, tag: string, body?: unknown, headers: Record<string, string> = {}) =>
    service.post(`/cases/C1001/${verb}`, body, { 'if-match': tag, ...headers });
  beforeEach(async () => {
    await open();
  });

  it('takes the case through its states, each at the revision that was seen', async () => {
    const suspended = await change('suspend', '"0"', { reason: 'WAITING_FOR_PARTNER' });
    expect(suspended.statusCode).toBe(200);
    expect(suspended.headers.etag).toBe('"1"');
    expect(suspended.json()).toMatchObject({ caseId: 'C1001', state: 'SUSPENDED', revision: 1 });
    expect((await change('reopen', '"1"', {})).json()).toMatchObject({ state: 'OPEN', revision: 2 });
    expect((await change('close', '"2"')).json()).toMatchObject({ state: 'CLOSED', revision: 3 });
    const { events } = (await service.get('/cases/C1001/events?fromRevision=1')).json();
    expect(events.map(({ data }: { data: unknown }) => data)).toEqual([
      { from: 'OPEN', to: 'SUSPENDED', reason: 'WAITING_FOR_PARTNER', command: null },
      { from: 'SUSPENDED', to: 'OPEN', reason: 'UNSPECIFIED', command: null },
      { from: 'OPEN', to: 'CLOSED', reason: 'UNSPECIFIED', command: null },
    ]);
  });

  it('is refused at another revision', async () => {
    await service.post('/cases/C1001/notes', { text: 'somebody was here' });
    for (const tag of ['"0"', '"2"']) {
      const answer = await change('close', tag);
      expect(answer.statusCode).toBe(412);
      expect(answer.json().code).toBe('REVISION_STALE');
    }
    expect((await service.get('/cases/C1001')).json().state).toBe('OPEN');
  });

  it('is refused where the state does not allow it', async () => {
    const answer = await change('reopen', '"0"');
    expect(answer.statusCode).toBe(409);
    expect(answer.json().code).toBe('STATE_NOT_ALLOWED');
  });

  it('of a case that does not exist is a 404 that names the parameter', async () => {
    const answer = await service.post('/cases/C4040/close', {}, { 'if-match': '"0"' });
    expect(answer.json()).toMatchObject({ code: 'CASE_NOT_FOUND', errors: [{ field: 'caseId' }] });
  });

  it('is repeated harmlessly under its key, also when If-Match is stale by then', async () => {
    const first = await change('suspend', '"0"', {}, { 'idempotency-key': 'k' });
    await service.post('/cases/C1001/notes', { text: 'later' });
    const before = await service.events();
    const repeat = await change('suspend', '"0"', {}, { 'idempotency-key': '"k"' });
    expect(repeat.statusCode).toBe(200);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.json()).toEqual(first.json());
    expect(await service.events()).toEqual(before);
  });

  it('under a key that came first with another change is refused', async () => {
    await change('suspend', '"0"', {}, { 'idempotency-key': 'k' });
    const answer = await change('close', '"1"', {}, { 'idempotency-key': 'k' });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      errors: [{ field: 'Idempotency-Key' }],
    });
  });

  it('lets one of many win', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => change('suspend', '"0"')));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, ...Array(9).fill(412)]);
  });

  it('to closed cancels what waits for a person', async () => {
    await service.close();
    service = await createTestApp({ model: () => modelSays({ confidence: 0.1 }) });
    await open();
    const { taskId, revision } = (await service.post('/case-task', newTask())).json();
    await change('close', `"${revision}"`);
    expect((await service.get(`/tasks/${taskId}`)).json()).toMatchObject({
      status: 'CANCELLED',
      outcome: 'MANUAL',
    });
  });
});

describe('a note', () => {
  const add = (text: string, headers: Record<string, string> = {}) =>
    service.post('/cases/C1001/notes', { text }, headers);
  beforeEach(async () => {
    await open();
  });

  it('is recorded once under a key, and as often as it is sent without one', async () => {
    const first = await add('Called the partner.', { 'idempotency-key': 'n' });
    expect(first.statusCode).toBe(201);
    expect(first.headers.etag).toBe('"1"');
    const repeat = await add('Called the partner.', { 'idempotency-key': 'n' });
    expect(repeat.statusCode).toBe(200);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.json()).toEqual(first.json());
    expect((await add('Called the partner.')).json().revision).toBe(2);
    expect((await add('Another text', { 'idempotency-key': 'n' })).statusCode).toBe(422);
  });

  it('of a case that does not exist is a 404', async () => {
    expect((await service.post('/cases/C4040/notes', { text: 'x' })).statusCode).toBe(404);
  });
});
