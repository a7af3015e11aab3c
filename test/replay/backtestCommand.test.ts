import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backtestReport } from '../../src/replay/backtest/report.ts';
import { configText } from '../support/builders.ts';
import { runNode, runToEnd, temporaryFile } from '../support/childService.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { startTestService } from '../support/service.ts';

type File = Awaited<ReturnType<typeof temporaryFile>>;
let database: TestDatabase;
let files: readonly File[];
let looser: string;
let broken: string;

beforeAll(async () => {
  database = await createTestDatabase('backtest command');
  const service = await startTestService({ databaseUrl: database.url });
  for (const [caseId, state] of [
    ['A', 'OPEN'],
    ['B', 'SUSPENDED'],
  ] as const) {
    await service.openCase(caseId, README_CASE);
    if (state === 'SUSPENDED')
      await service.post(`/cases/${caseId}/suspend`, { reason: 'WAITING' }, { 'if-match': '"0"' });
    await service.task({ case_id: caseId, description: 'Please retry the partner API call' });
  }
  await service.stop();
  files = [
    await temporaryFile(
      'looser.yaml',
      configText('policy.yaml').replace('case.state == "OPEN"', 'case.state != "CLOSED"'),
    ),
    await temporaryFile('broken.yaml', configText('policy.yaml').replace('case.state', 'case.stat')),
  ];
  [looser, broken] = files.map(({ path }) => path) as [string, string];
});
afterAll(async () => {
  for (const file of files ?? []) await file.remove();
  await database?.drop();
});

const backtest = (...args: string[]) =>
  runToEnd(['src/cli/backtest.ts', ...args], { DATABASE_URL: database.url });

describe('node src/cli/backtest.ts', () => {
  it('tells what a candidate would newly execute, as JSON and as a page, and writes nothing to the log', async () => {
    const count = () => query(database.url, 'select count(*)::integer as n from eventlog.events');
    const before = await count();
    const html = looser.replace('looser.yaml', 'out.html');
    const { process } = runNode(['src/cli/backtest.ts', '--policy', looser, '--json', '--html', html], {
      DATABASE_URL: database.url,
    });
    let output = '';
    process.stdout?.on('data', (text: string) => {
      output += text;
    });
    const [code] = await once(process, 'close');
    const report = backtestReport.parse(JSON.parse(output));
    expect([code, report.policy.judged, report.policy.toExecute, report.policy.toManual]).toEqual([
      0, 2, 1, 0,
    ]);
    expect(report.policy.flipsToExecute).toMatchObject([
      { caseId: 'B', rules: ['case-open'], fate: 'NOTHING_KNOWN' },
    ]);
    expect(await readFile(html, 'utf8')).toContain('<strong>1</strong>');
    expect(await count()).toEqual(before);
  });

  it('fails where it is asked to, on something newly executed alone', async () => {
    const gate = '--fail-on-new-executions';
    const [flipping, same] = await Promise.all([
      backtest('--policy', looser, gate),
      backtest('--policy', 'config/policy.yaml', gate),
    ]);
    expect([flipping.code, same.code]).toEqual([1, 0]);
    expect(flipping.output).toContain('NEWLY EXECUTED without a person: 1 of 2 (50%) verdicts, 1 tasks');
    expect(same.output).toContain('NEWLY EXECUTED without a person: 0 of 2 (0%) verdicts, 0 tasks');
  });

  it('cannot run without a candidate, or with a time that is none', async () => {
    const [none, notATime] = await Promise.all([
      backtest(),
      backtest('--policy', 'config/policy.yaml', '--since', 'yesterday'),
    ]);
    expect(none.output).toMatch(/--policy is missing.*\nusage: npm run backtest/);
    expect(notATime.output).toContain('--since must be an ISO 8601 time');
    expect([none.code, notATime.code]).toEqual([2, 2]);
  });

  it('cannot run with a candidate that is not valid, and says where', async () => {
    const { code, output } = await backtest('--policy', broken);
    expect(output).toMatch(/broken.yaml:\d+ guardrails\.2\.expression: rule case-open/);
    expect(code).toBe(2);
  });
});
