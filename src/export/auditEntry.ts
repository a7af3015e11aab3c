import type { Outcome } from '../domain/vocabulary.ts';
import type { AuditRow } from '../projections/audit.ts';

/** An entry of the audit log, as the API and every export tell it. No personal text is in it. */
export type AuditEntry = {
  /** Id of the event that settled the task. */
  readonly id: string;
  readonly caseId: string;
  readonly taskId: string;
  readonly outcome: Outcome;
  readonly intent: string | null;
  readonly routeTarget: string | null;
  readonly confidence: number | null;
  /** Who submitted the task. */
  readonly actor: string;
  /** When it was settled: ISO 8601, UTC. */
  readonly createdAt: string;
};

/** The columns of an export, in order. */
export const AUDIT_COLUMNS = [
  'id',
  'caseId',
  'taskId',
  'outcome',
  'intent',
  'routeTarget',
  'confidence',
  'actor',
  'createdAt',
] as const satisfies readonly (keyof AuditEntry)[];

/** The entry that the row of a settled task is. Throws Error for one that is not settled. */
export function auditEntry(row: AuditRow): AuditEntry {
  const { event_id: id, outcome, settled_at: createdAt } = row;
  if (id === null || outcome === null || createdAt === null)
    throw new Error(`task ${row.task_id} is not settled: it is no entry of the audit log`);
  return {
    id,
    caseId: row.case_id,
    taskId: row.task_id,
    outcome,
    intent: row.intent,
    routeTarget: row.route_target,
    confidence: row.confidence,
    actor: row.actor_id,
    createdAt,
  };
}
