import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerificationReport } from '../../src/replay/report.ts';
import { runNode, runToEnd } from '../support/childService.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { startTestService, type TestService } from '../support/service.ts';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('verify command');
  service = await startTestService({ databaseUrl: database.url });
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

const verify = (...args: string[]) =>
  runToEnd(['src/cli/verify.ts', ...args], { DATABASE_URL: database.url });
/** The report begins so; where it takes longer than a second, behind lines of progress. */
const beginning = (text: string): RegExp => new RegExp(`^(\\d+ events verified, .*\\n)*${text}`);
const kept = () => service.get<VerificationReport>('/verification');

/** What `--json` gives: the report alone is on standard output. */
async function verifyToJson(): Promise<{ readonly code: number; readonly report: VerificationReport }> {
  const { process } = runNode(['src/cli/verify.ts', '--json'], { DATABASE_URL: database.url });
  let output = '';
  process.stdout?.on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(process, 'close');
  return { code, report: JSON.parse(output) };
}

describe('node src/cli/verify.ts', () => {
  it('is asked for before it ever ran', async () => {
    expect(await kept()).toMatchObject({ status: 404, body: { code: 'NEVER_VERIFIED' } });
  });

  it('verifies a log beside the service that writes it, and the service tells the result', async () => {
    for (const caseId of ['A', 'B', 'C']) await service.openCase(caseId, README_CASE);
    let going = true;
    const load = (async (): Promise<number> => {
      let tasks = 0;
      for (; going; tasks += 1)
        await service.task({
          case_id: 'ABC'[tasks % 3] ?? 'A',
          description: `Please retry the partner API call ${tasks}`,
        });
      return tasks;
    })();
    const { code, report } = await verifyToJson();
    going = false;
    expect(await load).toBeGreaterThan(3);
    expect(report).toMatchObject({
      result: 'CLEAN',
      mismatches: [],
      notReplayed: [],
      logId: service.service.logId,
    });
    expect(code).toBe(0);
    expect(report.events).toBeGreaterThan(20);
    expect(await kept()).toMatchObject({ status: 200, body: report });
  }, 30_000);

  it('tells people what it covered, and what it cannot say', async () => {
    const { code, output } = await verify();
    expect(code).toBe(0);
    expect(output).toMatch(beginning('clean: '));
    expect(output).toMatch(
      /\nreplayed {5}\d+ events of \d+ streams, 3 cases; \d+ verdicts evaluated again\n/,
    );
    expect(output).toMatch(/\nread models {2}\d+ rows compared, as of position \d+\n/);
    expect(output).toMatch(/\nseals {8}none: /);
    expect(output).toMatch(/\d+ events a second\nmismatches {3}0\n$/);
  }, 30_000);

  it('names what is wrong with log and read models, and exits with 1', async () => {
    await query(
      database.url,
      `update readmodel.cases set state = 'CLOSED' where case_id = 'B';
       alter table eventlog.events disable trigger all;
       update eventlog.events set data = replace(data, 'PARTNER_API', 'CORE_SYSTEM')
         where stream = 'case-A' and revision = 2`,
    );
    const { code, output } = await verify();
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(beginning('MISMATCH: ')) });
    expect(output).toContain('\n  CHAIN case A revision 2: does not match its hash\n');
    expect(output).toContain('\n  ROW case B cases B state: the column is not what the log says\n');
    expect((await kept()).body).toMatchObject({ result: 'MISMATCH', mismatchesByKind: { CHAIN: 1 } });
  }, 30_000);

  it('that cannot run says why and exits with 2', async () => {
    const gone = await runToEnd(['src/cli/verify.ts'], {
      DATABASE_URL: `postgres://nobody@127.0.0.1:1/gone`,
    });
    expect(gone).toMatchObject({ code: 2, output: expect.stringMatching(/^The log could not be verified /) });
    expect(await verify('--nonsense')).toMatchObject({ code: 2 });
  }, 30_000);
});
