import { randomBytes } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { makeApiKey, type NewApiKey } from '../../src/auth/apiKey.ts';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import { createMemoryApiKeys } from '../../src/auth/memory.ts';
import type { ApiKeyStore } from '../../src/auth/port.ts';
import { readConfig } from '../../src/config.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createTestApp, type TestApp, type TestAppOptions } from '../support/app.ts';
import { policy } from '../support/builders.ts';
import {
  AUDIENCE,
  type Claims,
  createSigningKey,
  goodClaims,
  type StubIssuer,
  signed,
  startStubIssuer,
} from '../support/issuer.ts';

/** The service in memory that authenticates by keys and tokens, as it is configured by default. */
export type AuthenticatedApp = TestApp & {
  readonly keys: ApiKeyStore;
  readonly issuer: StubIssuer;
  /** Keeps a key, valid for a day, with all that is not said as of a caller that may do everything. */
  readonly makeKey: (
    properties?: Partial<NewApiKey>,
  ) => Promise<{ readonly id: string; readonly text: string }>;
  /** A good token of the issuer, with changes to its claims. */
  readonly tokenOf: (claims?: Claims) => Promise<string>;
  /** Calls with a key or token; a body makes it a POST. */
  readonly call: (
    credential: string | null,
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<LightMyRequestResponse>;
};

const DAY_MS = 86_400_000;
const EVERYTHING: NewApiKey['scopes'] = ['read', 'submit', 'cases', 'review', 'operate', 'erase', 'metrics'];

export async function createAuthenticatedApp(
  options: TestAppOptions = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<AuthenticatedApp> {
  const signingKey = await createSigningKey('one', 'ES256');
  const issuer = await startStubIssuer(signingKey);
  const keys = createMemoryApiKeys();
  const config = readConfig({
    AUTHENTICATION: 'keys,oidc',
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    ...environment,
  });
  const authenticate = createAuthenticate(config, { keys, knownRoles: policy.roles, clock: systemClock });
  if (!authenticate) throw new Error('nobody would be authenticated');
  const app = await createTestApp({ authenticate, ...options });
  return {
    ...app,
    keys,
    issuer,
    makeKey: async (properties = {}) => {
      const { text, key } = makeApiKey(
        {
          actor: 'crm',
          roles: ['OPS', 'SUPERVISOR', 'AGENT'],
          scopes: EVERYTHING,
          createdAt: systemClock.now(),
          expiresAt: new Date(Date.now() + DAY_MS).toISOString(),
          ...properties,
        },
        randomBytes,
      );
      await keys.add(key);
      return { id: key.id, text };
    },
    tokenOf: (claims = {}) => signed({ ...goodClaims(issuer.url), ...claims }, signingKey),
    call: (credential, url, body, headers = {}) => {
      const all = credential === null ? headers : { authorization: `Bearer ${credential}`, ...headers };
      return body === undefined ? app.send({ url, headers: all }) : app.post(url, body, all);
    },
    close: async () => {
      await app.close();
      await issuer.refuse();
    },
  };
}
