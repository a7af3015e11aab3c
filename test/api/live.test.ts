import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { closeApp } from '../../src/api/closeApp.ts';
import { createPositionTokens } from '../../src/api/positions.ts';
import { newCase, newTask } from '../support/app.ts';
import { type EventStreamClient, openEventStream } from '../support/eventStream.ts';
import { modelSays } from '../support/scripted.ts';
import { until } from '../support/until.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

const SURE = 'Partner API failed with timeout, please retry';

let service: AuthenticatedApp;
let url: string;
let key: string;
let clients: EventStreamClient[] = [];
beforeEach(async () => {
  service = await createAuthenticatedApp({
    model: ({ task }) => modelSays(task.description.startsWith(SURE) ? {} : { confidence: 0.1 }),
  });
  url = await service.app.listen({ host: '127.0.0.1', port: 0 });
  key = (await service.makeKey({ actor: 'rita', roles: ['OPS'] })).text;
  await Promise.all(['C1', 'C2'].map((caseId) => service.call(key, '/cases', newCase({ caseId }))));
});
afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await service.close();
});

const authorization = (): Record<string, string> => ({ authorization: `Bearer ${key}` });
async function listen(query = '', headers: Record<string, string> = {}): Promise<EventStreamClient> {
  const client = await openEventStream(`${url}/live${query}`, { ...authorization(), ...headers });
  clients.push(client);
  return client;
}
/** A task that is executed, or is routed to a person when its text is another one. */
async function submit(caseId: string, description: string): Promise<string> {
  const answer = await service.call(key, '/case-task', newTask({ case_id: caseId, description }));
  expect(answer.statusCode).toBe(200);
  return answer.json<{ taskId: string }>().taskId;
}
async function act(taskId: string, what: 'claim' | 'release'): Promise<void> {
  expect((await service.call(key, `/reviews/${taskId}/${what}`, {})).statusCode).toBe(200);
}
const list = async (path: string, name: string): Promise<Record<string, unknown>[]> =>
  (await service.call(key, `${path}limit=200`)).json()[name];

const isIn =
  (event: string, values: Record<string, unknown>) => (sent: EventStreamClient['events'][number]) =>
    sent.event === event && Object.entries(values).every(([name, value]) => sent.data[name] === value);

describe('GET /live', () => {
  it('sends tasks and reviews as they change, as the lists show them', async () => {
    const client = await listen();
    expect(client.status).toBe(200);
    const done = await submit('C1', SURE);
    const routed = await submit('C2', 'something else');
    await act(routed, 'claim');
    await client.received('the claim', isIn('review', { taskId: routed, assignee: 'rita' }));
    await client.received('the end', isIn('task', { taskId: routed, status: 'IN_REVIEW' }));
    const newest = (event: string, taskId: string) =>
      client.events.filter((sent) => sent.event === event && sent.data.taskId === taskId).at(-1)?.data;
    await client.received('the other’s end', isIn('task', { taskId: done, status: 'COMPLETED' }));
    expect(await list('/tasks?', 'tasks')).toEqual([newest('task', routed), newest('task', done)]);
    expect(await list('/reviews?', 'reviews')).toEqual([newest('review', routed)]);
    expect(client.text().startsWith('retry: 1000\nid: ')).toBe(true);
  });

  it('has the headers that proxies and browsers need, and those of every answer', async () => {
    const { headers } = await listen();
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-request-id': expect.any(String),
    });
    expect(headers['content-length']).toBeUndefined();
  });

  it('sends what is of one case, or of one queue, also when it leaves the queue', async () => {
    const [ofCase, ofQueue, ofOther] = await Promise.all([
      listen('?caseId=C2'),
      listen('?queue=operations'),
      listen('?queue=security'),
    ]);
    await submit('C1', SURE);
    const routed = await submit('C1', 'something else');
    const other = await submit('C2', 'something else');
    await ofCase.received('of C2', isIn('review', { taskId: other }));
    await ofQueue.received('of the queue', isIn('review', { taskId: other }));
    expect(new Set(ofCase.events.map(({ data }) => data.caseId))).toEqual(new Set(['C2']));
    expect(new Set(ofQueue.events.map(({ data }) => data.taskId))).toEqual(new Set([routed, other]));
    const { etag } = (await service.call(key, '/cases/C1')).headers;
    await service.call(key, '/cases/C1/close', {}, { 'if-match': String(etag) });
    await ofQueue.received('that it left', isIn('review', { taskId: routed, status: 'CLOSED' }));
    expect(ofOther.events).toEqual([]);
  });

  it('goes on behind the id that a client comes back with: each row once, as it stands now', async () => {
    const first = await listen();
    const [one, two] = [await submit('C1', 'something else'), await submit('C2', 'something else')];
    await first.received('the second one', isIn('review', { taskId: two }));
    first.close();
    await act(one, 'claim');
    await act(one, 'release');
    await act(one, 'claim');
    const three = await submit('C1', SURE);
    for (const resumed of [
      await listen('', { 'last-event-id': first.lastEventId() }),
      await listen(`?lastEventId=${first.lastEventId()}`),
      // What a browser does that comes again by itself: the address is the old one.
      await listen(`?lastEventId=${first.lastEventId().slice(0, 3)}`, {
        'last-event-id': first.lastEventId(),
      }),
    ]) {
      await resumed.received('what came last', isIn('task', { taskId: three, status: 'COMPLETED' }));
      expect(resumed.events.map(({ event, data }) => [event, data.taskId, data.status])).toEqual([
        ['task', one, 'IN_REVIEW'],
        ['review', one, 'CLAIMED'],
        ['task', three, 'COMPLETED'],
      ]);
    }
  });

  it('begins now for a client that has seen nothing', async () => {
    const before = await submit('C1', SURE);
    await until(
      'it is in the list',
      async () => (await list('/tasks?status=COMPLETED&', 'tasks')).length === 1,
    );
    const fresh = [await listen(), await listen('', { 'last-event-id': '' }), await listen('?lastEventId=')];
    const next = await submit('C2', SURE);
    for (const client of fresh) {
      await client.received('what comes', isIn('task', { taskId: next, status: 'COMPLETED' }));
      expect(client.events.filter(({ data }) => data.taskId === before)).toEqual([]);
    }
  });

  it('comes back to the same row where the connection ended between its two events', async () => {
    const routed = await submit('C1', 'something else');
    const all = await listen(`?lastEventId=${createPositionTokens(service.logId).encode(0n)}`);
    await all.received('the review', isIn('review', { taskId: routed }));
    const [task] = all.events.filter(isIn('task', { taskId: routed }));
    const resumed = await listen('', { 'last-event-id': String(task?.id) });
    await resumed.received('the review again', isIn('review', { taskId: routed }));
  });

  it('ends with an error that names what is wrong', async () => {
    const foreign = createPositionTokens('postgres/019b0000-0000-7000-8000-000000000000').encode(1n);
    const none = 'is no position that this service gave out';
    for (const [query, headers, field, message] of [
      ['', { 'last-event-id': 'garbage' }, 'Last-Event-ID', none],
      ['', { 'last-event-id': foreign }, 'Last-Event-ID', 'is a position of another store'],
      ['', { 'last-event-id': 'x'.repeat(201) }, 'Last-Event-Id', 'must be at most 200 characters long'],
      ['?lastEventId=garbage', {}, 'lastEventId', none],
      ['?lastEventId=a&lastEventId=b', {}, 'lastEventId', 'must be text'],
      ['?caseId=../x', {}, 'caseId', 'must be 1 to 64 characters out of A-Z a-z 0-9 . _ -'],
      ['?queue=', {}, 'queue', 'must be 1 to 200 characters, without control characters'],
    ] as const) {
      const answer = await service.call(key, `/live${query}`, undefined, headers);
      expect([answer.statusCode, answer.json().errors]).toEqual([400, [{ field, message }]]);
    }
  });

  it('answers HEAD without an end to wait for, and holds no connection for it', async () => {
    const sent = await fetch(`${url}/live`, { method: 'HEAD', headers: authorization() });
    expect([sent.status, sent.headers.get('content-type'), await sent.text()]).toEqual([
      200,
      'text/event-stream',
      '',
    ]);
    await closeApp(service.app, 5_000);
  });

  it('lets so many in at one time, so many of one caller, and the next one when somebody has gone', async () => {
    const keyOf = async (n: number) => (await service.makeKey({ actor: `reader-${n}` })).text;
    const as = (credential: string) => ({ authorization: `Bearer ${credential}` });
    const refusal = async (credential: string) => {
      const answer = await service.call(credential, '/live');
      return [answer.statusCode, answer.json().code, answer.headers['retry-after']];
    };
    const keys = await Promise.all(Array.from({ length: 10 }, (_, n) => keyOf(n)));
    const all: EventStreamClient[] = [];
    for (const each of keys) {
      for (let n = 0; n < 20; n += 1) all.push(await listen('', as(each)));
      if (each === keys[0]) expect(await refusal(each)).toEqual([429, 'TOO_MANY_REQUESTS', undefined]);
    }
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
    expect(await refusal(key)).toEqual([503, 'OVERLOADED', '1']);
    all[7]?.close();
    await until('a place is free', async () => (await listen()).status === 200);
  });
});

describe('whoever listens to /live', () => {
  it('knows every row as it stands, however often the connection is cut while others write', async () => {
    const known = { task: new Map<unknown, unknown>(), review: new Map<unknown, unknown>() };
    const isLast = isIn('task', { caseId: 'LAST', status: 'COMPLETED' });
    const follow = async (): Promise<number> => {
      let lastEventId = createPositionTokens(service.logId).encode(0n);
      for (let round = 1; ; round += 1) {
        const client = await listen('', { 'last-event-id': lastEventId });
        const enough = round % 7;
        await until('some of it', () => client.events.length > enough || client.events.some(isLast));
        const seen = [...client.events];
        lastEventId = client.lastEventId();
        client.close();
        for (const { event, data } of seen) known[event as 'task' | 'review'].set(data.taskId, data);
        if (seen.some(isLast)) return round;
      }
    };
    const following = follow();
    const write = async (caseId: string): Promise<void> => {
      for (let n = 0; n < 8; n += 1) {
        const taskId = await submit(caseId, `${caseId} ${n}`);
        await act(taskId, 'claim');
        if (n % 2 === 0) await act(taskId, 'release');
        await submit(caseId, `${SURE} ${n}`);
      }
    };
    await Promise.all(['C1', 'C2'].map(write));
    await service.call(key, '/cases', newCase({ caseId: 'LAST' }));
    await submit('LAST', SURE);
    expect(await following).toBeGreaterThan(5);
    const byId = (rows: Iterable<unknown>) =>
      [...rows].toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    expect(byId(known.task.values())).toEqual(byId(await list('/tasks?', 'tasks')));
    expect(byId(known.review.values())).toEqual(byId(await list('/reviews?', 'reviews')));
    expect(known.review.size).toBe(known.task.size - 17);
  }, 30_000);

  it('counts once against the limit of requests', async () => {
    await service.close();
    service = await createAuthenticatedApp({ requestsPerMinute: 4 });
    url = await service.app.listen({ host: '127.0.0.1', port: 0 });
    key = (await service.makeKey()).text;
    const client = await listen();
    await service.call(key, '/cases', newCase({ caseId: 'C1' }));
    const taskId = await submit('C1', SURE);
    await client.received('the task', isIn('task', { taskId, status: 'COMPLETED' }));
    expect((await service.call(key, '/tasks')).statusCode).toBe(200);
    expect((await service.call(key, '/tasks')).statusCode).toBe(429);
  });
});

describe('a service that stops', () => {
  it('ends what it sends behind whole events, and lets nobody in any more', async () => {
    const some = await Promise.all([listen(), listen(), listen()]);
    await submit('C1', SURE);
    const began = performance.now();
    await closeApp(service.app, 10_000);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await Promise.all(some.map(({ ended }) => ended))).toEqual(['whole', 'whole', 'whole']);
  });

  it('does not wait for a client that takes nothing', async () => {
    const taskIds = await Promise.all(
      Array.from({ length: 60 }, (_, n) => submit(n % 2 ? 'C1' : 'C2', `text ${n}`)),
    );
    const port = Number(new URL(url).port);
    const socket = connect({ port, host: '127.0.0.1' });
    socket.pause();
    const start = createPositionTokens(service.logId).encode(0n);
    const head = `GET /live?lastEventId=${start} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n\r\n`;
    socket.write(head);
    const other = await listen(`?lastEventId=${start}`);
    await other.received('what there is', (sent) => sent.event === 'review', taskIds.length);
    const began = performance.now();
    await closeApp(service.app, 10_000);
    expect(performance.now() - began).toBeLessThan(5_000);
    socket.destroy();
  });
});
