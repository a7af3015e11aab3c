import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCase, newTask } from '../support/app.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

let service: AuthenticatedApp;
let admin: string;
beforeAll(async () => {
  service = await createAuthenticatedApp();
  admin = (await service.makeKey({ actor: 'admin' })).text;
  expect((await service.call(admin, '/cases', newCase())).statusCode).toBe(201);
});
afterAll(() => service.close());

type Actor = { readonly kind: string; readonly id: string };
/** Who is recorded for the events of these types, each once. */
async function actorsOf(...types: string[]): Promise<Actor[]> {
  const actors = (await service.events())
    .filter(({ type }) => types.includes(type))
    .map(({ metadata }) => JSON.parse(metadata).actor as Actor);
  return [...new Map(actors.map((actor) => [JSON.stringify(actor), actor])).values()];
}

describe('who is recorded', () => {
  it('is the person that the token is about, with the roles that mean something here', async () => {
    const token = await service.tokenOf({ sub: 'auth0|jane', roles: ['OPS', 'STAFF', 'AGENT'] });
    const answer = await service.call(token, '/case-task', newTask({ description: 'please retry, jane' }));
    expect(answer.statusCode).toBe(200);
    expect(await actorsOf('TaskReceived')).toEqual([
      { kind: 'person', id: 'auth0|jane', roles: ['OPS', 'AGENT'], authMethod: 'oidc' },
    ]);
    const entries = (await service.call(admin, `/audit?atLeast=${answer.json().position}`)).json().entries;
    expect(entries).toMatchObject([{ actor: 'auth0|jane' }]);
  });

  it('is the service that the key is of; and its history can be read by the contract', async () => {
    const { text } = await service.makeKey({ actor: 'portal', roles: [], scopes: ['cases'] });
    expect((await service.call(text, '/cases/C1001/notes', { text: 'called' })).statusCode).toBe(201);
    const actor = { kind: 'service', id: 'portal', roles: [], authMethod: 'api-key' };
    expect(await actorsOf('CaseNoteAdded')).toEqual([actor]);
    const history = (await service.call(admin, '/cases/C1001/events')).json().events;
    expect(history.at(-1).metadata.actor).toEqual(actor);
  });

  it('is nobody that the caller names in any other way', async () => {
    const { text } = await service.makeKey({ actor: 'honest' });
    const task = newTask({ description: 'please retry, honest' });
    const headers = {
      'x-actor': 'boss',
      'x-user': 'boss',
      'x-forwarded-user': 'boss',
      from: 'boss@x.example',
      'idempotency-key': 'boss',
    };
    expect((await service.call(text, '/case-task', task, headers)).statusCode).toBe(200);
    expect((await service.call(text, '/case-task', { ...task, actor: 'boss' })).statusCode).toBe(400);
    expect((await actorsOf('TaskReceived')).map(({ id }) => id)).toEqual(['auth0|jane', 'honest']);
  });

  it('is not mixed up between many at once', async () => {
    const callers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => ({
        id: `caller-${n}`,
        text: (await service.makeKey({ actor: `caller-${n}` })).text,
      })),
    );
    const answers = await Promise.all(
      callers.map(({ id, text }) => service.call(text, '/cases', newCase({ caseId: id }))),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(callers.map(() => 201));
    for (const { id } of callers) {
      const { events } = (await service.call(admin, `/cases/${id}/events`)).json();
      expect(events.map(({ metadata }: { metadata: { actor: Actor } }) => metadata.actor.id)).toEqual([id]);
    }
  });
});

describe('a task in a role', () => {
  const submit = async (roles: readonly string[], changes: Record<string, unknown>, key?: string) => {
    const { text } = await service.makeKey({ actor: 'limited', roles: [...roles], scopes: ['submit'] });
    return service.call(text, '/case-task', newTask(changes), key ? { 'idempotency-key': key } : {});
  };

  it.each<[string[], string, string]>([
    [['AGENT'], 'OPS', 'AGENT'],
    [['AGENT', 'SUPERVISOR'], 'OPS', 'AGENT, SUPERVISOR'],
    [[], 'OPS', 'none'],
    [['OPS'], 'ops', 'OPS'],
    [['OPS'], 'canary_role', 'OPS'],
  ])('that the caller with %j does not have is refused: %s', async (roles, user_role, held) => {
    const before = await service.events();
    const answer = await submit(roles, { user_role, description: 'please retry, limited' });
    const message = `user_role is not among the caller's roles: ${held}`;
    expect(answer.json()).toMatchObject({
      status: 403,
      code: 'ROLE_NOT_HELD',
      detail: message,
      errors: [{ field: 'user_role', message }],
    });
    expect(answer.payload).not.toContain('canary_role');
    expect(await service.events()).toEqual(before);
  });

  it('is refused before the caller learns whether there is such a case', async () => {
    const answers = await Promise.all(
      ['C1001', 'NOWHERE'].map((case_id) => submit(['AGENT'], { case_id, user_role: 'OPS' })),
    );
    expect(answers.map((answer) => answer.json().code)).toEqual(['ROLE_NOT_HELD', 'ROLE_NOT_HELD']);
  });

  it('that the caller has is done; one that the policy does not have is bad input', async () => {
    expect((await submit(['AGENT'], { user_role: 'AGENT' })).statusCode).toBe(200);
    expect((await submit(['GHOST'], { user_role: 'GHOST', description: 'boo' })).json().code).toBe(
      'INVALID_INPUT',
    );
  });

  it('gives nobody the recorded answer of another who has not that role', async () => {
    const first = await submit(['OPS'], { user_role: 'OPS', description: 'retry, please' }, 'same');
    expect(first.statusCode).toBe(200);
    const other = await submit(['AGENT'], { user_role: 'OPS', description: 'retry, please' }, 'same');
    expect(other.json().code).toBe('ROLE_NOT_HELD');
    expect(other.payload).not.toContain(first.json().taskId);
    const peer = await submit(['OPS'], { user_role: 'OPS', description: 'retry, please' }, 'same');
    expect(peer.json().taskId).toBe(first.json().taskId);
  });
});

describe('a caller without the scope', () => {
  it.each([
    '/cases/C1001',
    '/cases/C1001/',
    '//cases/C1001',
    '/cases/./C1001',
    '/cases/%43%31%30%30%31',
    '/CASES/C1001',
    '/cases/C1001?x=/healthz',
    '/healthz/../cases/C1001',
    '/healthz%2f..%2fcases/C1001',
    '/cases/C1001;/healthz',
    '/docs/../cases/C1001',
    '/docs/static/%2e%2e/%2e%2e/cases/C1001',
  ])('sees nothing of a case by %s', async (url) => {
    const { text } = await service.makeKey({ actor: 'blind', scopes: ['submit'] });
    const headers = { host: 'localhost', authorization: `Bearer ${text}` };
    for (const more of [{}, { 'x-http-method-override': 'GET', 'x-original-url': '/cases/C1001' }]) {
      const { statusCode, payload } = await service.app.inject({ url, headers: { ...headers, ...more } });
      expect(statusCode).toBeGreaterThanOrEqual(400);
      expect(payload).not.toContain('MEDIUM');
    }
  });

  it('gets 403 with the scope that is missing, whether or not what is asked for exists', async () => {
    const { text } = await service.makeKey({ actor: 'blind', scopes: ['submit'] });
    for (const url of ['/cases/C1001', '/cases/NOWHERE', '/cases/%00', '/cases?bad=1']) {
      const answer = await service.call(text, url);
      expect(answer.headers['www-authenticate']).toBe(
        'Bearer realm="case-orchestrator", error="insufficient_scope", scope="read"',
      );
      expect(answer.json()).toEqual({
        type: 'urn:case-orchestrator:problem:not-permitted',
        title: 'The caller may not do this',
        status: 403,
        code: 'NOT_PERMITTED',
        detail: 'this needs the scope read, which the caller does not have',
      });
    }
  });
});

it('no key, token or claim is in the log', async () => {
  const { text } = await service.makeKey({ actor: 'canary_actor' });
  const token = await service.tokenOf({ sub: 'canary_sub', email: 'canary_email', roles: ['canary_role'] });
  const refused = await service.tokenOf({ sub: 'canary_sub', aud: 'canary_aud' });
  for (const credential of [text, token, refused, `${text}canary_x`, `canary.${token}`]) {
    await service.call(credential, '/cases');
    await service.call(credential, '/case-task', newTask({ user_role: 'canary_claimed' }));
  }
  const logged = service.logged();
  expect(logged).not.toMatch(/canary|co_[0-9a-f]{16}|eyJ|Bearer/);
  for (const part of [text.slice(20), ...token.split('.'), ...refused.split('.')]) {
    expect(logged).not.toContain(part);
  }
  expect(logged).toContain('"status":401');
});
