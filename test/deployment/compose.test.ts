import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTryingOut, readConfig } from '../../src/config.ts';
import { describeKurrentDbUrl } from '../../src/eventstore/kurrentdb/connectionString.ts';
import { readSourceFiles } from '../../src/sourceFiles.ts';
import { composeProblems, environmentOf, readCompose } from './composeProblems.ts';

const FILES = ['docker-compose.yml', 'docker-compose.cluster.yml'] as const;
const PASSWORDS = {
  POSTGRES_PASSWORD: 'p',
  KURRENTDB_ADMIN_PASSWORD: 'a',
  KURRENTDB_OPS_PASSWORD: 'o',
};
const GIVEN = { 'docker-compose.yml': {}, 'docker-compose.cluster.yml': PASSWORDS };
/** How long a stop may take: answers under way and effects in flight have ten seconds each. */
const DRAIN_SECONDS = 20;

/** All of the linter's rules are errors but those on the order of keys, which here follows what belongs together. */
const linter = new DCLinter({
  rules: {
    'service-keys-order': 0,
    'services-alphabetical-order': 0,
    'service-dependencies-alphabetical-order': 0,
    'top-level-properties-order': 0,
    'require-quotes-in-ports': [2, { quoteType: 'double' }],
  },
  quiet: false,
  debug: false,
  exclude: [],
});

/** Problems against the Compose Specification's schema and the linter's rules: rule and message. */
function lint(file: string): string[] {
  const results: { messages: { rule: string; message: string }[] }[] = linter.lintFiles([file], false);
  expect(results).toHaveLength(1);
  return results.flatMap(({ messages }) => messages.map(({ rule, message }) => `${rule}: ${message}`));
}

describe.each(FILES)('%s', (file) => {
  let text: string;
  beforeAll(async () => {
    text = await readFile(file, 'utf8');
  });

  test('follows the Compose Specification and the linter', () => {
    expect(lint(file)).toEqual([]);
  });

  test('pins, checks, declares and gives away no more than needed', () => {
    expect(composeProblems(readCompose(text), true)).toEqual([]);
  });

  test('gives the service an environment that it starts with', async () => {
    const service = readCompose(text).services['case-orchestrator'];
    const config = readConfig(environmentOf(service ?? expect.fail('no service'), GIVEN[file]));
    expect(isTryingOut(config)).toBe(false);
    expect(config).toMatchObject({ EVENT_STORE: 'kurrentdb', HOST: '0.0.0.0', PORT: 3000 });
    expect(describeKurrentDbUrl(config.KURRENTDB_URL ?? '')).toBe(
      file === 'docker-compose.yml'
        ? 'esdb://kurrentdb:2113 (not encrypted)'
        : 'esdb+discover://kurrentdb:2113 (TLS)',
    );
    await expect(readSourceFiles(config)).resolves.toBeDefined();
  });

  test('lets the service end what is in flight', () => {
    const grace = readCompose(text).services['case-orchestrator']?.stop_grace_period;
    expect(Number(/^(\d+)s$/.exec(String(grace))?.[1])).toBeGreaterThan(DRAIN_SECONDS);
  });
});

test('the cluster asks for its passwords', async () => {
  const { services } = readCompose(await readFile('docker-compose.cluster.yml', 'utf8'));
  const node = services['kurrentdb-node1'] ?? expect.fail('no node');
  expect(() => environmentOf(node, {})).toThrow('KURRENTDB_ADMIN_PASSWORD must be given');
});

describe('a planted defect is found:', () => {
  let folder: string;
  let text: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'case-orchestrator-compose-'));
    text = await readFile('docker-compose.yml', 'utf8');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const planted = (from: string | RegExp, to: string): string => {
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    return changed;
  };

  test.each([
    [
      'a misspelt key',
      'stop_grace_period: 30s',
      'stop_grace_perod: 30s',
      /^invalid-schema: .*additional properties/,
    ],
    ['a restart that is no text', 'restart: unless-stopped', 'restart: 3', /^invalid-schema: /],
    ['no tag', 'postgres:17.7-bookworm', 'postgres', /^service-image-require-explicit-tag: /],
    ['a port for everybody', /"127\.0\.0\.1:.*:3000"/, '"3000:3000"', /^no-unbound-port-interfaces: /],
  ])('by the linter: %s', async (_name, from, to, expected) => {
    const file = join(folder, 'docker-compose.yml');
    await writeFile(file, planted(from, to));
    expect(lint(file)).toEqual([expect.stringMatching(expected)]);
  });

  test.each([
    ['latest', 'kurrentdb:26.0.1', 'kurrentdb:latest', /^kurrentdb does not pin .*:latest to a version$/],
    [
      'any address',
      '"127.0.0.1:${KURRENTDB_PORT',
      '"0.0.0.0:${KURRENTDB_PORT',
      /^kurrentdb publishes 0\.0\.0\.0:/,
    ],
    [
      'an unknown dependency',
      '      postgres:\n        cond',
      '      mysql:\n        cond',
      /mysql, which is not there$/,
    ],
    [
      'started is enough',
      'service_healthy',
      'service_started',
      /^case-orchestrator waits for kurrentdb to be/,
    ],
    [
      'an undeclared volume',
      '- postgres-data:',
      '- other-data:',
      /^postgres mounts the undeclared other-data:/,
    ],
    [
      'an unused volume',
      '\n  postgres-data:\n',
      '\n  postgres-data:\n  more:\n',
      /^the volume more is not used$/,
    ],
    ['privileged', 'init: true', 'privileged: true', /^case-orchestrator sets privileged$/],
    ['capabilities', '    cap_drop:\n      - ALL\n', '', /^case-orchestrator keeps capabilities$/],
    [
      'the Docker socket',
      '- kurrentdb-logs:',
      '- /var/run/docker.sock:',
      /^kurrentdb mounts the undeclared \/var\/run/,
    ],
  ])('by the structural check: %s', (_name, from, to, expected) => {
    const problems = composeProblems(readCompose(planted(from, to)), true);
    expect(problems).toContainEqual(expect.stringMatching(expected));
  });

  test('by the structural check: health that nobody checks', () => {
    const withoutCheck = planted(
      / {4}healthcheck:\n(?: {6}.*\n)+(?= {4}restart: unless-stopped\n {4}# SIGINT)/,
      '',
    );
    expect(composeProblems(readCompose(withoutCheck), true)).toEqual([
      'case-orchestrator waits for the health of postgres, which has no health check',
      'postgres has no health check',
    ]);
    expect(composeProblems(readCompose(text), false)).toEqual(['case-orchestrator has no health check']);
  });

  test('by the configuration: a service that may not listen', () => {
    const service = readCompose(
      planted('ALLOW_UNAUTHENTICATED: "true"', 'ALLOW_UNAUTHENTICATED: "false"'),
    ).services;
    const one = service['case-orchestrator'] ?? expect.fail('no service');
    expect(() => readConfig(environmentOf(one, {}))).toThrow('HOST: callers are not authenticated');
  });
});
