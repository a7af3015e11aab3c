import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readErasureCommand } from '../../src/cli/erasureCommand.ts';
import { createPostgresKeyExists } from '../../src/vault/postgres.ts';
import { verify } from '../replay/support.ts';
import type { Answer, TaskAnswer } from '../support/client.ts';
import { query } from '../support/embedded.ts';
import type { Person } from '../support/people.ts';
import { CONFIDENT_RETRY } from '../support/stubModel.ts';
import { clearForms, dumpTables } from '../support/tables.ts';
import { until } from '../support/until.ts';
import { startTwoServices, type TwoServices } from './twoServices.ts';

const CASE = 'C1001';
/** In every personal text of the case, each with a number of its own. */
const CANARY = 'canary-51c0ffee';
const KINDS = ['attribute', 'executed', 'rawText', 'reviewed', 'note', 'reviewNote'] as const;
const text = (kind: (typeof KINDS)[number]): string => `${CANARY}-${kind}`;
const SCOPES = ['read', 'submit', 'cases', 'review'] as const;

const OWNERS = [
  { actor: 'clerk', roles: ['OPS'], scopes: SCOPES },
  { actor: 'ann', roles: ['OPS'], scopes: SCOPES },
  { actor: 'dana', roles: [], scopes: ['erase'] as const },
];

let stage: TwoServices;
let clerk: Person;
let ann: Person;
let eraser: Person;
/** Ann at the other process. */
let other: Person;
const tasks: Record<'executed' | 'rawText' | 'reviewed', string> = {
  executed: '',
  rawText: '',
  reviewed: '',
};
/** The key's bytes, in hexadecimal. */
let key = '';

beforeAll(async () => {
  stage = await startTwoServices(OWNERS);
  [clerk, ann, eraser] = [stage.person(0), stage.person(1), stage.person(2)];
  other = stage.person(1, 1);
});
afterAll(() => stage?.stop());

/** Which of the texts stand somewhere in clear. */
const found = (where: string): string[] =>
  KINDS.filter((kind) => clearForms(text(kind)).some((form) => where.includes(form)));
const erase = (caseId: string, who = eraser, headers: Record<string, string> = {}) =>
  who.post<Record<string, unknown>>(`/cases/${caseId}/erase`, { reason: 'SUBJECT_REQUEST' }, headers);
/** How bytes may stand in a table. */
const formsOfKey = (hex: string): string[] => {
  const bytes = Buffer.from(hex, 'hex');
  return [hex, hex.toUpperCase(), bytes.toString('base64').slice(0, -1), bytes.toString('base64url')];
};
const ROUTES = () => [
  `/cases/${CASE}`,
  `/cases/${CASE}/events?limit=1000`,
  '/cases',
  '/tasks',
  '/reviews',
  '/reviews?status=CLOSED',
  `/audit/${CASE}`,
  '/audit',
  ...Object.values(tasks).map((taskId) => `/tasks/${taskId}`),
  ...[tasks.rawText, tasks.reviewed].map((taskId) => `/reviews/${taskId}`),
];

async function submit(kind: 'executed' | 'rawText' | 'reviewed'): Promise<void> {
  const description =
    kind === 'rawText' ? 'please retry for policy 1' : `please retry for policy ${text(kind)}`;
  const { status, body } = await clerk.task({ case_id: CASE, description });
  expect(status).toBe(200);
  tasks[kind] = body.taskId;
}

describe('before', () => {
  it('personal text of every kind is recorded, read in clear by both processes, and nowhere in clear', async () => {
    await clerk.openCase(CASE, { personalAttributes: { holder: text('attribute') } });
    await submit('executed');
    stage.model.mode = { kind: 'content', content: `Sure! ${text('rawText')}` };
    await submit('rawText');
    stage.model.mode = { kind: 'decision', decision: { ...CONFIDENT_RETRY, confidence: 0.5 } };
    await submit('reviewed');
    expect((await clerk.post(`/cases/${CASE}/notes`, { text: text('note') })).status).toBe(201);
    await ann.claim(tasks.reviewed);
    const asked = { resolution: 'INFO_REQUESTED', note: text('reviewNote') };
    expect((await ann.decide(tasks.reviewed, asked)).status).toBe(200);
    await ann.claim(tasks.reviewed);
    for (const person of [ann, other]) {
      const { body } = await person.get(`/cases/${CASE}/events?limit=1000`);
      expect(found(JSON.stringify(body))).toEqual([...KINDS]);
    }
    const dump = await dumpTables(stage.url);
    expect(found(dump)).toEqual([]);
    key = await stage.keyOf(CASE);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(dump).toContain(key);
  });

  it('only who has the scope may erase, and only with a code', async () => {
    expect(await erase(CASE, ann)).toMatchObject({ status: 403, body: { code: 'NOT_PERMITTED' } });
    const told = await eraser.post(`/cases/${CASE}/erase`, { reason: `asked by ${CANARY}` });
    expect(told).toMatchObject({
      status: 400,
      body: { code: 'INVALID_INPUT', errors: [{ field: 'reason' }] },
    });
    expect((await eraser.post(`/cases/${CASE}/erase`, {})).status).toBe(400);
    expect((await erase('NEVER')).status).toBe(404);
    expect(await stage.keyOf(CASE)).toBe(key);
  });
});

describe('after', () => {
  let erased: Answer<Record<string, unknown>>;
  it('the answer says when and why, again as well, and the event says who', async () => {
    erased = await erase(CASE, eraser, { 'idempotency-key': 'k1' });
    expect(erased).toMatchObject({
      status: 200,
      body: { caseId: CASE, state: 'CLOSED', reason: 'SUBJECT_REQUEST' },
    });
    expect(erased.headers.get('etag')).toBe(`"${erased.body.revision}"`);
    const again = await erase(CASE, eraser, { 'idempotency-key': 'k2' });
    expect(again).toMatchObject({ status: 200, body: erased.body });
    expect([erased, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    const events = await ann.events(CASE);
    expect(events.at(-1)).toMatchObject({
      type: 'CaseErased',
      revision: erased.body.revision,
      data: { reason: 'SUBJECT_REQUEST' },
      metadata: { actor: { kind: 'service', id: 'dana', authMethod: 'api-key' } },
      personal: {},
    });
  });

  it('neither key nor text is in any column of any table, nor in a log line', async () => {
    const dump = await dumpTables(stage.url);
    expect(dump).toContain('CaseErased');
    expect(formsOfKey(key).filter((form) => dump.includes(form))).toEqual([]);
    expect(found(dump)).toEqual([]);
    expect(await stage.keyOf(CASE)).toBe('');
    for (const service of stage.services) {
      const lines = JSON.stringify(service.logs());
      expect(found(lines)).toEqual([]);
      expect(formsOfKey(key).filter((form) => lines.includes(form))).toEqual([]);
    }
  });

  it('every route of both processes answers, without the text', async () => {
    const position = encodeURIComponent(String(erased.body.position));
    await until('both see it', async () => (await ann.get(`/cases?atLeast=${position}`)).status === 200);
    for (const person of [ann, other]) {
      for (const route of ROUTES()) {
        const { status, body } = await person.get(route);
        expect([route, status, found(JSON.stringify(body))]).toEqual([route, 200, []]);
      }
    }
    const { body } = await other.get(`/cases/${CASE}`);
    expect(body).toMatchObject({
      state: 'CLOSED',
      erasedAt: erased.body.erasedAt,
      personalAttributes: { holder: null },
    });
    expect((await ann.get('/cases')).body).toMatchObject({ cases: [{ erasedAt: erased.body.erasedAt }] });
    const statuses = Object.values(tasks).map(
      async (taskId) => (await other.get<TaskAnswer>(`/tasks/${taskId}`)).body.status,
    );
    expect(await Promise.all(statuses)).toEqual(['COMPLETED', 'CANCELLED', 'CANCELLED']);
    expect((await ann.get('/reviews')).body).toMatchObject({ reviews: [] });
  });

  it('every change is refused, also by the process that had the key in memory', async () => {
    const { revision } = erased.body;
    const match = { 'if-match': `"${revision}"` };
    const seen = { reviewedHash: '0'.repeat(64), reviewedRevision: 0 };
    for (const person of [ann, other]) {
      const answers = [
        await person.task({ case_id: CASE, description: `please retry for policy ${text('executed')}` }),
        await person.task({ case_id: CASE, description: 'another one' }),
        await person.post('/cases', { caseId: CASE, personalAttributes: { holder: text('attribute') } }),
        await person.post('/cases', { caseId: CASE }),
        await person.post(`/cases/${CASE}/notes`, { text: 'x' }),
        await person.post(`/cases/${CASE}/reopen`, {}, match),
        await person.post(`/cases/${CASE}/close`, {}, match),
        await person.claim(tasks.reviewed),
        await person.release(tasks.reviewed),
        await person.decide(tasks.reviewed, { resolution: 'REJECTED', ...seen }),
        await person.recordOutcome(tasks.executed, { result: 'FAILED', ...seen }),
      ];
      for (const { status, body } of answers)
        expect([status, (body as { code?: string }).code]).toEqual([409, 'CASE_KEY_DESTROYED']);
    }
    expect((await ann.events(CASE)).at(-1)?.type).toBe('CaseErased');
    expect(await stage.keyOf(CASE)).toBe('');
  });
});

it('whatever races with an erasure has come before it, or is refused, and no case has a key afterwards', async () => {
  const raced = Array.from({ length: 8 }, (_, n) => `RACE-${n}`);
  const statuses = new Map<number, number>();
  const race = async (caseId: string, n: number): Promise<void> => {
    await clerk.openCase(caseId);
    const content = { caseId, personalAttributes: { holder: 'somebody' } };
    const answers = await Promise.all([
      other.post(`/cases/${caseId}/notes`, { text: 'x' }),
      clerk.post(`/cases/${caseId}/notes`, { text: 'y' }),
      ...(n % 2 === 0 ? [erase(caseId), erase(caseId)] : []),
      other.post('/cases', content),
      other.task({ case_id: caseId, description: `race ${n}` }),
      ...(n % 2 === 0 ? [] : [erase(caseId)]),
      other.post(`/cases/${caseId}/notes`, { text: 'z' }),
    ]);
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    await until('it is erased', async () => (await erase(caseId)).status === 200);
    const types = (await ann.events(caseId)).map(({ type }) => type);
    expect(types.at(-1)).toBe('CaseErased');
    expect(types.filter((type) => type === 'CaseErased')).toHaveLength(1);
    expect(await stage.keyOf(caseId)).toBe('');
  };
  await Promise.all(raced.map(race));
  expect([...statuses.keys()].every((status) => [200, 201, 409].includes(status))).toBe(true);
  expect(statuses.get(409)).toBeGreaterThan(0);
  expect(statuses.get(201)).toBeGreaterThan(0);
});

describe('node src/cli/erase.ts, beside both processes', () => {
  it('erases, in its own name, and says so again', async () => {
    await clerk.openCase('BY-COMMAND', { personalAttributes: { holder: 'somebody' } });
    const first = await stage.command('erase', '--case', 'BY-COMMAND', '--reason', 'RETENTION_OVER');
    expect(first).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^case BY-COMMAND was erased: RETENTION_OVER, .*; its key is gone\n$/),
    });
    expect((await ann.events('BY-COMMAND')).at(-1)?.metadata).toMatchObject({
      actor: { kind: 'system', id: 'erase-command', roles: [], authMethod: 'internal' },
    });
    expect(await stage.keyOf('BY-COMMAND')).toBe('');
    expect(await other.post('/cases/BY-COMMAND/notes', { text: 'x' })).toMatchObject({ status: 409 });
  });

  it.each([
    [{ case: ' C1 ', reason: 'X' }, []],
    [{ case: 'C1' }, ['--reason']],
    [{ reason: 'X' }, ['--case']],
    [{ case: 'a b', reason: 'asked by Ann' }, ['--case', '--reason']],
  ])('wants a case and a code: %j', (values, named) => {
    const { command: read, problems } = readErasureCommand(values);
    expect(read).toEqual(named.length === 0 ? { caseId: 'C1', reason: 'X' } : null);
    expect(problems.slice(1).map((line) => line.split(':')[0])).toEqual(named);
  });
});

describe('proof', () => {
  it('a rebuild makes the read models as they were', async () => {
    const before = await stage.readModels();
    expect((await stage.command('rebuild')).code).toBe(0);
    expect(await stage.readModels()).toEqual(before);
  });

  it('a key that came back, as with a vault restored too old, is all that is wrong; erased again it is gone', async () => {
    const row = `('${CASE}', '\\x${key}', now())`;
    await query(stage.url, `insert into vault.case_keys (case_id, key, created_at) values ${row}`);
    expect(found(JSON.stringify(await ann.events(CASE)))).toEqual([]);
    const { revision } = (await ann.events(CASE)).at(-1) ?? {};
    const { code, output } = await stage.command('verify');
    expect(code).toBe(1);
    expect(output).toMatch(/\nread models {2}\d+ rows compared/);
    expect(output.split('\nmismatches ')[1]).toBe(
      `  1\n  ERASURE case ${CASE} revision ${revision}: the case was erased, and its key is still there\n`,
    );
    expect(await erase(CASE)).toMatchObject({ status: 200 });
    expect(await stage.keyOf(CASE)).toBe('');
  });

  it('the log verifies clean, every verdict of the erased cases evaluated again', async () => {
    const pool = new Pool({ connectionString: stage.url, max: 1 });
    const report = await verify(stage.services[0].service.store, null, createPostgresKeyExists(pool));
    await pool.end();
    expect(report).toMatchObject({ result: 'CLEAN', mismatches: [], notReplayed: [] });
    expect(report.verdicts).toBeGreaterThan(2);
  });
});
