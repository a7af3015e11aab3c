import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExportCommand } from '../../src/cli/exportCommand.ts';
import { readCsv } from '../export/csvReader.ts';
import { runToEnd } from '../support/childService.ts';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { REFUSING_TEXT, shadowPolicy } from '../support/shadows.ts';

type Entry = { readonly id: string; readonly outcome: string; readonly createdAt: string };
type CaseThen = { readonly revision: number; readonly updatedAt: string; readonly asOf?: object };

let database: TestDatabase;
let service: TestService;
let folder: string;
/** The case as it was told after each task. */
const told: CaseThen[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  database = await createTestDatabase('audit export');
  service = await startTestService({ databaseUrl: database.url, shadow: REFUSING_TEXT });
  await service.openCase('C1001', README_CASE);
  for (const text of ['retry for policy 4711', 'retry for policy 4712', 'do not retry']) {
    await service.task({ description: `Partner API failed again with timeout, please ${text}` });
    told.push((await service.get<CaseThen>('/cases/C1001')).body);
  }
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
  await rm(folder, { recursive: true });
});

const entries = async (): Promise<Entry[]> => {
  const { position } = (await service.get<{ position: string }>('/cases/C1001')).body;
  return (await service.get<{ entries: Entry[] }>(`/audit?atLeast=${position}`)).body.entries.toReversed();
};

describe('the audit log', () => {
  it('is exported whole over HTTP, streamed, in both formats', async () => {
    const expected = await entries();
    expect(expected).toHaveLength(3);
    const jsonl = await (await fetch(`${service.url}/export/audit?format=jsonl`)).text();
    expect(
      jsonl
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toEqual(expected);
    const { body, headers } = await service.get<string>('/export/audit');
    expect(headers.get('transfer-encoding')).toBe('chunked');
    const [header, ...records] = readCsv(body);
    expect(records).toEqual(
      expected.map((entry) => header?.map((column) => String(entry[column as keyof Entry]))),
    );
  });

  it('is exported to a file by the command, byte for byte the same', async () => {
    const out = join(folder, 'audit.csv');
    const { code, output } = await runToEnd(['src/cli/export.ts', '--format', 'csv', '--out', out], {
      DATABASE_URL: database.url,
    });
    expect([code, output]).toEqual([0, '']);
    expect(await readFile(out, 'utf8')).toBe((await service.get<string>('/export/audit')).body);
    expect(await readdir(folder)).toEqual(['audit.csv']);
  });

  it('is exported to standard output, with filters', async () => {
    const [first] = await entries();
    const { code, output } = await runToEnd(
      [
        'src/cli/export.ts',
        '--format',
        'jsonl',
        '--as-of',
        first?.createdAt ?? '',
        '--outcome',
        'AUTO_SUCCESS',
      ],
      { DATABASE_URL: database.url },
    );
    expect([code, JSON.parse(output)]).toEqual([0, first]);
  });

  it('and the cases are told as they were then', async () => {
    for (const then of told) {
      const answer = await service.get<CaseThen>(`/cases/C1001?asOf=${then.updatedAt}`);
      expect(answer.body).toEqual({ ...then, asOf: { revision: then.revision, recordedAt: then.updatedAt } });
      expect(answer.headers.get('etag')).toBeNull();
    }
  });

  it('has had the shadow policy evaluated on every task, in Postgres as in memory', async () => {
    await entries();
    const { body } = await service.get<{ policy: { hash: string }; tasks: object }>('/policy/shadow');
    expect(body.policy.hash).toBe(shadowPolicy(REFUSING_TEXT).hash);
    expect(body.tasks).toEqual({ judged: 3, same: 1, wouldExecute: 0, wouldRoute: 2, wouldRefuse: 0 });
    const differing = await service.get<{ tasks: object[] }>('/tasks?shadowDifference=WOULD_ROUTE');
    expect(differing.body.tasks).toHaveLength(2);
  });
});

describe('the command line of an export', () => {
  it('is read', () => {
    expect(
      readExportCommand({ format: 'csv', out: 'x.csv', from: '2026-01-01T00:00:00+01:00', actor: 'ann' }),
    ).toEqual({
      command: {
        wanted: {
          format: 'csv',
          filter: { outcome: undefined, intent: undefined, actor_id: 'ann' },
          from: '2025-12-31T23:00:00.000Z',
          to: undefined,
          asOf: undefined,
        },
        out: 'x.csv',
      },
      problems: [],
    });
  });

  it('is refused with the option and the way to mend it', () => {
    const values = { out: '', to: 'tomorrow', 'as-of': '7', outcome: 'GOOD', intent: '' };
    expect(readExportCommand(values)).toEqual({
      command: null,
      problems: [
        '--format: is missing; it must be one of csv, jsonl',
        '--out: must name a file',
        '--to: must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z',
        '--as-of: must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z',
        '--outcome: must be one of MANUAL, AUTO_SUCCESS, AUTO_FAILED',
        '--intent: must be 1 to 200 characters, without control characters',
      ],
    });
  });
});
