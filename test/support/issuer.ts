import type { ServerResponse } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { startRefusableServer } from './refusableServer.ts';

/** A key pair that tokens are signed with. */
export type SigningKey = {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** The public part, as a key set publishes it. */
  readonly jwk: JWK;
};

export async function createSigningKey(kid: string, alg = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** What a stub answers instead of its documents. */
export type IssuerFault = (response: ServerResponse) => void;

/** An OpenID provider that really listens on 127.0.0.1. */
export type StubIssuer = {
  readonly url: string;
  readonly jwksUrl: string;
  /** The key set, as it is published from now on. */
  keys: readonly JWK[];
  /** What its discovery document says, with changes. */
  discovery: Readonly<Record<string, unknown>>;
  fault: IssuerFault | null;
  /** The paths that were asked for, in order. */
  readonly requests: string[];
  /** No connection is taken until `accept`. */
  readonly refuse: () => Promise<void>;
  readonly accept: () => Promise<void>;
};

export async function startStubIssuer(...keys: readonly SigningKey[]): Promise<StubIssuer> {
  const server = await startRefusableServer((request, _body, response) => {
    const path = request.url ?? '';
    issuer.requests.push(path);
    if (issuer.fault) return issuer.fault(response);
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': {
        issuer: issuer.url,
        jwks_uri: issuer.jwksUrl,
        ...issuer.discovery,
      },
      '/jwks': { keys: issuer.keys },
    };
    const document = documents[path];
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  const issuer: StubIssuer = {
    url: server.url,
    jwksUrl: `${server.url}/jwks`,
    keys: keys.map(({ jwk }) => jwk),
    discovery: {},
    fault: null,
    requests: [],
    refuse: server.refuse,
    accept: server.accept,
  };
  return issuer;
}

export const AUDIENCE = 'case-orchestrator';

/** Right or wrong. */
export type Claims = Record<string, unknown>;

/** Claims that are all right: of a person with the role OPS, for the next five minutes from `now` on. */
export const goodClaims = (issuer: string, now: Date = new Date()): Claims => ({
  iss: issuer,
  aud: AUDIENCE,
  sub: 'jane',
  roles: ['OPS'],
  iat: seconds(now),
  exp: seconds(now) + 300,
});

/** A signed token; `header` changes what the key says of itself. */
export const signed = (claims: Claims, key: SigningKey, header: Claims = {}): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey, { crit: { demanded: true } });

/** A token of these parts, signed by nobody. */
export const unsigned = (header: unknown, claims: unknown, signature = ''): string =>
  `${base64url(header)}.${base64url(claims)}.${signature}`;

export const seconds = (time: Date): number => Math.floor(time.getTime() / 1000);

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
