import type { Actor } from './events.ts';

/** Who acts when the service does something of its own accord. */
export const ORCHESTRATOR: Actor = { kind: 'system', id: 'orchestrator', roles: [], authMethod: 'internal' };
