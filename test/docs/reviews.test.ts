import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeApiKey, type NewApiKey } from '../../src/auth/apiKey.ts';
import { createPostgresApiKeys } from '../../src/auth/postgres.ts';
import { SAMPLE_CASE } from '../../src/banner.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const PAGE = readFileSync('docs/reviews.md', 'utf8');

/** Every request of docs/reviews.md, word for word, by the people that the page makes keys for. */
describe('docs/reviews.md', () => {
  let database: TestDatabase;
  let service: TestService;
  const variables: Record<string, string> = {};

  beforeAll(async () => {
    database = await createTestDatabase('docs reviews');
    const pool = new pg.Pool({ connectionString: database.url });
    const keys = createPostgresApiKeys(pool);
    for (const [, actor = '', roles = '', scopes = ''] of PAGE.matchAll(
      /keys -- create --actor (\S+) --roles (\S+) --scopes (\S+)/g,
    )) {
      const expiresAt = new Date(Date.parse(systemClock.now()) + 60_000).toISOString();
      const made = makeApiKey(
        {
          actor,
          roles: roles.split(','),
          scopes: scopes.split(',') as unknown as NewApiKey['scopes'],
          createdAt: systemClock.now(),
          expiresAt,
        },
        randomBytes,
      );
      await keys.add(made.key);
      variables[actor.toUpperCase()] = `authorization: Bearer ${made.text}`;
    }
    await pool.end();
    service = await startTestService({ databaseUrl: database.url, env: { AUTHENTICATION: 'keys' } });
    variables.API = service.url;
    await fetch(`${service.url}/cases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headerOf('CLERK') },
      body: JSON.stringify(SAMPLE_CASE),
    });
  });
  afterAll(async () => {
    await service?.stop();
    await database?.drop();
  });

  const headerOf = (name: string): Record<string, string> => {
    const [key = '', ...value] = (variables[name] ?? '').split(': ');
    return { [key]: value.join(': ') };
  };
  const filled = (text: string): string =>
    text.replaceAll(/\$([A-Z]+)/g, (_, name: string) => variables[name] ?? `no ${name}`);

  /** Sends one request of the page. */
  async function send<Body>(name: string): Promise<Body> {
    const block =
      new RegExp(`<!-- request: ${name} -->\\n\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(PAGE)?.[1] ?? '';
    const [, quoted, bare] = /curl -s (?:"([^"]+)"|(\S+))/.exec(block) ?? [];
    const body = /-d '(.*)'$/m.exec(block)?.[1]?.replaceAll(/'(\$[A-Z]+)'/g, '$1');
    const headers = [...block.matchAll(/-H (?:'([^']+)'|"([^"]+)")/g)].map(([, plain, named]) => {
      const [key = '', ...value] = filled(plain ?? named ?? '').split(': ');
      return [key, value.join(': ')] as [string, string];
    });
    const answer = await fetch(filled(quoted ?? bare ?? ''), {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: filled(body) }),
    });
    expect(answer.status, `${name} ${answer.status === 200 ? '' : await answer.clone().text()}`).toBe(200);
    return (await answer.json()) as Body;
  }

  it('leads from the queue to the decision', async () => {
    const { taskId, position } = await send<{ taskId: string; position: string }>('submit');
    variables.TASK = taskId;
    await fetch(`${service.url}/reviews?atLeast=${position}`, { headers: headerOf('ANN') });
    expect(await send('list')).toMatchObject({ reviews: [{ taskId, queue: 'operations', status: 'OPEN' }] });
    expect(await send('counts')).toMatchObject({
      queues: expect.arrayContaining([expect.objectContaining({ queue: 'operations', open: 1, claimed: 0 })]),
    });
    expect(await send('takeover')).toMatchObject({ claim: { reviewer: 'ben' } });
    await fetch(`${service.url}/reviews/${taskId}/release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headerOf('BEN') },
      body: '{}',
    });
    expect(await send('claim')).toMatchObject({ claim: { reviewer: 'ann' } });
    const shown = await send<{ reviewedHash: string; reviewedRevision: number }>('show');
    variables.HASH = shown.reviewedHash;
    variables.REVISION = String(shown.reviewedRevision);
    expect(await send('approve')).toMatchObject({ status: 'EXECUTING' });
    await until('it is done', async () => (await send<{ status: string }>('show')).status === 'COMPLETED');
    expect(await send('approve')).toMatchObject({ taskId });
  });
});
