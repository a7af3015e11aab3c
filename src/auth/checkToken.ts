import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../runtime/clock.ts';
import { type Caller, isActorId, type Scope } from './caller.ts';
import { AuthenticationUnavailableError, CredentialsRefusedError } from './errors.ts';
import { createIssuerKeys } from './issuerKeys.ts';

/** Signatures by a key pair alone: with a shared secret among them, a public key could pass for one (RFC 8725, section 2.1). */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** How far the clocks of issuer and service may be apart. */
const CLOCK_SKEW_SECONDS = 30;
const REQUIRED_CLAIMS = ['iss', 'aud', 'exp', 'sub'];

export type TokenCheckOptions = {
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer's keys are; undefined to ask the issuer. */
  readonly jwksUrl: string | undefined;
  /** Path of the claim that holds the roles; dots lead into objects. */
  readonly rolesClaim: string;
  /** What each role lets at. */
  readonly roleScopes: ReadonlyMap<string, readonly Scope[]>;
  /** Further roles that mean something here. Others are left out: groups of a person are none of an event's business. */
  readonly knownRoles: readonly string[];
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
};

/**
 * Makes the check of a bearer token that an OpenID provider has signed (JWT, RFC 7519; as RFC 8725 advises).
 *
 * @returns who the token is about; the function throws CredentialsRefusedError, or AuthenticationUnavailableError
 */
export function createTokenCheck(options: TokenCheckOptions): (token: string) => Promise<Caller> {
  const { issuer, audience, clock } = options;
  const keys = createIssuerKeys(issuer, options.jwksUrl, clock);
  return async (token) => {
    const verified = jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      clockTolerance: CLOCK_SKEW_SECONDS,
      requiredClaims: REQUIRED_CLAIMS,
      currentDate: new Date(clock.now()),
    });
    // Never the library's own error: it carries the claims.
    const { payload } = await verified.catch((error: unknown) => {
      throw refusalOf(error);
    });
    return callerOf(payload, options);
  };
}

function callerOf(claims: JWTPayload, options: TokenCheckOptions): Caller {
  const { sub: id } = claims;
  if (typeof id !== 'string' || !isActorId(id)) {
    throw new CredentialsRefusedError('the claim sub of the token cannot be used as the id of an actor');
  }
  const { roleScopes, knownRoles } = options;
  const roles = [...new Set(rolesIn(claims, options.rolesClaim))].filter(
    (role) => roleScopes.has(role) || knownRoles.includes(role),
  );
  return {
    actor: { kind: 'person', id, roles, authMethod: 'oidc' },
    scopes: [...new Set(roles.flatMap((role) => roleScopes.get(role) ?? []))],
  };
}

/** The roles at a path: a list of texts, or one text with spaces between them. The whole path may be one name, as of a URL. */
function rolesIn(claims: JWTPayload, path: string): string[] {
  const value = Object.hasOwn(claims, path) ? claims[path] : path.split('.').reduce<unknown>(inside, claims);
  if (typeof value === 'string') return value.split(' ');
  return Array.isArray(value) ? value.filter((role) => typeof role === 'string') : [];
}

const inside = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

const NOT_VALID = 'the token is not valid';
const WRONG_CLAIM: Readonly<Record<string, string>> = {
  iss: 'the token is of another issuer',
  aud: 'the token is for another audience',
  nbf: 'the token is not valid yet',
};

/** What is wrong with a token, as far as its owner may know: claims are looked at only after the signature was found good. */
function refusalOf(error: unknown): Error {
  if (error instanceof AuthenticationUnavailableError) return error;
  if (error instanceof errors.JWTExpired) return new CredentialsRefusedError('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    const isMissing = reason === 'missing' && REQUIRED_CLAIMS.includes(claim);
    const message = isMissing ? `the token lacks the claim ${claim}` : (WRONG_CLAIM[claim] ?? NOT_VALID);
    return new CredentialsRefusedError(message);
  }
  const isIssuersFault = error instanceof errors.JWKSInvalid || error instanceof errors.JWKInvalid;
  if (error instanceof errors.JOSEError && !isIssuersFault) return new CredentialsRefusedError(NOT_VALID);
  // What is no error of the token's is one of the key that the issuer publishes for it.
  const name = error instanceof Error ? error.name : 'unknown';
  return new AuthenticationUnavailableError(`a key of the token issuer cannot be used: ${name}`);
}
