import { readFileSync } from 'node:fs';
import fastify, { type InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerAccess } from '../../src/api/access.ts';
import { PERMISSIONS, permissionOf } from '../../src/api/permissions.ts';
import { SCOPES } from '../../src/auth/caller.ts';
import { createTestApp } from '../support/app.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

let service: AuthenticatedApp;
beforeAll(async () => {
  service = await createAuthenticatedApp();
});
afterAll(() => service.close());

/** Every route that the app has registered, from its own list. */
function routesOf(listed: string): string[] {
  const routes: string[] = [];
  const path: string[] = [];
  for (const line of listed.split('\n')) {
    const [, indent = '', part = ''] = /^([│ ]*)[├└]── (.*)$/.exec(line) ?? [];
    if (part === '') continue;
    const [, url = '', methods = ''] = /^(.*?)(?: \(([A-Z, ]+)\))?$/.exec(part) ?? [];
    path.splice(indent.length / 4, path.length, url);
    for (const method of methods.split(', ').filter(Boolean)) routes.push(`${method} ${path.join('')}`);
  }
  return routes;
}

const registered = (): string[] =>
  routesOf(service.app.printRoutes()).filter((route) => !route.startsWith('HEAD '));

/** A request of this route that is well-formed as far as it is looked at before it is let at the route. */
const requestOf = (route: string): InjectOptions & { readonly url: string } => {
  const [method = '', pattern = ''] = route.split(' ');
  const url = pattern
    .replace(':taskId', `NONE~${'0'.repeat(32)}`)
    .replace(':hash', '0'.repeat(64))
    .replaceAll(/:[a-zA-Z_]+|\*/g, 'NONE');
  return { method: method as 'GET', url };
};

/** Asks, and reads no more than the headers: an answer may have no end. */
async function ask(
  route: string,
  headers: Record<string, string>,
  app = service.app,
): Promise<{ readonly status: number; readonly challenged: boolean }> {
  const request = { ...requestOf(route), headers: { host: 'localhost', ...headers }, payloadAsStream: true };
  const answer = await app.inject(request);
  answer
    .stream()
    .on('error', () => {})
    .destroy();
  return { status: answer.statusCode, challenged: 'www-authenticate' in answer.headers };
}

const ROLES: Readonly<Record<string, readonly string[]>> = {
  AGENT: ['read', 'submit', 'cases'],
  OPS: ['read', 'submit', 'cases', 'review'],
  SUPERVISOR: ['read', 'submit', 'cases', 'review', 'operate', 'metrics'],
  AUDITOR: ['read'],
};

type Kind = {
  readonly name: string;
  readonly scopes: readonly string[];
  /** What is refused: 401 for who is nobody, 403 for who may not. */
  readonly refusal: 401 | 403;
  readonly authorization: () => Promise<string | null>;
};

const key =
  (scopes: readonly (typeof SCOPES)[number][], roles: string[] = []) =>
  async () =>
    `Bearer ${(await service.makeKey({ scopes, roles })).text}`;
const token = (roles: readonly string[]) => async () => `Bearer ${await service.tokenOf({ roles })}`;

const KINDS: readonly Kind[] = [
  { name: 'nobody', scopes: [], refusal: 401, authorization: async () => null },
  {
    name: 'a made-up key',
    scopes: [],
    refusal: 401,
    authorization: async () => `Bearer co_${'0'.repeat(16)}_${'A'.repeat(43)}`,
  },
  {
    name: 'a user with a password',
    scopes: [],
    refusal: 401,
    authorization: async () => 'Basic YWRtaW46YWRtaW4=',
  },
  {
    name: 'a revoked key',
    scopes: [],
    refusal: 401,
    authorization: async () => {
      const { id, text } = await service.makeKey();
      await service.keys.revoke(id, new Date().toISOString());
      return `Bearer ${text}`;
    },
  },
  {
    name: 'an expired token',
    scopes: [],
    refusal: 401,
    authorization: async () => `Bearer ${await service.tokenOf({ roles: ['SUPERVISOR'], exp: 1 })}`,
  },
  { name: 'a key without a scope', scopes: [], refusal: 403, authorization: key([], ['SUPERVISOR']) },
  ...SCOPES.map((scope) => ({
    name: `a key with the scope ${scope}`,
    scopes: [scope],
    refusal: 403 as const,
    authorization: key([scope]),
  })),
  { name: 'a key with every scope', scopes: SCOPES, refusal: 403, authorization: key(SCOPES) },
  { name: 'a person without a role', scopes: [], refusal: 403, authorization: token([]) },
  { name: 'a person of no role here', scopes: [], refusal: 403, authorization: token(['read', 'ADMIN']) },
  ...Object.entries(ROLES).map(([role, scopes]) => ({
    name: `a person with the role ${role}`,
    scopes,
    refusal: 403 as const,
    authorization: token([role]),
  })),
];

describe('the matrix of route and caller', () => {
  it('has every route that is registered, and no other', () => {
    const routes = registered();
    expect(routes).toContain('POST /cases/:caseId/close');
    expect([...routes].sort()).toEqual(Object.keys(PERMISSIONS).sort());
  });

  it.each(KINDS)('$name', async ({ scopes, refusal, authorization }) => {
    const header = await authorization();
    const headers: Record<string, string> = header === null ? {} : { authorization: header };
    const found: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const route of registered()) {
      const { status, challenged } = await ask(route, headers);
      const refused = status === 401 || status === 403 || status === 500;
      found[route] = refused ? `${status} ${challenged}` : 'let in';
      const permission = PERMISSIONS[route] ?? 'missing';
      expected[route] =
        permission === 'anybody' || scopes.includes(permission) ? 'let in' : `${refusal} true`;
    }
    expect(found).toEqual(expected);
  });

  it('treats HEAD as GET', async () => {
    const { text } = await service.makeKey({ scopes: ['metrics'] });
    const head = (url: string, authorization: string) =>
      service.app.inject({ method: 'HEAD', url, headers: { host: 'localhost', authorization } });
    expect((await head('/metrics', `Bearer ${text}`)).statusCode).toBe(200);
    expect((await head('/cases', `Bearer ${text}`)).statusCode).toBe(403);
    expect((await head('/cases', '')).statusCode).toBe(401);
  });

  it('is asked on a service without authentication by nobody', async () => {
    const open = await createTestApp();
    for (const route of registered()) {
      const { status } = await ask(route, {}, open.app);
      expect([route, status === 401 || status === 403]).toEqual([route, false]);
    }
    await open.close();
  });
});

describe('a route without an entry', () => {
  it.each(['GET', 'HEAD', 'POST', 'DELETE'])('stops the start: %s', (method) => {
    const app = fastify();
    registerAccess(app, null, async () => {});
    expect(() => app.route({ method, url: '/new', handler: async () => '' })).toThrow(
      `${method === 'HEAD' ? 'GET' : method} /new has no entry in src/api/permissions.ts`,
    );
  });

  it.each(['__proto__', 'constructor'])('is not found on a prototype: %s', (name) => {
    expect(() => permissionOf(name, '')).toThrow('has no entry');
  });
});

it('docs/security.md has the matrix as it is', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  const rows = Object.entries(PERMISSIONS)
    .filter(([route]) => !route.startsWith('GET /docs/'))
    .map(([route, permission]) => `| \`${route.replaceAll(/:([a-zA-Z_]+)/g, '{$1}')}\` | ${permission} |`);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  expect(page.match(/^\| `(?:GET|POST) /gm)).toHaveLength(rows.length);
});
