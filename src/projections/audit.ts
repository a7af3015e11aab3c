import { isTaskEvent } from '../domain/events.ts';
import { caseIdOfStream } from '../domain/identifiers.ts';
import { RECEIVED, standingAfter } from '../domain/standing.ts';
import type { Outcome, TaskStatus } from '../domain/vocabulary.ts';
import { existing, type Projection } from './projection.ts';

export type AuditRow = {
  readonly task_id: string;
  readonly case_id: string;
  /** Who submitted the task. */
  readonly actor_id: string;
  readonly status: TaskStatus;
  readonly attempts: number;
  readonly succeeded: boolean;
  readonly intent: string | null;
  readonly route_target: string | null;
  readonly confidence: number | null;
  /** Null until the task is settled; a row is an entry of the audit log from then on. */
  readonly outcome: Outcome | null;
  /** The event that settled the task: its id, time and position. */
  readonly event_id: string | null;
  readonly settled_at: string | null;
  readonly settled_position: number | null;
};

/** The audit log: what became of each task, settled once. */
export const auditProjection: Projection<AuditRow> = {
  table: 'audit_log',
  key: 'task_id',
  columns: {
    task_id: 'text',
    case_id: 'text',
    actor_id: 'text',
    status: 'text',
    attempts: 'integer',
    succeeded: 'boolean',
    intent: 'text',
    route_target: 'text',
    confidence: 'double precision',
    outcome: 'text',
    event_id: 'text',
    settled_at: 'text',
    settled_position: 'bigint',
  },
  indexes: ['settled_position', 'case_id, settled_position'],
  keyOf: (event) => (isTaskEvent(event) ? event.data.taskId : null),
  evolve: (row, event) => {
    if (event.type === 'TaskReceived') {
      return {
        task_id: event.data.taskId,
        case_id: caseIdOfStream(event.stream) ?? '',
        actor_id: event.metadata.actor.id,
        ...RECEIVED,
        intent: null,
        route_target: null,
        confidence: null,
        event_id: null,
        settled_at: null,
        settled_position: null,
      };
    }
    const before = existing(row, event);
    if (!isTaskEvent(event)) return before;
    const after = { ...before, ...standingAfter(before, event) };
    if (event.type === 'DecisionRecommended') {
      const { intent, routeTarget, confidence } = event.data.decision;
      return { ...after, intent, route_target: routeTarget, confidence };
    }
    if (before.outcome !== null || after.outcome === null) return after;
    return {
      ...after,
      event_id: event.id,
      settled_at: event.metadata.recordedAt,
      settled_position: Number(event.position),
    };
  },
};
