import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { rawRequest } from '../support/rawHttp.ts';
import { modelSays } from '../support/scripted.ts';

let service: TestApp;
beforeEach(async () => {
  service = await createTestApp({ waitMs: 100 });
  await service.post('/cases', newCase());
});
afterEach(() => service.close());

const UNAVAILABLE = {
  status: 503,
  code: 'STORE_UNAVAILABLE',
  detail: 'send the same request again: what was recorded already is answered',
};

describe('a store that cannot be reached', () => {
  it.each([
    ['POST', '/cases', { caseId: 'C2' }],
    ['GET', '/cases/C1001', undefined],
    ['GET', '/cases/C1001/events', undefined],
    ['GET', '/policy', undefined],
    ['GET', '/automation', undefined],
    ['POST', '/automation/pause', { scope: 'ALL' }],
    ['GET', '/readyz', undefined],
  ] as const)('makes %s %s a 503 with Retry-After, and nothing half done', async (method, url, body) => {
    const before = await service.events();
    for (const of of ['read', 'append'] as const) {
      service.outage.of = of;
      if (method === 'GET' && of === 'append') continue;
      const answer = method === 'GET' ? await service.get(url) : await service.post(url, body);
      expect(answer.statusCode).toBe(503);
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.json()).toMatchObject(UNAVAILABLE);
      expect(await service.events()).toEqual(before);
    }
    service.outage.of = null;
    const answer = method === 'GET' ? await service.get(url) : await service.post(url, body);
    expect(answer.statusCode).toBeLessThan(300);
  });

  // What this process knows of the case is enough to append to it, and the append is the check.
  it.each([
    ['/case-task', newTask(), 202],
    ['/cases/C1001/notes', { text: 'hello' }, 201],
  ] as const)(
    'takes POST %s where it can be appended, and makes it a 503 where it cannot',
    async (url, body, status) => {
      const before = await service.events();
      service.outage.of = 'append';
      const refused = await service.post(url, body);
      expect(refused.statusCode).toBe(503);
      expect(refused.headers['retry-after']).toBe('1');
      expect(refused.json()).toMatchObject(UNAVAILABLE);
      expect(await service.events()).toEqual(before);
      service.outage.of = 'read';
      expect((await service.post(url, body)).statusCode).toBe(status);
      expect(await service.events()).toHaveLength(before.length + 1);
    },
  );

  it('is told to the log as a warning, with its cause and without a stack', async () => {
    service.outage.of = 'read';
    await service.get('/cases/C1001');
    const [line] = service
      .logged()
      .split('\n')
      .filter((text) => text.includes('a request was turned away'))
      .map((text) => JSON.parse(text));
    expect(line).toMatchObject({
      level: 40,
      code: 'STORE_UNAVAILABLE',
      reason: 'The event store did not answer: TEST',
      reqId: expect.any(String),
    });
    expect(line).not.toHaveProperty('err');
  });

  it('does not end a liveness that was promised', async () => {
    service.outage.of = 'read';
    expect((await service.get('/healthz')).json()).toEqual({ status: 'alive' });
  });

  it('that is lost after a task was received loses nothing: the repeat gets its outcome', async () => {
    await service.close();
    service = await createTestApp({
      waitMs: 5_000,
      model: () => {
        service.outage.of = 'append';
        return modelSays();
      },
    });
    await service.post('/cases', newCase());
    const first = service.post('/case-task', newTask());
    await expect.poll(() => service.outage.of).toBe('append');
    service.outage.of = 'read';
    await expect.poll(async () => (await service.get('/cases/C1001')).statusCode).toBe(503);
    service.outage.of = null;
    expect((await first).statusCode).toBe(200);
    const repeat = await service.post('/case-task', newTask());
    expect(repeat.json()).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect((await service.events()).filter(({ type }) => type === 'DecisionRecommended')).toHaveLength(1);
  });
});

it('a fault of our own is a 500 that tells the client nothing, and the log everything', async () => {
  service.outage.of = 'fault';
  const answer = await service.get('/cases/C1001');
  service.outage.of = null;
  expect(answer.json()).toEqual({
    type: 'urn:case-orchestrator:problem:internal-error',
    title: 'Something went wrong here',
    status: 500,
    code: 'INTERNAL_ERROR',
  });
  const line =
    service
      .logged()
      .split('\n')
      .find((text) => text.includes('"level":50')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({
    msg: 'a request failed',
    reqId: answer.headers['x-request-id'],
    err: { message: 'an invariant is broken', stack: expect.stringContaining('src/api/cases.ts') },
  });
});

describe('read models that trail', () => {
  it('are not waited for longer than it takes', async () => {
    const { position } = (await service.get('/cases/C1001')).json();
    const { status, projections } = (await service.get('/readyz')).json();
    expect({ status, projections }).toEqual({
      status: 'ready',
      projections: { leads: true, parkedCases: 0 },
    });
    expect((await service.get(`/cases?atLeast=${position}`)).statusCode).toBe(200);
  });
});

describe('a service that shuts down', () => {
  it('finishes what is in flight, and sends what still comes elsewhere', async () => {
    await service.close();
    let decide: () => void = () => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    service = await createTestApp({ waitMs: 5_000, model: () => decided.then(() => modelSays()) });
    await service.post('/cases', newCase());
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = service.app.server.address() as AddressInfo;

    const socket = connect({ host: '127.0.0.1', port, timeout: 5_000 });
    const body = JSON.stringify(newTask());
    const post = ['POST /case-task HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
    socket.write(rawRequest([...post, `Content-Length: ${body.length}`], body));
    await expect.poll(async () => (await service.events()).map(({ type }) => type)).toContain('TaskReceived');

    const closed = service.app.close();
    // The next turn: whoever listens for the beginning of the end has been told.
    await new Promise(setImmediate);
    socket.write(rawRequest(['GET /cases/C1001 HTTP/1.1', 'Host: localhost']));
    const answers = text(socket);
    await expect.poll(() => service.logged()).toContain('SHUTTING_DOWN');
    decide();
    await closed;
    const [first = '', second = ''] = (await answers).split('HTTP/1.1 ').slice(1);
    expect(first).toMatch(/^200 /);
    expect(first).toContain('"outcome":"AUTO_SUCCESS"');
    expect(second).toMatch(/^503 /);
    expect(second.toLowerCase()).toContain('\r\nretry-after: 1\r\n');
    expect(second.toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(second).toContain('"code":"SHUTTING_DOWN"');
  });
});
