import type { Clock } from '../runtime/clock.ts';
import { looksLikeApiKey } from './apiKey.ts';
import type { Caller } from './caller.ts';
import { createApiKeyCheck } from './checkApiKey.ts';
import { createTokenCheck } from './checkToken.ts';
import { CredentialsRefusedError } from './errors.ts';
import type { ApiKeyFinder } from './port.ts';
import type { AuthenticationSettings } from './settings.ts';

/**
 * Who sends a request, by its Authorization header (undefined where there is none).
 *
 * @throws CredentialsRefusedError; AuthenticationUnavailableError; what looking up a key throws
 */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** More than any key or token needs. */
const MAX_CHARACTERS = 8 * 1024;
const HOW = 'send the header `Authorization: Bearer` with one API key or token';

export type AuthenticationParts = {
  readonly keys: ApiKeyFinder;
  /** The roles that the policy names. */
  readonly knownRoles: readonly string[];
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
};

/** Puts together how callers are authenticated; null where nobody is asked. */
export function createAuthenticate(
  settings: AuthenticationSettings,
  { keys, knownRoles, clock }: AuthenticationParts,
): Authenticate | null {
  const { AUTHENTICATION, OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = settings;
  if (AUTHENTICATION.length === 0) return null;
  const byKey = AUTHENTICATION.includes('keys') ? createApiKeyCheck(keys, clock) : null;
  const byToken =
    AUTHENTICATION.includes('oidc') && issuer !== undefined && audience !== undefined
      ? createTokenCheck({
          issuer,
          audience,
          jwksUrl: settings.OIDC_JWKS_URL,
          rolesClaim: settings.OIDC_ROLES_CLAIM,
          roleScopes: settings.OIDC_ROLE_SCOPES,
          knownRoles,
          clock,
        })
      : null;
  return async (authorization) => {
    const text = bearerOf(authorization);
    const check = looksLikeApiKey(text) ? byKey : byToken;
    if (!check) throw new CredentialsRefusedError(`${HOW} of a kind that this service takes`);
    return check(text);
  };
}

/** The key or token of an Authorization header (RFC 6750, section 2.1). */
function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined) throw new CredentialsRefusedError(HOW, true);
  if (authorization.length > MAX_CHARACTERS) {
    throw new CredentialsRefusedError(`the key or token is longer than ${MAX_CHARACTERS} characters`);
  }
  const text = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
  if (text === undefined) throw new CredentialsRefusedError(HOW);
  return text;
}
