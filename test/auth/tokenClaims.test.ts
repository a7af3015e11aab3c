import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Claims,
  createSigningKey,
  goodClaims,
  type SigningKey,
  type StubIssuer,
  seconds,
  signed,
  startStubIssuer,
} from '../support/issuer.ts';
import { checkOf, refusedAs } from './tokens.ts';

const NOT_VALID = refusedAs('the token is not valid');
const UNUSABLE = 'the claim sub of the token cannot be used as the id of an actor';

let issuer: StubIssuer;
let ours: SigningKey;
let stranger: SigningKey;
let check: ReturnType<typeof checkOf>;
beforeAll(async () => {
  [ours, stranger] = await Promise.all([createSigningKey('one', 'ES256'), createSigningKey('one', 'ES256')]);
  issuer = await startStubIssuer(ours);
  check = checkOf(issuer);
});
afterAll(() => issuer.refuse());

const claims = (changes: Claims = {}): Claims => ({ ...goodClaims(issuer.url), ...changes });
const fromNow = (by: number): number => seconds(new Date()) + by;

describe('a token', () => {
  it.each<[string, () => Claims, string]>([
    ['another issuer', () => ({ iss: 'https://evil.example' }), 'the token is of another issuer'],
    ['an issuer with a slash', () => ({ iss: `${issuer.url}/` }), 'the token is of another issuer'],
    ['another audience', () => ({ aud: 'other-service' }), 'the token is for another audience'],
    ['no audience of ours', () => ({ aud: ['a', 'b'] }), 'the token is for another audience'],
    ['an expiry 31 seconds ago', () => ({ exp: fromNow(-31) }), 'the token has expired'],
    ['a beginning 40 seconds ahead', () => ({ nbf: fromNow(40) }), 'the token is not valid yet'],
    ['an expiry in words', () => ({ exp: '2099-01-01' }), 'the token is not valid'],
    ['no expiry', () => ({ exp: undefined }), 'the token lacks the claim exp'],
    ['no issuer', () => ({ iss: undefined }), 'the token lacks the claim iss'],
    ['no audience', () => ({ aud: undefined }), 'the token lacks the claim aud'],
    ['no subject', () => ({ sub: undefined }), 'the token lacks the claim sub'],
    ['an empty subject', () => ({ sub: '' }), UNUSABLE],
    ['a subject that is a number', () => ({ sub: 7 }), UNUSABLE],
    ['a subject of control characters', () => ({ sub: 'a\n{"level":50}' }), UNUSABLE],
    ['the subject orchestrator', () => ({ sub: 'orchestrator' }), UNUSABLE],
    ['the subject erase-command', () => ({ sub: 'erase-command' }), UNUSABLE],
    ['the subject anonymous', () => ({ sub: 'anonymous' }), UNUSABLE],
  ])('of ours with %s is refused, and its owner is told why', async (_what, change, message) => {
    await expect(check(await signed(claims(change()), ours))).rejects.toMatchObject(refusedAs(message));
  });

  it('of a stranger with the same faults tells nothing', async () => {
    for (const change of [{ exp: 1 }, { aud: 'other' }, { iss: 'other' }, { sub: undefined }]) {
      await expect(check(await signed(claims(change), stranger))).rejects.toMatchObject(NOT_VALID);
    }
  });

  it('is believed within 30 seconds of skew, and with further audiences', async () => {
    const change = { exp: fromNow(-25), nbf: fromNow(25), aud: ['x', AUDIENCE] };
    expect((await check(await signed(claims(change), ours))).actor.id).toBe('jane');
  });

  it('that is refused leaves no claim in the error', async () => {
    const token = await signed(claims({ exp: 1, email: 'jane@secret.example' }), ours);
    const error = await check(token).catch((thrown: unknown) => thrown);
    const everything = JSON.stringify(error, Object.getOwnPropertyNames(error as Error));
    expect(everything).toContain('the token has expired');
    expect(everything).not.toMatch(/jane|secret/);
    expect((error as Error).cause).toBeUndefined();
  });
});

describe('the roles of a token', () => {
  const rolesOf = async (changes: Claims, rolesClaim = 'roles'): Promise<readonly string[]> =>
    (await checkOf(issuer, { rolesClaim })(await signed(claims(changes), ours))).actor.roles;

  it.each<[string, Claims, string, string[]]>([
    ['a list', { roles: ['OPS', 'AUDITOR'] }, 'roles', ['OPS', 'AUDITOR']],
    ['one text', { roles: 'AUDITOR OPS' }, 'roles', ['AUDITOR', 'OPS']],
    ['another claim', { groups: ['OPS'], roles: ['AUDITOR'] }, 'groups', ['OPS']],
    ['a claim inside another', { realm: { a: { roles: ['OPS'] } } }, 'realm.a.roles', ['OPS']],
    [
      'a claim whose name has dots',
      { 'https://x.example/roles': ['OPS'] },
      'https://x.example/roles',
      ['OPS'],
    ],
    ['each once', { roles: ['OPS', 'OPS'] }, 'roles', ['OPS']],
    ['those that mean something here', { roles: ['STAFF', 'OPS', 'ops', ' OPS'] }, 'roles', ['OPS']],
    ['those that are texts', { roles: [null, 7, ['OPS'], { OPS: true }, 'AUDITOR'] }, 'roles', ['AUDITOR']],
    ['none where there is no claim', { roles: undefined }, 'roles', []],
    ['none of an object', { roles: { OPS: true } }, 'roles', []],
    ['none of what every object has', { roles: ['constructor', '__proto__', 'toString'] }, 'roles', []],
    ['none by way of a prototype', {}, 'constructor.name', []],
    ['none inside of a text', { roles: 'OPS' }, 'roles.length', []],
  ])('are %s', async (_what, changes, path, expected) => {
    expect(await rolesOf(changes, path)).toEqual(expected);
  });

  it('let at what the configuration says, together', async () => {
    const scopesOf = async (roles: string[]) => (await check(await signed(claims({ roles }), ours))).scopes;
    expect(await scopesOf(['OPS', 'AUDITOR'])).toEqual(['read', 'submit', 'metrics']);
    expect(await scopesOf(['SUPERVISOR'])).toEqual([]);
    expect(await scopesOf([])).toEqual([]);
  });
});
