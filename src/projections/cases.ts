import { healthAfter } from '../domain/case.ts';
import type { AttributeValue, CaseEvent, Recorded } from '../domain/events.ts';
import { caseIdOfStream } from '../domain/identifiers.ts';
import type { CaseState, Priority } from '../domain/vocabulary.ts';
import { existing, type Projection } from './projection.ts';

export type CaseRow = {
  readonly case_id: string;
  readonly state: CaseState;
  readonly priority: Priority;
  readonly retry_count: number;
  readonly last_error_type: string | null;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** When its key was destroyed on purpose; null where it was not. */
  readonly erased_at: string | null;
  readonly opened_at: string;
  readonly updated_at: string;
  readonly revision: number;
  readonly position: number;
  /** Position of CaseOpened: the order in which cases are listed. */
  readonly opened_position: number;
};

/** Cases as they stand, one row a case. */
export const casesProjection: Projection<CaseRow> = {
  table: 'cases',
  key: 'case_id',
  columns: {
    case_id: 'text',
    state: 'text',
    priority: 'text',
    retry_count: 'integer',
    last_error_type: 'text',
    attributes: 'jsonb',
    erased_at: 'text',
    opened_at: 'text',
    updated_at: 'text',
    revision: 'bigint',
    position: 'bigint',
    opened_position: 'bigint',
  },
  indexes: ['opened_position', 'state, opened_position'],
  keyOf: (event) => caseIdOfStream(event.stream),
  evolve: (row, event) => ({
    ...(event.type === 'CaseOpened' ? opened(event) : changed(existing(row, event), event)),
    updated_at: event.metadata.recordedAt,
    revision: event.revision,
    position: Number(event.position),
  }),
};

function opened(event: Recorded<Extract<CaseEvent, { type: 'CaseOpened' }>>): CaseRow {
  const { priority, retryCount, lastErrorType, attributes } = event.data;
  return {
    case_id: caseIdOfStream(event.stream) ?? '',
    state: 'OPEN',
    priority,
    retry_count: retryCount,
    last_error_type: lastErrorType,
    attributes,
    erased_at: null,
    opened_at: event.metadata.recordedAt,
    updated_at: event.metadata.recordedAt,
    revision: event.revision,
    position: Number(event.position),
    opened_position: Number(event.position),
  };
}

function changed(row: CaseRow, event: Recorded<CaseEvent>): CaseRow {
  if (event.type === 'CaseErased') return { ...row, erased_at: event.metadata.recordedAt };
  if (event.type === 'CaseStateChanged') return { ...row, state: event.data.to };
  const before = { retryCount: row.retry_count, lastErrorType: row.last_error_type };
  const { retryCount, lastErrorType } = healthAfter(before, event);
  return { ...row, retry_count: retryCount, last_error_type: lastErrorType };
}
