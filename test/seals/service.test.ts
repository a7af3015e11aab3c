import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SEAL_STREAM } from '../../src/domain/identifiers.ts';
import { codec } from '../../src/eventstore/codec.ts';
import type { VerificationReport } from '../../src/replay/report.ts';
import { verifyLog } from '../../src/replay/verifyLog.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { readAnchor } from '../../src/seals/fileAnchor.ts';
import { newSigningKey } from '../../src/seals/keyFiles.ts';
import { parseSigningKey, parseTrustedKeys } from '../../src/seals/keys.ts';
import { runToEnd } from '../support/childService.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { readMetrics } from '../support/metrics.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const SIGNING_KEY = newSigningKey();
const KEY = parseSigningKey(SIGNING_KEY);
let database: TestDatabase;
let folder: string;
let anchorFile: string;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase('sealed service');
  folder = await mkdtemp(join(tmpdir(), 'sealed-service-'));
  anchorFile = join(folder, 'seals.jsonl');
  env = { SIGNING_KEY, SEAL_ANCHOR: anchorFile, SEAL_EVERY_SECONDS: '1' };
});
afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true });
});

/** Verifies the log of a service as its store has it, against its anchor. */
const verified = ({ service: { store, logId } }: TestService): Promise<VerificationReport> =>
  verifyLog(
    {
      store,
      codec,
      logId,
      clock: systemClock,
      readModels: null,
      keyExists: null,
      seals: { trusted: parseTrustedKeys(KEY.publicKey), anchor: readAnchor(anchorFile) },
    },
    () => {},
  );

it('two services seal beside their work, one anchor holds every seal once, and the log verifies clean', async () => {
  const services = await Promise.all([0, 1].map(() => startTestService({ databaseUrl: database.url, env })));
  const [service] = services;
  if (!service) throw new Error('no service');
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const one = services[n % 2] ?? service;
      await one.post('/cases', { caseId: `c${n}`, priority: 'LOW' });
      await one.post('/case-task', {
        case_id: `c${n}`,
        description: 'Partner API failed again with timeout, please retry',
        channel: 'SYSTEM',
        user_role: 'OPS',
      });
    }),
  );
  await until('a seal', async () => (await service.service.store.readStream(SEAL_STREAM, 0, 1)).length > 0);
  const metrics = readMetrics(String((await service.get('/metrics')).body));
  expect(metrics.get('case_orchestrator_seals_alarm')).toBe(0);
  expect(metrics.get('case_orchestrator_last_seal_number')).toBeGreaterThanOrEqual(0);
  expect(metrics.get('case_orchestrator_last_seal_age_seconds')).toBeLessThan(60);
  expect(metrics.get('case_orchestrator_unsealed_positions')).toBeGreaterThan(0);
  expect(service.service.seals).toBe(`with the key ${KEY.keyId.slice(0, 16)}, also kept in ${anchorFile}`);
  await Promise.all(services.map(({ stop }) => stop()));
  for (const { logs } of services) expect(logs().filter(({ level }) => level >= 50)).toEqual([]);

  const lines = (await readFile(anchorFile, 'utf8')).trimEnd().split('\n');
  const numbers = lines.map(
    (line) => (JSON.parse(line) as { statement: { number: number } }).statement.number,
  );
  expect(numbers).toEqual(numbers.map((_, n) => n));
  const publicKey = join(folder, 'key.pub.pem');
  await writeFile(publicKey, KEY.publicKey);
  const { code, output } = await runToEnd(
    ['src/cli/verify.ts', '--anchor', anchorFile, '--public-key', publicKey],
    { DATABASE_URL: database.url },
  );
  expect(output).toContain('everything is sealed');
  expect(output).toContain('held against the anchor');
  expect(code).toBe(0);
}, 30_000);

it('a service whose log was cut raises an alarm, seals nothing more, and works on', async () => {
  await query(
    database.url,
    `alter table eventlog.events disable trigger all;
     delete from eventlog.events where stream = 'seals';
     alter table eventlog.events enable always trigger events_append_only`,
  );
  const service = await startTestService({ databaseUrl: database.url, env });
  await until('the alarm', () => service.logs().some(({ code }) => code === 'SEAL_ALARM'));
  const metrics = async () => readMetrics(String((await service.get('/metrics')).body));
  await until('the metric', async () => (await metrics()).get('case_orchestrator_seals_alarm') === 1);
  expect(await service.get('/readyz')).toMatchObject({ status: 200 });
  expect(await service.post('/cases', { caseId: 'another', priority: 'LOW' })).toMatchObject({ status: 201 });
  expect(service.logs().find(({ code }) => code === 'SEAL_ALARM')).toMatchObject({
    reason: 'ANCHORED_SEAL_NOT_IN_LOG',
  });
  const report = await verified(service);
  expect(report.result).toBe('MISMATCH');
  expect(report.mismatches[0]).toMatchObject({
    kind: 'SEAL',
    stream: SEAL_STREAM,
    revision: 0,
    detail: 'it is in the anchor, and not in the log any more',
  });
  expect(await service.service.store.readStream(SEAL_STREAM, 0, 1)).toEqual([]);
  await service.stop();
}, 30_000);
