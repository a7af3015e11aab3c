import { createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Claims,
  createSigningKey,
  goodClaims,
  type SigningKey,
  type StubIssuer,
  signed,
  startStubIssuer,
  unsigned,
} from '../support/issuer.ts';
import { listenAnywhere } from '../support/listenAgain.ts';
import { checkOf, refusedAs } from './tokens.ts';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const NOT_VALID = refusedAs('the token is not valid');

let issuer: StubIssuer;
let ours: SigningKey[];
/** RS256, whose public key is in the set. */
let rsa: SigningKey;
/** Signs as well as ours do, and is in no set; with the kid of ours. */
let attacker: SigningKey;
let check: ReturnType<typeof checkOf>;
beforeAll(async () => {
  ours = await Promise.all(ALGORITHMS.map((alg) => createSigningKey(`key-${alg}`, alg)));
  rsa = ours[0] as SigningKey;
  attacker = await createSigningKey(rsa.kid);
  issuer = await startStubIssuer(...ours);
  check = checkOf(issuer);
});
afterAll(() => issuer.refuse());
beforeEach(() => {
  issuer.requests.splice(0);
});

const claims = (changes: Claims = {}): Claims => ({ ...goodClaims(issuer.url), ...changes });
const header = (changes: Record<string, unknown> = {}) => ({
  alg: 'RS256',
  kid: rsa.kid,
  typ: 'JWT',
  ...changes,
});

describe('a token', () => {
  it.each(ALGORITHMS)('signed by %s with a key of the issuer is believed', async (alg) => {
    const key = ours.find((each) => each.alg === alg) as SigningKey;
    expect(await check(await signed(claims(), key))).toEqual({
      actor: { kind: 'person', id: 'jane', roles: ['OPS'], authMethod: 'oidc' },
      scopes: ['read', 'submit'],
    });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['signed by nobody (alg none)', () => unsigned({ alg: 'none' }, claims())],
    ['of alg None, with a kid', () => unsigned(header({ alg: 'None' }), claims())],
    [
      'of alg none, with the signature of a good one',
      async () => unsigned(header({ alg: 'none' }), claims(), (await signed(claims(), rsa)).split('.')[2]),
    ],
    ['signed by a stranger under a kid of ours', () => signed(claims(), attacker)],
    [
      'signed by a stranger, its alg that of another key of ours',
      () => signed(claims(), attacker, { kid: 'key-PS256' }),
    ],
    ['signed with another key of ours than it says', () => signed(claims(), rsa, { kid: 'key-ES256' })],
    ['whose kid nobody knows', () => signed(claims(), { ...attacker, kid: 'unknown' })],
    [
      'that names no key, where there is one of its kind',
      () => signed(claims(), attacker, { kid: undefined }),
    ],
    [
      'whose claims were changed after it was signed',
      async () => {
        const [head, , signature] = (await signed(claims(), rsa)).split('.');
        const changed = unsigned({}, claims({ sub: 'boss', roles: ['SUPERVISOR'] })).split('.')[1];
        return `${head}.${changed}.${signature}`;
      },
    ],
    [
      'whose header was changed after it was signed',
      async () => {
        const [, body, signature] = (await signed(claims(), rsa)).split('.');
        return `${unsigned(header({ typ: 'at+jwt' }), {}).split('.')[0]}.${body}.${signature}`;
      },
    ],
    ['whose signature is cut', async () => (await signed(claims(), rsa)).slice(0, -4)],
    ['whose signature is missing', async () => (await signed(claims(), rsa)).replace(/[^.]+$/, '')],
    ['of two parts', async () => (await signed(claims(), rsa)).replace(/\.[^.]+$/, '')],
    ['of five parts', async () => `${await signed(claims(), rsa)}.AAAA.AAAA`],
    ['that is a word', () => 'secret'],
    ['whose header is no JSON', () => `AAAA.${unsigned({}, claims()).split('.')[1]}.AAAA`],
    [
      'that demands what nobody understands',
      () => signed(claims(), rsa, { crit: ['demanded'], demanded: 1 }),
    ],
    ['whose alg is no text', () => unsigned(header({ alg: ['RS256'] }), claims(), 'AAAA')],
  ])('%s is not valid', async (_what, make) => {
    await expect(check(await make())).rejects.toMatchObject(NOT_VALID);
  });

  it.each(['RS512', 'PS384', 'ES384', 'HS256'])(
    'of the algorithm %s is not valid, whoever signed it',
    async (alg) => {
      const key =
        alg === 'HS256'
          ? { alg, kid: 'secret', privateKey: Buffer.alloc(32, 7) }
          : await createSigningKey('other', alg);
      const token = new SignJWT(claims()).setProtectedHeader({ alg, kid: key.kid });
      issuer.keys = [...ours.map(({ jwk }) => jwk), ...('jwk' in key ? [key.jwk] : [])];
      await expect(checkOf(issuer)(await token.sign(key.privateKey))).rejects.toMatchObject(NOT_VALID);
      issuer.keys = ours.map(({ jwk }) => jwk);
    },
  );

  it.each<[string, () => string]>([
    ['PEM', () => pem()],
    ['PEM without its last line end', () => pem().trim()],
    ['JWK', () => JSON.stringify(rsa.jwk)],
    ['modulus', () => String(rsa.jwk.n)],
  ])('signed by HS256 with our public key (%s) for a secret is not valid', async (_what, secret) => {
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256', kid: rsa.kid })
      .sign(Buffer.from(secret()));
    await expect(check(token)).rejects.toMatchObject(NOT_VALID);
  });
  const pem = (): string =>
    createPublicKey({ key: rsa.jwk as never, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString();

  it.each([
    '../../../../dev/null',
    '/dev/null',
    "' or '1'='1",
    'key-RS256\0',
    '',
    '__proto__',
    'http://127.0.0.1:1/key',
    'x'.repeat(4000),
    0,
    null,
    { $ne: null },
    ['key-RS256'],
  ])('whose kid is %j finds no key that way', async (kid) => {
    const token = await signed(claims(), attacker, { kid });
    await expect(check(token)).rejects.toMatchObject(NOT_VALID);
  });

  it('brings no key of its own: jku, x5u, jwk and x5c are not looked at', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(JSON.stringify({ keys: [attacker.jwk] }));
    });
    const own = `http://127.0.0.1:${await listenAnywhere(server)}/jwks`;
    try {
      for (const brought of [
        { jku: own },
        { x5u: own },
        { jwk: attacker.jwk },
        { x5c: ['MIIB'], x5t: 'x' },
        { jku: own, x5u: own, jwk: attacker.jwk, kid: 'unknown' },
      ]) {
        await expect(check(await signed(claims(), attacker, brought))).rejects.toMatchObject(NOT_VALID);
        // The same headers on a token of ours change nothing either.
        const good = await signed(claims(), rsa, { ...brought, kid: rsa.kid });
        expect((await check(good)).actor.id).toBe('jane');
      }
      expect(asked).toEqual([]);
    } finally {
      server.close();
    }
  });
});
