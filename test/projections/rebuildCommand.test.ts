import { once } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runNode, runToEnd } from '../support/childService.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { dumpReadModels } from './support.ts';

let database: TestDatabase;
let service: TestService;

const rebuildCommand = () => runToEnd(['src/cli/rebuild.ts'], { DATABASE_URL: database.url });

const tablesBeside = () =>
  query(
    database.url,
    "select from pg_tables where schemaname = 'readmodel' and tablename like '%rebuilding'",
  );

beforeAll(async () => {
  database = await createTestDatabase('rebuild command');
  service = await startTestService({ databaseUrl: database.url });
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

describe('node src/cli/rebuild.ts', () => {
  it('makes the same rows anew after a mixed history, and says so', async () => {
    for (const caseId of ['A', 'B', 'C']) {
      await service.openCase(caseId, {
        ...README_CASE,
        attributes: { amount: 12.5, name: 'Zoë', vip: true },
      });
    }
    await service.task({ case_id: 'A' });
    await service.task({ case_id: 'A', description: 'Please do not retry the partner API call' });
    await service.task({ case_id: 'B', user_role: 'AGENT' });
    await service.post('/cases/C/notes', { text: 'called the broker' });
    await service.post('/cases/C/suspend', {}, { 'if-match': '"1"' });
    const closing = await service.get<{ revision: number }>('/cases/B');
    const closed = await service.post('/cases/B/close', {}, { 'if-match': `"${closing.body.revision}"` });
    expect(closed.status).toBe(200);
    expect((await service.get('/readyz')).status).toBe(200);
    const before = await dumpReadModels(database.url);
    expect(Object.values(before).map((rows) => rows.length)).toEqual([3, 3, 3, 3]);

    await query(database.url, "update readmodel.cases set state = 'WRONG'; delete from readmodel.tasks");
    const { code, output } = await rebuildCommand();
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/^read models rebuilt from \d+ events in \d+\.\d s; 0 cases parked\n$/),
    });
    expect(await dumpReadModels(database.url)).toEqual(before);

    // The service has noticed, and goes on with the new rows.
    const task = await service.task({ case_id: 'C', description: 'Please retry the partner API call' });
    const listed = await service.get<{ tasks: { taskId: string }[] }>(`/tasks?atLeast=${task.body.position}`);
    expect({ status: listed.status, first: listed.body.tasks?.[0]?.taskId }).toEqual({
      status: 200,
      first: task.body.taskId,
    });
  }, 30_000);

  it('killed half way leaves the old rows to the service, keeps others away until then, and works the next time', async () => {
    const before = await dumpReadModels(database.url);
    const reader = new pg.Client({ connectionString: database.url });
    await reader.connect();
    await reader.query('begin; select from readmodel.cases');
    const held = runNode(['src/cli/rebuild.ts'], { DATABASE_URL: database.url });
    await until('it waits for the reader', () => held.output().includes('waiting for a transaction'));
    const refused = await rebuildCommand();
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^The command failed \(REBUILD_RUNNING\)/),
    });
    expect(refused.output).not.toContain('    at ');
    held.process.kill('SIGKILL');
    await once(held.process, 'close');
    await reader.end();
    expect(await tablesBeside()).toHaveLength(6);
    expect(await dumpReadModels(database.url)).toEqual(before);

    const again = await until('the killed one has let go', async () => {
      const ended = await rebuildCommand();
      return ended.code === 0 && ended;
    });
    expect(again.output).toMatch(/^read models rebuilt from /);
    expect(await tablesBeside()).toEqual([]);
    expect(await dumpReadModels(database.url)).toEqual(before);
  }, 30_000);

  it('tells which cases had to be parked', async () => {
    await query(
      database.url,
      `insert into eventlog.events (revision, id, stream, type, data, metadata)
        select revision + 1, gen_random_uuid(), stream, type, '{}', metadata from eventlog.events
          where stream = 'case-A' order by revision desc limit 1`,
    );
    const { code, output } = await rebuildCommand();
    expect({ code, lines: output.trim().split('\n').slice(-2) }).toEqual({
      code: 0,
      lines: [
        expect.stringMatching(/; 1 cases parked$/),
        expect.stringMatching(/^ {2}parked: case-A at revision \d+ \(MALFORMED_EVENT\)$/),
      ],
    });
  }, 30_000);

  it('ends with the reason when the log holds an event of later code, and holds nothing back', async () => {
    await query(
      database.url,
      `insert into eventlog.events (stream, revision, id, type, data, metadata)
        select stream, revision + 1000, gen_random_uuid(), 'CaseMerged', '{}', metadata from eventlog.events
        where stream = 'case-A' order by revision desc limit 1`,
    );
    const started = performance.now();
    const { code, output } = await rebuildCommand();
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringMatching(/^The command failed \(UNKNOWN_EVENT\): .*CaseMerged/),
    });
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});
