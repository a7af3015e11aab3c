import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import type { Projection, Row } from '../../src/projections/projection.ts';
import { CASE, later, opened, place, taskId } from '../support/builders.ts';

const record = (event: CaseEvent, index: number): Recorded<CaseEvent> =>
  ({
    ...event,
    ...place(index),
    stream: `case-${CASE}`,
    metadata: {
      actor: { kind: 'system', id: 'test', roles: [], authMethod: 'internal' },
      recordedAt: later(index),
    },
  }) as unknown as Recorded<CaseEvent>;

/** The rows of one read model after these events of one case, by key. The n-th event is recorded n milliseconds later. */
export function rowsAfter<R extends Row>(model: Projection<R>, events: readonly CaseEvent[]): Map<string, R> {
  const rows = new Map<string, R>();
  for (const event of events.map(record)) {
    const key = model.keyOf(event);
    if (key !== null) rows.set(key, model.evolve(rows.get(key), event));
  }
  return rows;
}

/** The row of the first task after these events, which follow on CaseOpened. */
export const rowAfter = <R extends Row>(
  model: Projection<R>,
  ...events: readonly CaseEvent[]
): R | undefined => rowsAfter(model, [opened(), ...events]).get(taskId());
