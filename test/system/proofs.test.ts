import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { createPostgresEventStore } from '../../src/eventstore/postgres/postgresEventStore.ts';
import { verifyEvidence } from '../../src/evidence/verifyEvidence.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { backtestLog } from '../../src/replay/backtest/backtestLog.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { readAnchor } from '../../src/seals/fileAnchor.ts';
import { newSigningKey } from '../../src/seals/keyFiles.ts';
import { parseSigningKey, parseTrustedKeys } from '../../src/seals/keys.ts';
import { verifyAll } from '../../src/verifying.ts';
import { placesOf } from '../replay/support.ts';
import { configText } from '../support/builders.ts';
import { README_CASE, README_TASK } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';

const SIGNING_KEY = newSigningKey();
const { publicKey } = parseSigningKey(SIGNING_KEY);
const STRICTER = configText('policy.yaml')
  .replace('minConfidence: 0.80', 'minConfidence: 0.99')
  .replace('"2"', '"3"');

let database: TestDatabase;
let owner: Pool;
let folder: string;
let anchor: string;
let service: TestService;
/** Evidence of the first case, with its text, made before it is erased. */
let before: Buffer;

beforeAll(async () => {
  database = await createTestDatabase('proofs');
  owner = createPool({ url: database.url, max: 2, applicationName: 'test', onError: () => {} });
  folder = await mkdtemp(join(tmpdir(), 'proofs-'));
  anchor = join(folder, 'seals.jsonl');
  service = await start();
  await live('OLD');
  await service.stop();
  service = await start(STRICTER);
  await live('NEW');
  before = await evidence('OLD', 'clear');
});
afterAll(async () => {
  await service?.stop();
  await owner?.end();
  await database?.drop();
  await rm(folder, { recursive: true });
});

const start = (policy?: string): Promise<TestService> =>
  startTestService({ databaseUrl: database.url, policy, env: { SIGNING_KEY, SEAL_ANCHOR: anchor } });

async function live(caseId: string): Promise<void> {
  await service.openCase(caseId, README_CASE);
  await service.task({ ...README_TASK, case_id: caseId });
}

/** The evidence file of a case, as bytes. */
async function evidence(caseId: string, personal: 'clear' | 'withheld'): Promise<Buffer> {
  const answer = await fetch(`${service.url}/cases/${caseId}/evidence?personal=${personal}`);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

const proved = async (file: Buffer): Promise<readonly string[]> =>
  verifyEvidence(file, publicKey, await readFile(anchor, 'utf8')).problems;

const verify = (): Promise<VerificationReport> =>
  verifyAll(
    {
      store: createPostgresEventStore({ pool: owner }),
      pool: owner,
      logId: service.service.logId,
      seals: { trusted: parseTrustedKeys(publicKey), anchor: readAnchor(anchor) },
      clock: systemClock,
    },
    () => {},
  );

/** Everything that an auditor asks, of the log as it is now. */
function askEverything(erased: boolean): void {
  it('verifies clean: each verdict under the policy that it was made under', async () => {
    expect(await verify()).toMatchObject({
      result: 'CLEAN',
      mismatches: [],
      cases: 2,
      verdicts: 2,
      notReplayed: [],
    });
  });

  it('is judged by a backtest, whichever policy was in force', async () => {
    const store = createPostgresEventStore({ pool: owner });
    const playbook = parsePlaybook(configText('playbook.yaml'), 'playbook.yaml');
    const candidate = parsePolicy(configText('policy.yaml'), 'policy.yaml', playbook);
    const asked = { candidate, playbook: null, since: null, until: null };
    const report = await backtestLog({ store, codec, logId: null, clock: systemClock }, asked, () => {});
    expect(report.policy).toMatchObject({ judged: 2, toExecute: 1, toManual: 0 });
  });

  it('is proved by evidence, also by that which was made before', async () => {
    expect(await proved(before)).toStrictEqual([]);
    expect(before.includes(README_TASK.description)).toBe(true);
    for (const caseId of ['OLD', 'NEW']) {
      const file = await evidence(caseId, 'clear');
      expect(await proved(file)).toStrictEqual([]);
      expect(file.includes(README_TASK.description)).toBe(!(erased && caseId === 'OLD'));
      const changed = Buffer.from(file);
      changed.writeUInt8(file.readUInt8(9_000) ^ 1, 9_000);
      expect(await proved(changed)).toContain('the file was changed after it was signed');
    }
  });

  it.each([
    [
      'the last event of a case deleted',
      "delete from eventlog.events where stream = 'case-NEW' and revision = 4",
      [['SEAL', 'case-NEW', 4]],
    ],
    [
      'an actor replaced',
      `update eventlog.events set metadata = replace(metadata, 'anonymous', 'somebody') where stream = 'case-OLD' and revision = 1`,
      [
        ['CHAIN', 'case-OLD', 1],
        ['SEAL', 'case-OLD', 1],
      ],
    ],
  ] as const)('%s is found and located', async (_, sql, expected) => {
    const { rows } = await owner.query('select * from eventlog.events');
    await asSuperuser(sql);
    const places = placesOf(await verify());
    await restore(rows);
    for (const [kind, stream, revision] of expected)
      expect(places).toContain(`${kind} ${stream}/${revision}`);
    expect(await verify()).toMatchObject({ result: 'CLEAN' });
  });
}

/** With the triggers off, as whoever owns the database may have them. */
async function asSuperuser(sql: string, values: unknown[] = []): Promise<void> {
  const client = await owner.connect();
  try {
    await client.query('alter table eventlog.events disable trigger all');
    await client.query(sql, values);
    await client.query('alter table eventlog.events enable trigger all');
    await client.query('alter table eventlog.events enable always trigger events_append_only');
  } finally {
    client.release();
  }
}

async function restore(rows: readonly Record<string, unknown>[]): Promise<void> {
  await asSuperuser('delete from eventlog.events');
  const json = JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  await asSuperuser(
    'insert into eventlog.events select r.* from json_populate_recordset(null::eventlog.events, $1) r',
    [json],
  );
}

describe('after the policy was changed and the service started again, the log', () => askEverything(false));

describe('after a case was erased, the log', () => {
  beforeAll(async () => {
    const erased = await service.post('/cases/OLD/erase', { reason: 'SUBJECT_REQUEST' });
    expect(erased.status).toBe(200);
    await evidence('OLD', 'withheld');
  });
  askEverything(true);
});
