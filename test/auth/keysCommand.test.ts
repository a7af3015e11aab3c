import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKeyCommand } from '../../src/cli/keyCommand.ts';
import { runNode, startChildService } from '../support/childService.ts';
import { type Answer, README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { query } from '../support/embedded.ts';
import { startTestService, type TestService } from '../support/service.ts';

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the command to its end. */
async function keysCommand(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  const { process: child } = runNode(['src/cli/keys.ts', ...args], env);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: string) => {
      texts[name] += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...texts };
}

const KEY = /^co_([0-9a-f]{16})_([A-Za-z0-9_-]{43})\n$/;

describe('npm run keys, beside two running services', () => {
  let database: TestDatabase;
  let services: readonly [TestService, TestService];
  const keys = (...args: string[]) => keysCommand({ DATABASE_URL: database.url }, ...args);
  beforeAll(async () => {
    database = await createTestDatabase('keys command');
    const options = { databaseUrl: database.url, env: { AUTHENTICATION: 'keys' } };
    services = [await startTestService(options), await startTestService(options)];
  });
  afterAll(async () => {
    for (const service of services ?? []) await service.stop();
    await database?.drop();
  });

  const get = async (service: TestService, path: string, key: string): Promise<number> =>
    (await fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${key}` } })).status;

  let text = '';
  let id = '';

  it('makes a key, shows it once, and keeps only its hash', async () => {
    const args = ['--actor', 'crm', '--roles', 'OPS', '--scopes', 'read,submit,cases', '--expires', '12h'];
    const { code, stdout, stderr } = await keys('create', ...args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(KEY) });
    text = stdout.trim();
    id = text.slice(3, 19);
    const secret = text.slice(20);
    expect(stderr).toMatch(
      new RegExp(`^made ${id}  crm  roles OPS  scopes read,submit,cases  made .*Z  valid until .*Z\n`),
    );
    expect(stderr).not.toContain(secret);
    const everything = JSON.stringify(await query(database.url, 'select * from auth.api_keys'));
    expect(everything).toContain(id);
    expect(everything).not.toContain(secret);
  });

  it('that lets its owner in at both, and be recorded', async () => {
    const headers = { authorization: `Bearer ${text}` };
    const opened = await services[0].post('/cases', { caseId: 'K', ...README_CASE }, headers);
    expect(opened.status).toBe(201);
    const done = await services[1].task({ case_id: 'K' }, headers);
    expect(done.status).toBe(200);
    const { status, body }: Answer<{ events: { metadata: { actor: unknown } }[] }> = await fetch(
      `${services[1].url}/cases/K/events`,
      { headers },
    ).then(async (response) => ({
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as never,
    }));
    expect(status).toBe(200);
    const crm = { kind: 'service', id: 'crm', roles: ['OPS'], authMethod: 'api-key' };
    const orchestrator = { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' };
    expect(body.events.slice(0, 3).map(({ metadata }) => metadata.actor)).toEqual([crm, crm, orchestrator]);
    expect(await get(services[0], '/metrics', text)).toBe(403);
    expect((await services[0].get('/cases')).status).toBe(401);
    expect((await services[0].get('/readyz')).status).toBe(200);
  });

  it('lists keys without their secrets', async () => {
    await keys('create', '--actor', 'scraper', '--scopes', 'metrics');
    const { code, stdout } = await keys('list');
    const lines = stdout.trim().split('\n');
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [
        expect.stringMatching(
          /^[0-9a-f]{16} {2}scraper {2}roles - {2}scopes metrics {2}made .* valid until /,
        ),
        expect.stringContaining(`${id}  crm  roles OPS`),
      ],
    });
    expect(stdout).not.toContain(text.slice(20));
  });

  it('revokes a key: no process takes it from then on', async () => {
    expect(await get(services[0], '/cases', text)).toBe(200);
    const { code, stdout } = await keys('revoke', id);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/ {2}revoked .*Z\n$/) });
    for (const service of services) expect(await get(service, '/cases', text)).toBe(401);
    expect((await keys('revoke', id)).stdout).toBe(stdout);
    expect((await keys('list')).stdout).toContain(stdout);
  });

  it('says what is wrong, a line each, and does nothing', async () => {
    expect(await keys('revoke', '0'.repeat(16))).toEqual({
      code: 1,
      stdout: '',
      stderr: `there is no API key ${'0'.repeat(16)}\n`,
    });
    const { code, stderr } = await keys('create', '--actor', 'x', '--scopes', 'all', '--expires', 'never');
    expect({ code, lines: stderr.split('\n') }).toEqual({
      code: 1,
      lines: [
        '--scopes: must be at least one of read, submit, cases, review, operate, erase, metrics, separated by commas',
        '--expires: must be hours or days such as 12h or 90d, at most 1000d',
        '',
      ],
    });
    expect((await keys('create', '--secret', 'x')).stderr).toContain('ERR_PARSE_ARGS_UNKNOWN_OPTION');
    expect((await keys('list')).stdout.trim().split('\n')).toHaveLength(2);
  });

  it('nothing of a key is in the log of a service', () => {
    const logged = services.flatMap((service) => service.logs()).map((line) => JSON.stringify(line));
    expect(logged.filter((line) => line.includes(text.slice(20)) || line.includes(id))).toEqual([]);
    expect(logged.filter((line) => line.includes('"status":401'))).not.toEqual([]);
  });
});

describe('npm run keys, with an embedded Postgres', () => {
  it('works while nothing runs, and beside the service that runs it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keys-'));
    const env = { DATA_DIR: join(folder, 'data'), AUTHENTICATION: 'keys' };
    try {
      const before = await keysCommand(env, 'create', '--actor', 'early', '--scopes', 'read');
      expect({ code: before.code, stdout: before.stdout }).toEqual({
        code: 0,
        stdout: expect.stringMatching(KEY),
      });
      const service = await startChildService(env);
      try {
        const after = await keysCommand(env, 'create', '--actor', 'late', '--scopes', 'read');
        for (const { stdout } of [before, after]) {
          const headers = { authorization: `Bearer ${stdout.trim()}` };
          expect((await fetch(`${service.url}/cases/C1001`, { headers })).status).toBe(200);
        }
        expect(service.output()).toContain('callers      are authenticated by keys; send Authorization');
      } finally {
        await service.end('SIGTERM');
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

describe('a command line', () => {
  const NOW = '2026-01-01T00:00:00.000Z';
  const created = (values: Record<string, string>) => {
    const { command, problems } = readKeyCommand(
      ['create'],
      { actor: 'crm', scopes: 'read', ...values },
      NOW,
    );
    return command?.kind === 'create' ? command.properties : problems;
  };

  it.each([
    ['1h', '2026-01-01T01:00:00.000Z'],
    ['30d', '2026-01-31T00:00:00.000Z'],
    ['1000d', '2028-09-27T00:00:00.000Z'],
  ])('--expires %s is %s', (expires, expiresAt) => {
    expect(created({ expires })).toMatchObject({ createdAt: NOW, expiresAt });
  });

  it('without --expires is for 90 days; lists may hold spaces and repetitions', () => {
    expect(created({ roles: ' OPS,AGENT, OPS', scopes: 'read, read' })).toEqual({
      actor: 'crm',
      roles: ['OPS', 'AGENT'],
      scopes: ['read'],
      createdAt: NOW,
      expiresAt: '2026-04-01T00:00:00.000Z',
    });
  });

  it.each([
    [{ expires: '0d' }, '--expires'],
    [{ expires: '1001d' }, '--expires'],
    [{ expires: '1y' }, '--expires'],
    [{ expires: '' }, '--expires'],
    [{ actor: '' }, '--actor'],
    [{ actor: 'anonymous' }, '--actor'],
    [{ actor: 'orchestrator' }, '--actor'],
    [{ actor: 'erase-command' }, '--actor'],
    [{ actor: 'x'.repeat(65) }, '--actor'],
    [{ actor: 'a\nb' }, '--actor'],
    [{ roles: 'ops' }, '--roles'],
    [{ roles: 'OPS SUPERVISOR' }, '--roles'],
    [{ scopes: '' }, '--scopes'],
    [{ scopes: 'read,admin' }, '--scopes'],
  ])('with %j is refused by one line that names %s', (values, option) => {
    expect(created(values)).toEqual([expect.stringMatching(new RegExp(`^${option}: must be `))]);
  });

  it.each([
    [[], {}],
    [['create', 'x'], {}],
    [['list', 'x'], {}],
    [['list'], { actor: 'x' }],
    [['revoke'], {}],
    [['revoke', 'x', 'y'], {}],
    [['destroy'], {}],
  ])('%j %j gets the usage', (positionals, values) => {
    const { command, problems } = readKeyCommand(positionals, values, NOW);
    expect(command).toBeNull();
    expect(problems[0]).toMatch(/^usage: npm run keys -- create /);
  });

  it('that revokes a whole key is told to name its id, and the key is not repeated', () => {
    const key = `co_${'0'.repeat(16)}_${'S'.repeat(43)}`;
    expect(readKeyCommand(['revoke', key], {}, NOW)).toEqual({
      command: null,
      problems: ['revoke: takes the id of a key, 16 hexadecimal digits; see list'],
    });
  });
});
