import { type AddressInfo, connect } from 'node:net';
import fastify from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { afterEach, describe, expect, it } from 'vitest';
import { registerAuditExport } from '../../src/api/auditExport.ts';
import type { ApiDependencies } from '../../src/api/dependencies.ts';
import { handleError } from '../../src/api/errorHandler.ts';
import { createPositionTokens } from '../../src/api/positions.ts';
import { compileValidator } from '../../src/api/validation.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import type { AuditRow } from '../../src/projections/audit.ts';
import type { ReadSettled } from '../../src/projections/settledRows.ts';
import { createTestApp, newCase, newTask } from '../support/app.ts';
import { AT } from '../support/builders.ts';
import { until } from '../support/until.ts';

const PAGE = 1_000;
const END = 1_000_000_000n;
const PAGES = Number(END) / PAGE;

const row = (n: number): AuditRow => ({
  task_id: `C1~${String(n).padStart(32, '0')}`,
  case_id: 'C1',
  actor_id: 'somebody',
  status: 'COMPLETED',
  attempts: 1,
  succeeded: true,
  intent: 'RETRY_EXTERNAL_CALL',
  route_target: 'PARTNER_API',
  confidence: 0.95,
  outcome: 'AUTO_SUCCESS',
  event_id: `event ${n}`,
  settled_at: AT,
  settled_position: n,
});

let stop: (() => Promise<void>) | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

/** The route over a log without an end, whose n-th page is what `page` makes of it. */
async function serve(page: (n: number) => Promise<void>) {
  let reads = 0;
  const settled: ReadSettled = async ({ after, limit }) => {
    reads += 1;
    await page(reads);
    const rows = Array.from({ length: limit }, (_, index) => row(after + 1 + index));
    return { rows, reached: END };
  };
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  const readModels = { settled, parkedCases: async () => 3, caughtUp: async () => true };
  registerAuditExport(app, {
    readModels: readModels as unknown as ApiDependencies['readModels'],
    store: { lastPosition: async () => END } as unknown as ApiDependencies['store'],
    positions: createPositionTokens('memory/log'),
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  stop = () => app.close();
  const { port } = app.server.address() as AddressInfo;
  const connections = (): Promise<number> =>
    new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)));
  return { port, url: `http://127.0.0.1:${port}/export/audit`, reads: () => reads, connections };
}

const fine = async (): Promise<void> => {};
const failingAt =
  (failing: number) =>
  async (n: number): Promise<void> => {
    if (n === failing) throw new StoreUnavailableError('the database went away', null);
  };

describe('an export whose page fails', () => {
  it('in the middle ends in a broken connection', async () => {
    const { url } = await serve(failingAt(4));
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow('terminated');
  });

  it('does so also where the end of the connection is that of the file: HTTP/1.0', async () => {
    const { port } = await serve(failingAt(4));
    const socket = connect({ port, host: '127.0.0.1' });
    const ends: string[] = [];
    socket.on('end', () => ends.push('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? 'error'));
    socket.resume();
    socket.write('GET /export/audit HTTP/1.0\r\nHost: localhost\r\n\r\n');
    await new Promise<void>((resolve) => socket.on('close', () => resolve()));
    expect(ends).toEqual(['ECONNRESET']);
  });

  it('at its beginning is a problem like any other', async () => {
    const { url } = await serve(failingAt(1));
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
    expect(await answer.json()).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('an export without an end', () => {
  it('is read only as fast as its client takes it, and no further once the client is gone', async () => {
    const { port, reads, connections } = await serve(fine);
    const socket = connect({ port, host: '127.0.0.1' });
    socket.pause();
    socket.write('GET /export/audit?format=jsonl HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let seen = -1;
    // What the buffers of both ends hold is read at once; then nothing is, until somebody takes it.
    await until('the export waits for its client', async () => {
      const isStill = reads() > 2 && reads() === seen;
      seen = reads();
      await new Promise((resolve) => setTimeout(resolve, 30));
      return isStill && reads() === seen;
    });
    expect(reads()).toBeLessThan(PAGES / 100);
    socket.resume();
    await until('it goes on', () => reads() > seen + 5);
    socket.destroy();
    await until('the connection is gone', async () => (await connections()) === 0);
    const atTheEnd = reads();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reads()).toBeLessThanOrEqual(atTheEnd + 1);
  });

  it('begins with nothing but headers for HEAD', async () => {
    const { url, reads } = await serve(fine);
    const answer = await fetch(url, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/csv; charset=utf-8; header=present',
      '',
    ]);
    expect(answer.headers.get('parked-cases')).toBe('3');
    expect(reads()).toBe(1);
  });
});

describe('GET /export/audit', () => {
  it('gives what GET /audit gives, the oldest first, in both formats and with the same filters', async () => {
    const service = await createTestApp();
    stop = service.close;
    await service.post('/cases', newCase());
    await service.post('/cases', newCase({ caseId: 'export' }));
    for (const [n, case_id] of ['C1001', 'export', 'C1001'].entries())
      await service.post('/case-task', newTask({ case_id, description: `Please retry once more: ${n}` }));
    const { position } = (await service.get('/cases/C1001')).json();
    const { entries } = (await service.get(`/audit?atLeast=${position}`)).json();
    const lines = (await service.get('/export/audit?format=jsonl')).payload.split('\n');
    expect(lines.slice(0, -1).map((line) => JSON.parse(line))).toEqual(entries.toReversed());
    expect(lines).toHaveLength(4);
    const csv = await service.get(`/export/audit?actor=anonymous&atLeast=${position}`);
    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="audit.csv"',
      'parked-cases': '0',
      'cache-control': 'no-store',
    });
    expect(csv.payload.split('\r\n').map((line) => line.split(',')[0])).toEqual([
      'id',
      ...entries.toReversed().map(({ id }: { id: string }) => id),
      '',
    ]);
    const [newest, middle] = entries;
    const asOf = (await service.get(`/export/audit?format=jsonl&asOf=${middle.createdAt}`)).payload;
    expect(asOf.includes(newest.id)).toBe(newest.createdAt === middle.createdAt);
    expect((await service.get('/export/audit?format=jsonl&outcome=MANUAL')).payload).toBe('');
    // A case may have any name.
    expect((await service.get('/audit/export')).json().entries).toHaveLength(1);
  });

  it.each([
    ['format=xls', 'format', 'must be one of csv, jsonl'],
    ['limit=3', 'query', /^takes only format, from, to, asOf, outcome, intent, actor, atLeast;/],
    ['asOf=7', 'asOf', /^must be a time in ISO 8601/],
  ])('refuses %s', async (query, field, message) => {
    const { port } = await serve(fine);
    const answer = await fetch(`http://127.0.0.1:${port}/export/audit?${query}`);
    const { errors } = (await answer.json()) as { errors: { field: string; message: string }[] };
    expect([answer.status, errors.length, errors[0]?.field]).toEqual([400, 1, field]);
    expect(errors[0]?.message).toMatch(message);
  });
});
