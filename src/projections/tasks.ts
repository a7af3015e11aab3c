import { type CaseEvent, isTaskEvent, type Recorded, type TaskEvent } from '../domain/events.ts';
import { caseIdOfStream } from '../domain/identifiers.ts';
import { shadowDifference } from '../domain/shadow.ts';
import { RECEIVED, standingAfter } from '../domain/standing.ts';
import {
  type DecisionSource,
  type Outcome,
  SHADOW_DIFFERENCES,
  type ShadowDifference,
  type TaskStatus,
} from '../domain/vocabulary.ts';
import { existing, type Projection } from './projection.ts';

export type TaskRow = {
  readonly task_id: string;
  readonly case_id: string;
  readonly status: TaskStatus;
  readonly outcome: Outcome | null;
  readonly attempts: number;
  readonly succeeded: boolean;
  /**
   * While its status is RETRY_SCHEDULED: when the next attempt is due. While it is IN_REVIEW: until when a person is to decide;
   * null when that has passed and is recorded.
   */
  readonly due_at: string | null;
  readonly channel: string;
  readonly user_role: string;
  readonly intent: string | null;
  readonly route_target: string | null;
  readonly confidence: number | null;
  readonly reason_code: string | null;
  readonly decision_source: DecisionSource | null;
  /** Hash of the newest shadow policy that was evaluated on this task; null where none was. */
  readonly shadow_policy: string | null;
  /** The most dangerous way in which that one has differed. */
  readonly shadow_difference: ShadowDifference | null;
  readonly received_at: string;
  readonly updated_at: string;
  readonly revision: number;
  readonly position: number;
  /** Position of TaskReceived: the order in which tasks are listed. */
  readonly received_position: number;
};

/** Tasks as they stand, one row a task. */
export const tasksProjection: Projection<TaskRow> = {
  table: 'tasks',
  key: 'task_id',
  columns: {
    task_id: 'text',
    case_id: 'text',
    status: 'text',
    outcome: 'text',
    attempts: 'integer',
    succeeded: 'boolean',
    due_at: 'text',
    channel: 'text',
    user_role: 'text',
    intent: 'text',
    route_target: 'text',
    confidence: 'double precision',
    reason_code: 'text',
    decision_source: 'text',
    shadow_policy: 'text',
    shadow_difference: 'text',
    received_at: 'text',
    updated_at: 'text',
    revision: 'bigint',
    position: 'bigint',
    received_position: 'bigint',
  },
  indexes: [
    'received_position',
    'status, received_position',
    'case_id, received_position',
    'status, due_at',
    'position',
    'shadow_policy, shadow_difference, received_position',
  ],
  keyOf: (event) => (isTaskEvent(event) ? event.data.taskId : null),
  evolve: (row, event) => {
    if (!isTaskEvent(event)) return existing(row, event);
    const before = event.type === 'TaskReceived' ? received(event) : existing(row, event);
    const standing = standingAfter(before, event);
    return {
      ...before,
      ...standing,
      ...decided(event),
      ...shadowed(before, event),
      due_at: dueAfter(before, standing.status, event),
      updated_at: event.metadata.recordedAt,
      revision: event.revision,
      position: Number(event.position),
    };
  },
};

function received(event: Recorded<Extract<CaseEvent, { type: 'TaskReceived' }>>): TaskRow {
  const { taskId, channel, userRole } = event.data;
  return {
    task_id: taskId,
    case_id: caseIdOfStream(event.stream) ?? '',
    ...RECEIVED,
    due_at: null,
    channel,
    user_role: userRole,
    intent: null,
    route_target: null,
    confidence: null,
    reason_code: null,
    decision_source: null,
    shadow_policy: null,
    shadow_difference: null,
    received_at: event.metadata.recordedAt,
    updated_at: event.metadata.recordedAt,
    revision: event.revision,
    position: Number(event.position),
    received_position: Number(event.position),
  };
}

function dueAfter(before: TaskRow, status: TaskStatus, event: TaskEvent): string | null {
  switch (event.type) {
    case 'RetryScheduled':
      return event.data.dueAt;
    case 'RoutedToManual':
      return event.data.dueBy;
    case 'ReviewOverdue':
      return event.data.escalatedTo?.dueBy ?? null;
    default:
      return status === before.status ? before.due_at : null;
  }
}

function decided(event: TaskEvent): Partial<TaskRow> {
  if (event.type !== 'DecisionRecommended') return {};
  const { decision, source } = event.data;
  return {
    intent: decision.intent,
    route_target: decision.routeTarget,
    confidence: decision.confidence,
    reason_code: decision.reasonCode,
    decision_source: source,
  };
}

/** One verdict may follow another that differed: it must not hide it. */
function shadowed(before: TaskRow, event: TaskEvent): Partial<TaskRow> {
  if (event.type !== 'GuardrailEvaluated' || event.data.shadow === null) return {};
  const { policyHash } = event.data.shadow;
  const known = before.shadow_policy === policyHash ? before.shadow_difference : null;
  const differences = [known, shadowDifference(event.data)];
  const worst = SHADOW_DIFFERENCES.findLast((difference) => differences.includes(difference));
  return { shadow_policy: policyHash, shadow_difference: worst ?? null };
}
