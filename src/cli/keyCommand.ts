import type { NewApiKey } from '../auth/apiKey.ts';
import { isActorId, isScope, SCOPES } from '../auth/caller.ts';
import { commaParts } from '../input.ts';

/** What `npm run keys` is asked to do. */
export type KeyCommand =
  | { readonly kind: 'create'; readonly properties: NewApiKey }
  | { readonly kind: 'list' }
  | { readonly kind: 'revoke'; readonly id: string };

type Values = Readonly<Partial<Record<'actor' | 'roles' | 'scopes' | 'expires', string>>>;
type Read = { readonly command: KeyCommand | null; readonly problems: readonly string[] };

const USAGE = [
  'usage: npm run keys -- create --actor ID --scopes A,B [--roles A,B] [--expires 90d]',
  '       npm run keys -- list',
  '       npm run keys -- revoke ID',
];
const HOUR_MS = 3_600_000;
const DEFAULT_EXPIRY = '90d';
const LONGEST_HOURS = 1_000 * 24;

/** Reads a command line; with problems, a line each, there is no command. `now` is ISO 8601. */
export function readKeyCommand(positionals: readonly string[], values: Values, now: string): Read {
  const [kind, id, ...rest] = positionals;
  const hasValues = Object.keys(values).length > 0;
  if (kind === 'create' && id === undefined) return readCreate(values, now);
  if (kind === 'list' && id === undefined && !hasValues) return command({ kind });
  if (kind === 'revoke' && id !== undefined && rest.length === 0 && !hasValues) {
    if (/^[0-9a-f]{16}$/.test(id)) return command({ kind, id });
    return { command: null, problems: ['revoke: takes the id of a key, 16 hexadecimal digits; see list'] };
  }
  return { command: null, problems: USAGE };
}

function readCreate({ actor = '', expires = DEFAULT_EXPIRY, ...values }: Values, now: string): Read {
  const roles = commaParts(values.roles ?? '');
  const scopes = commaParts(values.scopes ?? '');
  const hours = hoursOf(expires);
  const problems = [
    ...(isActorId(actor) && actor.length <= 64
      ? []
      : [
          '--actor: must be 1 to 64 visible ASCII characters, and not anonymous, orchestrator or erase-command',
        ]),
    ...(roles.every((role) => /^[A-Z][A-Z0-9_]{0,63}$/.test(role))
      ? []
      : ['--roles: must be roles of the policy, separated by commas, such as OPS,SUPERVISOR']),
    ...(scopes.length > 0 && scopes.every(isScope)
      ? []
      : [`--scopes: must be at least one of ${SCOPES.join(', ')}, separated by commas`]),
    ...(hours > 0 && hours <= LONGEST_HOURS
      ? []
      : ['--expires: must be hours or days such as 12h or 90d, at most 1000d']),
  ];
  if (problems.length > 0) return { command: null, problems };
  const properties = {
    actor,
    roles: [...new Set(roles)],
    scopes: [...new Set(scopes.filter(isScope))],
    createdAt: now,
    expiresAt: new Date(Date.parse(now) + hours * HOUR_MS).toISOString(),
  };
  return command({ kind: 'create', properties });
}

const command = (read: KeyCommand): Read => ({ command: read, problems: [] });

/** Hours that a text such as 12h or 90d means; 0 where it means nothing. */
function hoursOf(text: string): number {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  return Number(count ?? 0) * (unit === 'd' ? 24 : 1);
}
