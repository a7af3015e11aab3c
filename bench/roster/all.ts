import type { Contestant } from './contestant.ts';
import { OURS, OURS_TWICE } from './ours.ts';
import { DBOS, FLOOR, LANGGRAPH } from './peer.ts';
import { RESTATE } from './restate.ts';

/**
 * Who takes part. Temporal does not: its packages fetch the server from elsewhere when they are first used, and no registry package
 * holds it.
 */
export const CONTESTANTS: readonly Contestant[] = [OURS, OURS_TWICE, FLOOR, RESTATE, DBOS, LANGGRAPH];
