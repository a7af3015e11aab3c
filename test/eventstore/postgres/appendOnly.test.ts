import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_STREAM } from '../../../src/eventstore/port.ts';
import { serviceRoleOf } from '../../../src/postgres/pool.ts';
import { newEvents } from '../contract/support.ts';
import { type LogUnderTest, openLog } from './support.ts';

let log: LogUnderTest;
let owner: pg.Pool;
let service: pg.Pool;

beforeAll(async () => {
  log = await openLog('append only');
  owner = log.pool();
  service = log.pool({ role: await serviceRoleOf(owner) });
  await (await log.store()).append('case-1', NO_STREAM, newEvents(3));
});

afterAll(() => log.close());

const CHANGES = [
  `UPDATE eventlog.events SET data = '{"forged":true}'`,
  'UPDATE eventlog.events SET position = position WHERE false',
  'DELETE FROM eventlog.events',
  'TRUNCATE eventlog.events',
];

describe('the event log is append-only', () => {
  test.each(CHANGES)('for its owner, a superuser, by a trigger: %s', async (statement) => {
    await expect(owner.query(statement)).rejects.toMatchObject({
      code: '23001',
      message: expect.stringContaining('append-only'),
    });
  });

  test('for a superuser that replays as a replica, which switches ordinary triggers off', async () => {
    const client = await log.client();
    await client.query('SET session_replication_role = replica');
    await expect(client.query('DELETE FROM eventlog.events')).rejects.toMatchObject({ code: '23001' });
  });

  test.each(CHANGES)('for the service, which has no such privilege: %s', async (statement) => {
    await expect(service.query(statement)).rejects.toMatchObject({ code: '42501' });
  });

  test.each([
    'ALTER TABLE eventlog.events DISABLE TRIGGER ALL',
    'DROP TABLE eventlog.events',
    'CREATE TABLE eventlog.other (n int)',
    'SET session_replication_role = replica',
    `SELECT setval('eventlog.events_position', 1)`,
    `INSERT INTO eventlog.events (position, stream, revision, id, type, data, metadata)
     VALUES (1000000, 's', 0, gen_random_uuid(), 'T', '{}', '{}')`,
  ])('and the service cannot get around it: %s', async (statement) => {
    await expect(service.query(statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('nothing was changed', async () => {
    const { rows } = await owner.query('SELECT revision, data FROM eventlog.events ORDER BY position');
    expect(rows).toEqual([0n, 1n, 2n].map((revision) => ({ revision, data: '{}' })));
  });
});

describe('the service', () => {
  test('works under its own role', async () => {
    const { rows } = await service.query('SELECT current_user AS role');
    expect(rows).toEqual([{ role: 'case_orchestrator_service' }]);
  });

  test('makes, reads and destroys case keys, and changes none', async () => {
    await service.query(`INSERT INTO vault.case_keys VALUES ('C1', '\\x01', now())`);
    await expect(service.query(`UPDATE vault.case_keys SET key = '\\x02'`)).rejects.toMatchObject({
      code: '42501',
    });
    await expect(service.query('TRUNCATE vault.case_keys')).rejects.toMatchObject({ code: '42501' });
    expect((await service.query('DELETE FROM vault.case_keys RETURNING case_id')).rows).toEqual([
      { case_id: 'C1' },
    ]);
  });

  test('makes, fills and drops read models', async () => {
    await service.query('CREATE TABLE readmodel.cases (id text PRIMARY KEY, n int)');
    await service.query(`INSERT INTO readmodel.cases VALUES ('C1', 1)`);
    await service.query('UPDATE readmodel.cases SET n = 2');
    await service.query('DROP TABLE readmodel.cases');
  });
});
