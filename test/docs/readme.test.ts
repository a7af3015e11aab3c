import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLE_CASE } from '../../src/banner.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';

const README = readFileSync('README.md', 'utf8');

/** What differs from run to run: ids, times, and in positions which log and where in it. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/C1001~[0-9a-f]{32}/g, 'C1001~<hash>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>'],
];
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const decoded = (token: string): string =>
  Buffer.from(token, 'base64url').toString('utf8').replace(UUID, '<uuid>').replace(/:\d+$/, ':<number>');
const steady = (text: string): unknown =>
  JSON.parse(
    VOLATILE.reduce((result, [pattern, stand]) => result.replaceAll(pattern, stand), text).replace(
      /(?<="position": ")[^"]+/g,
      decoded,
    ),
  );

describe('README.md', () => {
  let database: TestDatabase;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase('readme');
    service = await startTestService({ databaseUrl: database.url });
    await service.post('/cases', SAMPLE_CASE);
  });
  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  /** Sends the nth request of the page, word for word. */
  const send = async (index: number): Promise<{ body: unknown; replayed: string | null }> => {
    const requests = [...README.matchAll(/curl -s (\S+)\/case-task[^']*'([^']+)' \\\n {2}-d '([^']+)'/g)];
    const answer = await service.post('/case-task', JSON.parse(requests[index]?.[3] ?? 'null'));
    return { body: answer.body, replayed: answer.headers.get('idempotency-replayed') };
  };

  it('shows the real answer to the first request', async () => {
    const shown = /<!-- first answer -->\n```json\n([\s\S]*?)```/.exec(README)?.[1] ?? '';
    const { body } = await send(0);
    const answered = steady(JSON.stringify(body, null, 1));
    expect(answered).toMatchObject({ position: 'postgres/<uuid>:<number>' });
    expect(steady(shown)).toStrictEqual(answered);
  });

  it('says what happens when it is sent again', async () => {
    expect((await send(0)).replayed).toBe('true');
  });

  it('shows a request that goes to a person', async () => {
    expect((await send(1)).body).toMatchObject({ outcome: 'MANUAL', manual: { reasons: expect.any(Array) } });
  });
});
