import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { dueBy } from '../../src/domain/deadlines.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { configText, playbook } from '../support/builders.ts';
import type { TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService, type TestServiceOptions } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { until } from '../support/until.ts';

/** Every recipe of docs/adapt.md, taken from the page and run against the service. */
type Tree = { [key: string]: unknown };

const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const PAGE = readFileSync('docs/adapt.md', 'utf8');

function recipe(name: string): Tree {
  const block = new RegExp(`<!-- recipe: ${name} -->\\n\`\`\`yaml\\n([\\s\\S]*?)\`\`\``).exec(PAGE)?.[1];
  if (block === undefined) throw new Error(`docs/adapt.md has no recipe ${name}`);
  return parse(block) as Tree;
}

/** The default file with a recipe put in: entries of the same name are replaced, others stay. */
function withRecipe(file: string, added: Tree): string {
  const base = parse(configText(file)) as Tree;
  for (const [key, value] of Object.entries(added)) base[key] = merged(base[key], value);
  return stringify(base);
}

function merged(before: unknown, added: unknown): unknown {
  if (!Array.isArray(before) || !Array.isArray(added)) return { ...(before as Tree), ...(added as Tree) };
  const names = new Set(added.map((entry: { name?: string }) => entry.name));
  return [...before.filter((entry: { name?: string }) => !names.has(entry.name ?? '')), ...added];
}

const task = (caseId: string, description: string): Tree => ({
  case_id: caseId,
  description,
  channel: 'SYSTEM',
  user_role: 'OPS',
});

describe('docs/adapt.md', () => {
  let database: TestDatabase;
  let backend: StubBackend;
  let service: TestService | undefined;

  beforeAll(async () => {
    database = await createTestDatabase('adapt');
    backend = await startStubBackend();
  });
  afterEach(async () => {
    await service?.stop();
    delete process.env.PARTNER_TOKEN;
  });
  afterAll(async () => {
    await backend.stop();
    await database.drop();
  });

  const start = async (options: Omit<TestServiceOptions, 'databaseUrl'>): Promise<TestService> => {
    service = await startTestService({ databaseUrl: database.url, ...options });
    return service;
  };

  it('your own backend is called as the recipe says', async () => {
    process.env.PARTNER_TOKEN = 'token-of-the-test';
    const { backends } = recipe('backend') as { backends: { PARTNER_API: Tree & { url: string } } };
    const { url } = backends.PARTNER_API;
    backends.PARTNER_API.url = url.replace('https://partner.example.com', backend.url);
    backends.PARTNER_API.allowPrivateHosts = ['127.0.0.1'];
    const { post } = await start({ playbook: withRecipe('playbook.yaml', { backends }) });
    await post('/cases', { caseId: 'OWN-1', attributes: { policyNumber: '4711' } });
    const answer = await post<TaskAnswer>('/case-task', task('OWN-1', 'Partner API timed out, please retry'));
    expect(answer.body).toMatchObject({ outcome: 'AUTO_SUCCESS', simulated: false });
    const [request] = backend.requests;
    expect(request?.method).toBe('POST');
    expect(request?.path).toBe('/v1/cases/OWN-1/retries');
    expect(request?.headers).toMatchObject({ authorization: 'Bearer token-of-the-test' });
    expect(request?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(request?.body ?? '')).toStrictEqual({
      policy: '4711',
      task: answer.body.taskId,
      reason: 'RETRY_EXTERNAL_CALL',
    });
  });

  it('your own intent is understood, and executed once the policy permits it', async () => {
    const playbook = withRecipe('playbook.yaml', recipe('intent'));
    const asked = task('OWN-2', 'Please send the policy document to the customer again');
    const unpermitted = await start({ playbook });
    await unpermitted.post('/cases', { caseId: 'OWN-2' });
    const refused = await unpermitted.post<TaskAnswer>('/case-task', asked);
    expect(refused.body).toMatchObject({ outcome: 'MANUAL', decision: { intent: 'RESEND_DOCUMENT' } });
    await unpermitted.stop();

    const { post } = await start({ playbook, policy: withRecipe('policy.yaml', recipe('permission')) });
    const done = await post<TaskAnswer>('/case-task', asked, { 'idempotency-key': 'asked-anew' });
    expect(done.body.manual).toBeNull();
    expect(done.body).toMatchObject({ outcome: 'AUTO_SUCCESS', decision: { intent: 'RESEND_DOCUMENT' } });
  });

  it('your own rule routes to its own queue, with the reason that the page shows', async () => {
    const { post } = await start({ policy: withRecipe('policy.yaml', recipe('rule')) });
    await post('/cases', { caseId: 'OWN-3', priority: 'CRITICAL' });
    const answer = await post<TaskAnswer>('/case-task', task('OWN-3', 'Partner API timed out, please retry'));
    const shown = /`(\{"guardrail":"not-critical".*\})`/.exec(PAGE)?.[1] ?? '';
    expect(answer.body.outcome).toBe('MANUAL');
    expect(answer.body.manual).toMatchObject({ queue: 'critical', reasons: [JSON.parse(shown)] });
  });

  it('your own retries: a failed attempt waits in the log, and is made again when it is due', async () => {
    const retries = { ...(recipe('retries').retries as Tree), firstPauseSeconds: 0.1 };
    const { url, requests } = backend;
    const partner = { kind: 'http', method: 'POST', url: `${url}/retried/{caseId}`, idempotent: true };
    const { post } = await start({
      playbook: withRecipe('playbook.yaml', {
        backends: { PARTNER_API: { ...partner, failure: [503], allowPrivateHosts: ['127.0.0.1'] } },
      }),
      policy: withRecipe('policy.yaml', { retries }),
    });
    await post('/cases', { caseId: 'OWN-4' });
    backend.mode = { kind: 'status', status: 503 };
    const answered = post<TaskAnswer>('/case-task', task('OWN-4', 'Partner API timed out, please retry'));
    await until('the first attempt has failed', () => requests.some(({ path }) => path === '/retried/OWN-4'));
    backend.mode = { kind: 'status', status: 200 };
    expect((await answered).body).toMatchObject({ outcome: 'AUTO_SUCCESS', status: 'COMPLETED' });
    const sent = requests.filter(({ path }) => path === '/retried/OWN-4');
    expect(sent).toHaveLength(2);
    expect(new Set(sent.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  it('your own queue has a deadline within your own hours', async () => {
    const withDays = (days: readonly string[]) => {
      const { reviews } = recipe('reviews') as { reviews: { businessHours: Tree } };
      reviews.businessHours.days = days;
      const source = withRecipe('policy.yaml', { ...recipe('queues'), reviews });
      const policy = parsePolicy(source, 'policy.yaml', playbook);
      const doubts = policy.queues.find(({ queue }) => queue === 'doubts') ?? policy.defaultQueue;
      return { source, due: (from: string): string => dueBy(policy, doubts, 'MEDIUM', from) };
    };
    // As the page says: 240 minutes from a Friday at 17:00, over a weekend in which clocks change.
    expect(withDays(WEEKDAYS.slice(1, 6)).due('2026-03-27T17:00+01:00')).toBe('2026-03-30T09:00:00.000Z');

    // Whenever this runs, people work three days from now.
    const { source, due } = withDays([WEEKDAYS[(new Date().getUTCDay() + 3) % 7] ?? 'SUN']);
    const { post } = await start({ policy: source });
    await post('/cases', { caseId: 'OWN-5' });
    const before = due(new Date().toISOString());
    const asked = task('OWN-5', 'Partner API timed out, please do not retry');
    const { body } = await post<{ manual: { queue: string; dueBy: string } | null }>('/case-task', asked);
    expect(body.manual).toMatchObject({ queue: 'doubts', dueBy: before });
    expect(due(new Date().toISOString())).toBe(before);
  });
});
