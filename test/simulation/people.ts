import type { Actor } from '../../src/domain/events.ts';

const person = (id: string, ...roles: string[]): Actor => ({ kind: 'person', id, roles, authMethod: 'oidc' });

/** Whoever is not known by name. */
export const ANYBODY: Actor = { kind: 'anonymous', id: 'anonymous', roles: [], authMethod: 'none' };
/** Sends tasks, and decides reviews as well. */
export const ANN = person('ann', 'OPS');
/** Whoever leads may take over what others have claimed. */
export const LEADER = 'LEAD';

/** Those who decide reviews, all but the last two with the role that may have something executed. */
export const REVIEWERS: readonly Actor[] = [
  ANN,
  person('ben', 'OPS'),
  person('cleo', 'OPS', LEADER),
  person('dan', 'OPS', 'AGENT'),
  person('eve', 'AGENT'),
  ANYBODY,
];
