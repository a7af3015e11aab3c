import { createTokenCheck, type TokenCheckOptions } from '../../src/auth/checkToken.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { AUDIENCE, type StubIssuer } from '../support/issuer.ts';

/** A check of the stub's tokens that knows the roles OPS, AUDITOR and SUPERVISOR. */
export const checkOf = (
  issuer: Pick<StubIssuer, 'url'>,
  changes: Partial<TokenCheckOptions> = {},
): ReturnType<typeof createTokenCheck> =>
  createTokenCheck({
    issuer: issuer.url,
    audience: AUDIENCE,
    jwksUrl: undefined,
    rolesClaim: 'roles',
    roleScopes: new Map([
      ['OPS', ['read', 'submit']],
      ['AUDITOR', ['read', 'metrics']],
    ]),
    knownRoles: ['OPS', 'SUPERVISOR'],
    clock: systemClock,
    ...changes,
  });

/** What a refusal of a token looks like. */
export const refusedAs = (message: string) => ({ code: 'CREDENTIALS_REFUSED', missing: false, message });
