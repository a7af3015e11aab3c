import { type CaseEvent, isTaskEvent, type Recorded } from '../domain/events.ts';
import { caseIdOfStream } from '../domain/identifiers.ts';
import { existing, type Projection } from './projection.ts';

export type ReviewRow = {
  readonly task_id: string;
  readonly case_id: string;
  /** NONE until the task is routed to manual, then OPEN until somebody or something ends it. */
  readonly state: 'NONE' | 'OPEN' | 'CLOSED';
  readonly intent: string | null;
  readonly queue: string | null;
  readonly codes: readonly string[];
  readonly due_by: string | null;
  readonly routed_at: string | null;
  readonly routed_position: number | null;
};

/** The manual queue, to read. */
export const reviewsProjection: Projection<ReviewRow> = {
  table: 'reviews',
  key: 'task_id',
  columns: {
    task_id: 'text',
    case_id: 'text',
    state: 'text',
    intent: 'text',
    queue: 'text',
    codes: 'jsonb',
    due_by: 'text',
    routed_at: 'text',
    routed_position: 'bigint',
  },
  indexes: ['state, due_by, routed_position', 'state, queue, due_by, routed_position'],
  keyOf: (event) => (isTaskEvent(event) ? event.data.taskId : null),
  evolve: (row, event) =>
    event.type === 'TaskReceived' ? received(event) : changed(existing(row, event), event),
};

function received(event: Recorded<Extract<CaseEvent, { type: 'TaskReceived' }>>): ReviewRow {
  return {
    task_id: event.data.taskId,
    case_id: caseIdOfStream(event.stream) ?? '',
    state: 'NONE',
    intent: null,
    queue: null,
    codes: [],
    due_by: null,
    routed_at: null,
    routed_position: null,
  };
}

function changed(row: ReviewRow, event: Recorded<CaseEvent>): ReviewRow {
  switch (event.type) {
    case 'DecisionRecommended':
      return { ...row, intent: event.data.decision.intent };
    case 'RoutedToManual':
      return {
        ...row,
        state: 'OPEN',
        queue: event.data.queue,
        codes: event.data.codes,
        due_by: event.data.dueBy,
        routed_at: event.metadata.recordedAt,
        routed_position: Number(event.position),
      };
    case 'ActionOutcomeResolved':
      return event.data.result === 'SUCCEEDED' ? ended(row) : row;
    case 'TaskCancelled':
      return ended(row);
    default:
      return row;
  }
}

/** Nobody needs to look at it any more. */
const ended = (row: ReviewRow): ReviewRow => ({ ...row, state: row.state === 'OPEN' ? 'CLOSED' : row.state });
