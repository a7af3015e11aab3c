import { isIP } from 'node:net';
import { z } from 'zod';
import { commaParts } from '../input.ts';
import { isLoopback } from '../loopback.ts';
import { isScope, SCOPES, type Scope } from './caller.ts';

/** Ways in which callers prove who they are. */
const METHODS = ['keys', 'oidc'] as const;
export type AuthenticationMethod = (typeof METHODS)[number];

const isMethod = (text: string): text is AuthenticationMethod =>
  (METHODS as readonly string[]).includes(text);

/** An address that can be trusted to lead to who it names: https, or this machine itself. */
export function isTrustworthyUrl(text: string): boolean {
  const { protocol, hostname, username, password } = URL.parse(text) ?? {};
  if (hostname === undefined || `${username}${password}` !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replaceAll(/^\[|\]$/g, '')));
}

const TRUSTWORTHY = 'must be an https URL without user and password; http is for loopback hosts only';

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && +bits <= most));
};

const DEFAULT_ROLE_SCOPES =
  'AGENT=read+submit+cases,OPS=read+submit+cases+review,SUPERVISOR=read+submit+cases+review+operate+metrics,AUDITOR=read';

/** The scopes of each role, from `ROLE=scope+scope,ROLE=scope`; null where the text is not that. */
function parseRoleScopes(text: string): ReadonlyMap<string, readonly Scope[]> | null {
  const entries = commaParts(text).map((entry) => {
    const [, role = '', scopes = ''] = /^([A-Za-z0-9_.:-]{1,64})=([a-z+]+)$/.exec(entry) ?? [];
    return [role, scopes.split('+')] as const;
  });
  const isGood = entries.every(([role, scopes]) => role !== '' && scopes.every(isScope));
  const roles = new Map(entries.map(([role, scopes]) => [role, scopes.filter(isScope)]));
  return isGood && roles.size === entries.length ? roles : null;
}

/** Environment variables about who may call; part of the environment's schema. */
export const authenticationVariables = {
  AUTHENTICATION: z
    .string()
    .default('')
    .refine((text) => commaParts(text).every(isMethod), 'must be keys, oidc, or both, separated by a comma')
    .transform((text) => [...new Set(commaParts(text).filter(isMethod))])
    .describe(
      'How callers prove who they are: `keys` (API keys, made by `npm run keys`), `oidc` (tokens of an OpenID provider), or both, separated by a comma; without it nobody is asked',
    ),
  OIDC_ISSUER: z
    .string()
    .refine(
      (text) => isTrustworthyUrl(text) && !/[?#]/.test(text),
      `${TRUSTWORTHY}, and no query or fragment`,
    )
    .optional()
    .describe('The OpenID provider, letter for letter as the claim `iss` of its tokens names it'),
  OIDC_AUDIENCE: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be one word of visible ASCII characters')
    .optional()
    .describe('What the claim `aud` of a token must name, so that tokens for other services are refused'),
  OIDC_JWKS_URL: z.string().refine(isTrustworthyUrl, TRUSTWORTHY).optional().meta({
    description: "Where the provider's public keys are",
    defaultRule: 'what the provider’s `/.well-known/openid-configuration` says',
  }),
  OIDC_ROLES_CLAIM: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be one word of visible ASCII characters')
    .default('roles')
    .describe('The claim of a token that holds its roles; dots lead into objects (`realm_access.roles`)'),
  OIDC_ROLE_SCOPES: z
    .string()
    .default(DEFAULT_ROLE_SCOPES)
    .refine(
      (text) => parseRoleScopes(text) !== null,
      `must be entries ROLE=scope+scope, separated by commas, each role once, scopes out of ${SCOPES.join(', ')}`,
    )
    .transform((text) => parseRoleScopes(text) ?? new Map<string, readonly Scope[]>())
    .describe('What each role of a token lets at; the scopes are told in docs/security.md'),
  RATE_LIMIT_PER_MINUTE: z
    .string()
    .regex(/^\d{1,7}$/, 'must be a whole number of at most seven digits; 0 for no limit')
    .transform(Number)
    .optional()
    .meta({
      description:
        'Requests that one actor may send in a minute, to each process; an address may send five times as many, or this many where nobody is authenticated. 0: no limit',
      defaultRule: '1200; 0 on loopback without AUTHENTICATION',
    }),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .refine(
      (text) => commaParts(text).every(isNetwork),
      'must be IP addresses or networks such as 10.0.0.0/8, separated by commas',
    )
    .transform(commaParts)
    .describe('Addresses of proxies whose X-Forwarded-For is believed, for the limit per address'),
};

/** What the environment says about who may call. */
export type AuthenticationSettings = z.infer<z.ZodObject<typeof authenticationVariables>>;

/** What of it does not go together, a line each. */
export function authenticationProblems(
  settings: AuthenticationSettings & { readonly ALLOW_UNAUTHENTICATED: boolean },
): string[] {
  const { AUTHENTICATION: methods, ALLOW_UNAUTHENTICATED } = settings;
  const withOidc = methods.includes('oidc');
  const problems: string[] = [];
  if (methods.length > 0 && ALLOW_UNAUTHENTICATED) {
    problems.push('ALLOW_UNAUTHENTICATED: is true, but AUTHENTICATION is set; unset one of them');
  }
  for (const name of ['OIDC_ISSUER', 'OIDC_AUDIENCE'] as const) {
    if (withOidc && settings[name] === undefined) {
      problems.push(`${name}: is missing, but AUTHENTICATION=oidc needs it`);
    }
  }
  for (const name of ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_JWKS_URL'] as const) {
    if (!withOidc && settings[name] !== undefined) {
      problems.push(`${name}: is set, but AUTHENTICATION does not name oidc; unset one or set the other`);
    }
  }
  return problems;
}
