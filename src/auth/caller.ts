import type { Actor } from '../domain/events.ts';

/** Groups of routes that a caller may be let at; src/api/permissions.ts says which route is in which. */
export const SCOPES = ['read', 'submit', 'cases', 'review', 'operate', 'erase', 'metrics'] as const;

export type Scope = (typeof SCOPES)[number];

/** Whether a text is the name of a scope. */
export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text);

/** Who sends a request, as authentication says, and what that caller may do here. */
export type Caller = { readonly actor: Actor; readonly scopes: readonly Scope[] };

/** Ids of actors that are nobody's: events of the service itself, of its commands and of unauthenticated callers carry them. */
const RESERVED_IDS: readonly string[] = ['anonymous', 'orchestrator', 'erase-command'];

/** Whether an authenticated actor may have this id: 1 to 255 visible ASCII characters, spaces inside, and not reserved. */
export const isActorId = (id: string): boolean =>
  /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(id) && !RESERVED_IDS.includes(id);
