import { describe, expect, it } from 'vitest';
import { environmentSchema, InvalidConfigError, isTryingOut, readConfig } from '../src/config.ts';
import { isLoopback } from '../src/loopback.ts';
import { explain } from '../src/startErrors.ts';

/** What is wrong with an environment, a line each; null when it can be used. */
function problemsOf(environment: Record<string, string>): readonly string[] | null {
  try {
    readConfig(environment);
    return null;
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
}

describe('an empty environment', () => {
  it('means everything embedded, loopback only, no key, nobody allowed in', () => {
    expect(readConfig({})).toEqual({
      HOST: '127.0.0.1',
      PORT: 3000,
      DATA_DIR: './data',
      EVENT_STORE: 'postgres',
      RECOMMENDER: 'local',
      OPENAI_MODEL: 'gpt-5.4-mini',
      MODEL_TIMEOUT_MS: 8000,
      MODEL_CONCURRENCY: 256,
      PLAYBOOK: 'config/playbook.yaml',
      POLICY: 'config/policy.yaml',
      AUTOMATION: 'running',
      ALLOW_UNAUTHENTICATED: false,
      AUTHENTICATION: [],
      OIDC_ROLES_CLAIM: 'roles',
      OIDC_ROLE_SCOPES: new Map([
        ['AGENT', ['read', 'submit', 'cases']],
        ['OPS', ['read', 'submit', 'cases', 'review']],
        ['SUPERVISOR', ['read', 'submit', 'cases', 'review', 'operate', 'metrics']],
        ['AUDITOR', ['read']],
      ]),
      RATE_LIMIT_PER_MINUTE: 0,
      TRUSTED_PROXIES: [],
      SEAL_EVERY_SECONDS: 60,
      VERIFY_EVERY_HOURS: 24,
      VERIFY_EVENTS_PER_SECOND: 1_000,
      ALLOW_SIMULATED: false,
      ALLOWED_HOSTS: [],
      LOG_LEVEL: 'info',
    });
    expect(isTryingOut(readConfig({}))).toBe(true);
  });

  it('is what empty variables mean, and others are left alone', () => {
    const empty = Object.fromEntries(Object.keys(environmentSchema.shape).map((name) => [name, '']));
    expect(readConfig({ ...empty, UNKNOWN: 'x', HOSTNAME: 'y', port: '1' })).toEqual(readConfig({}));
  });
});

describe('a variable', () => {
  it.each<[string, Record<string, string>, Record<string, unknown>]>([
    ['PORT', { PORT: '0' }, { PORT: 0 }],
    ['MODEL_TIMEOUT_MS', { MODEL_TIMEOUT_MS: '600000' }, { MODEL_TIMEOUT_MS: 600_000 }],
    [
      'DATABASE_URL',
      { DATABASE_URL: 'postgresql://u:p@db:5432/x' },
      { DATABASE_URL: 'postgresql://u:p@db:5432/x' },
    ],
    ['a key alone', { OPENAI_API_KEY: 'sk-x' }, { RECOMMENDER: 'openai' }],
    ['a key, and a choice', { OPENAI_API_KEY: 'sk-x', RECOMMENDER: 'none' }, { RECOMMENDER: 'none' }],
    [
      'OPENAI_BASE_URL',
      { OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1' },
      { OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1' },
    ],
    [
      'ALLOWED_HOSTS',
      { ALLOWED_HOSTS: ' a.example, ::1 ,,b_c ' },
      { ALLOWED_HOSTS: ['a.example', '::1', 'b_c'] },
    ],
    ['AUTOMATION', { AUTOMATION: 'paused' }, { AUTOMATION: 'paused' }],
    ['AUTHENTICATION', { AUTHENTICATION: ' keys , keys' }, { AUTHENTICATION: ['keys'] }],
    [
      'OIDC_ROLE_SCOPES',
      { OIDC_ROLE_SCOPES: 'case-ops=read+submit, X=metrics' },
      {
        OIDC_ROLE_SCOPES: new Map([
          ['case-ops', ['read', 'submit']],
          ['X', ['metrics']],
        ]),
      },
    ],
    [
      'TRUSTED_PROXIES',
      { TRUSTED_PROXIES: '10.0.0.0/8,::1, 192.0.2.7,fd00::/128' },
      { TRUSTED_PROXIES: ['10.0.0.0/8', '::1', '192.0.2.7', 'fd00::/128'] },
    ],
    ['HOST in IPv6', { HOST: '::1' }, { HOST: '::1' }],
    ['HOST by name', { HOST: 'LocalHost' }, { HOST: 'LocalHost' }],
    [
      'HOST beyond loopback, in so many words',
      { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' },
      { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: true },
    ],
  ])('%s is read', (_what, environment, expected) => {
    expect(readConfig(environment)).toMatchObject(expected);
  });

  const WHOLE = 'must be a whole number';
  const METHODS = 'must be keys, oidc, or both, separated by a comma';
  const TRUSTWORTHY = 'must be an https URL without user and password; http is for loopback hosts only';
  const ROLE_SCOPES =
    'must be entries ROLE=scope+scope, separated by commas, each role once, scopes out of read, submit, cases, review, operate, erase, metrics';
  const RATE = 'must be a whole number of at most seven digits; 0 for no limit';
  const PROXIES = 'must be IP addresses or networks such as 10.0.0.0/8, separated by commas';
  it.each<[string, string, string]>([
    ['PORT', 'secret', WHOLE],
    ['PORT', ' ', WHOLE],
    ['PORT', '0x10', WHOLE],
    ['PORT', '1e3', WHOLE],
    ['PORT', '-1', WHOLE],
    ['PORT', '65536', 'must be at most 65535'],
    ['MODEL_TIMEOUT_MS', '8s', WHOLE],
    ['MODEL_TIMEOUT_MS', '99', 'must be at least 100'],
    ['MODEL_TIMEOUT_MS', '600001', 'must be at most 600000'],
    ['HOST', 'secret host', 'must be an IP address or a host name'],
    ['HOST', '127.0.0.1:3000', 'must be an IP address or a host name'],
    ['HOST', '127.999.0.1', 'must be an IP address or a host name'],
    ['DATABASE_URL', 'mysql://root:secret@db/x', 'must be a postgres:// URL'],
    ['DATABASE_URL', 'secret', 'must be a postgres:// URL'],
    ['RECOMMENDER', 'secret', 'must be one of openai, local, none'],
    ['OPENAI_API_KEY', 'secret\n', 'must be one word of visible ASCII characters'],
    ['OPENAI_BASE_URL', 'ftp://secret', 'must be an http(s) URL'],
    ['ALLOW_UNAUTHENTICATED', 'yes', 'must be one of true, false'],
    ['ALLOW_UNAUTHENTICATED', 'TRUE', 'must be one of true, false'],
    ['AUTOMATION', 'secret', 'must be one of running, paused'],
    ['AUTOMATION', 'true', 'must be one of running, paused'],
    ['AUTHENTICATION', 'secret', METHODS],
    ['AUTHENTICATION', 'keys oidc', METHODS],
    ['AUTHENTICATION', 'none', METHODS],
    ['OIDC_ISSUER', 'http://secret.example', `${TRUSTWORTHY}, and no query or fragment`],
    ['OIDC_ISSUER', 'https://login.example/?secret', `${TRUSTWORTHY}, and no query or fragment`],
    ['OIDC_ISSUER', 'secret', `${TRUSTWORTHY}, and no query or fragment`],
    ['OIDC_ISSUER', 'ftp://127.0.0.1', `${TRUSTWORTHY}, and no query or fragment`],
    ['OIDC_JWKS_URL', 'https://user:secret@login.example/keys', TRUSTWORTHY],
    ['OIDC_JWKS_URL', 'http://127.0.0.1.example/secret', TRUSTWORTHY],
    ['OIDC_AUDIENCE', 'secret secret', 'must be one word of visible ASCII characters'],
    ['OIDC_ROLES_CLAIM', 'secret\u00f6', 'must be one word of visible ASCII characters'],
    ['OIDC_ROLE_SCOPES', 'OPS=secret', ROLE_SCOPES],
    ['OIDC_ROLE_SCOPES', 'OPS=read,OPS=submit', ROLE_SCOPES],
    ['OIDC_ROLE_SCOPES', 'OPS', ROLE_SCOPES],
    ['OIDC_ROLE_SCOPES', '=read', ROLE_SCOPES],
    ['OIDC_ROLE_SCOPES', 'OPS=read+', ROLE_SCOPES],
    ['RATE_LIMIT_PER_MINUTE', '-1', RATE],
    ['RATE_LIMIT_PER_MINUTE', '1.5', RATE],
    ['RATE_LIMIT_PER_MINUTE', '10000000', RATE],
    ['TRUSTED_PROXIES', 'proxy.secret.example', PROXIES],
    ['TRUSTED_PROXIES', '10.0.0.0/33', PROXIES],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8', PROXIES],
    ['TRUSTED_PROXIES', '10.0.0.0/', PROXIES],
    ['ALLOW_SIMULATED', '1', 'must be one of true, false'],
    [
      'ALLOWED_HOSTS',
      'secret.example:443',
      'must be host names or IP addresses without port, separated by commas',
    ],
    ['LOG_LEVEL', 'secret', 'must be one of trace, debug, info, warn, error, fatal, silent'],
  ])('%s=%j is refused in one line that names it', (name, value, message) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name}: ${message}`]);
  });

  it('that is bad is told together with all others, and no value is repeated', () => {
    const problems = problemsOf({ PORT: 'secret', LOG_LEVEL: 'secret', DATABASE_URL: 'secret' });
    expect(problems).toHaveLength(3);
    expect(explain(new InvalidConfigError(problems ?? []))).toBe(
      [
        'The environment cannot be used:',
        '  PORT: must be a whole number',
        '  DATABASE_URL: must be a postgres:// URL',
        '  LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
      ].join('\n'),
    );
  });
});

describe('what goes together', () => {
  it.each(['0.0.0.0', '::', '192.0.2.7', 'cases.example', '128.0.0.1'])(
    'HOST=%s needs ALLOW_UNAUTHENTICATED=true',
    (HOST) => {
      expect(problemsOf({ HOST })).toEqual([
        'HOST: callers are not authenticated, so the service listens on loopback only; set AUTHENTICATION, ' +
          'or ALLOW_UNAUTHENTICATED=true if everybody who reaches this address may act',
      ]);
      expect(problemsOf({ HOST, ALLOW_UNAUTHENTICATED: 'false' })).toHaveLength(1);
      expect(problemsOf({ HOST, ALLOW_UNAUTHENTICATED: 'true' })).toBeNull();
    },
  );

  const OIDC = { OIDC_ISSUER: 'https://login.example/x', OIDC_AUDIENCE: 'case-orchestrator' };
  it.each(['keys', 'oidc', 'keys,oidc'])('AUTHENTICATION=%s lets it listen anywhere', (AUTHENTICATION) => {
    const oidc = AUTHENTICATION.includes('oidc') ? OIDC : {};
    expect(problemsOf({ HOST: '0.0.0.0', AUTHENTICATION, ...oidc })).toBeNull();
  });

  it('AUTHENTICATION contradicts ALLOW_UNAUTHENTICATED', () => {
    expect(problemsOf({ AUTHENTICATION: 'keys', ALLOW_UNAUTHENTICATED: 'true' })).toEqual([
      'ALLOW_UNAUTHENTICATED: is true, but AUTHENTICATION is set; unset one of them',
    ]);
  });

  it('AUTHENTICATION=oidc needs an issuer and an audience, and they need it', () => {
    expect(problemsOf({ AUTHENTICATION: 'oidc' })).toEqual([
      'OIDC_ISSUER: is missing, but AUTHENTICATION=oidc needs it',
      'OIDC_AUDIENCE: is missing, but AUTHENTICATION=oidc needs it',
    ]);
    const OIDC_JWKS_URL = 'https://login.example/keys';
    expect(problemsOf({ AUTHENTICATION: 'keys', ...OIDC, OIDC_JWKS_URL })).toEqual(
      ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_JWKS_URL'].map(
        (name) => `${name}: is set, but AUTHENTICATION does not name oidc; unset one or set the other`,
      ),
    );
    expect(problemsOf({ AUTHENTICATION: 'oidc', ...OIDC, OIDC_JWKS_URL })).toBeNull();
  });

  it('requests are counted where others than this machine may call', () => {
    const limitOf = (environment: Record<string, string>): number =>
      readConfig(environment).RATE_LIMIT_PER_MINUTE;
    expect(limitOf({ HOST: '::1' })).toBe(0);
    expect(limitOf({ AUTHENTICATION: 'keys' })).toBe(1200);
    expect(limitOf({ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' })).toBe(1200);
    expect(limitOf({ AUTHENTICATION: 'keys', RATE_LIMIT_PER_MINUTE: '0' })).toBe(0);
    expect(limitOf({ RATE_LIMIT_PER_MINUTE: '5' })).toBe(5);
  });

  it('RECOMMENDER=openai needs a key', () => {
    expect(problemsOf({ RECOMMENDER: 'openai' })).toEqual([
      'OPENAI_API_KEY: is missing, but RECOMMENDER=openai needs it (any text for a server without keys)',
    ]);
    expect(problemsOf({ RECOMMENDER: 'openai', OPENAI_API_KEY: '' })).toHaveLength(1);
  });

  it('a database or another host is no trying out', () => {
    expect(isTryingOut(readConfig({ DATABASE_URL: 'postgres://db/x' }))).toBe(false);
    expect(isTryingOut(readConfig({ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }))).toBe(false);
    expect(isTryingOut(readConfig({ HOST: 'localhost' }))).toBe(true);
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['localhost.example', false],
  ['127.0.0.1.example', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
