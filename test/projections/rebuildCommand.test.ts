import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from '../support/childService.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { dumpReadModels } from './support.ts';

let database: TestDatabase;
let service: TestService;

const rebuildCommand = () => runToEnd(['src/cli/rebuild.ts'], { DATABASE_URL: database.url });

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

    const refused = await rebuildCommand();
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        'a running service keeps the read models up to date; stop it, then run this again',
      ),
    });
    expect(refused.output).not.toContain('    at ');
    expect(await dumpReadModels(database.url)).toEqual(before);

    await service.stop();
    await query(database.url, "update readmodel.cases set state = 'WRONG'; delete from readmodel.tasks");
    const { code, output } = await rebuildCommand();
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/^read models rebuilt from \d+ events in \d+\.\d s; 0 cases parked\n$/),
    });
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
