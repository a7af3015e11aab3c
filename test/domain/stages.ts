import type { CaseEvent } from '../../src/domain/events.ts';
import {
  cancelled,
  evaluated,
  executed,
  facts,
  permitted,
  received,
  recommended,
  retryScheduled,
  routed,
  started,
} from '../support/builders.ts';

/** A verdict that sends task 1 to a person. */
export const refused = evaluated(1, facts({ decision: { confidence: 0.1 } }));
/** Events of task 1 up to where it stands so, without CaseOpened. */
export const upTo = {
  received: [received()],
  decided: [received(), recommended()],
  executing: [received(), recommended(), evaluated(), started()],
  failed: [received(), recommended(), evaluated(), started(), executed('FAILED')],
  unknown: [received(), recommended(), evaluated(), started(), executed('UNKNOWN')],
  completed: [received(), recommended(), evaluated(), started(), executed('SUCCEEDED')],
  scheduled: [received(), recommended(), evaluated(), started(), executed('FAILED'), retryScheduled()],
  waiting: [received(), recommended(), retryScheduled(1, 1, { reason: 'BACKEND_UNAVAILABLE' })],
  inReview: [received(), recommended(), refused, routed(1, ['CONFIDENCE_TOO_LOW'])],
  cancelled: [received(), cancelled()],
} satisfies Record<string, readonly CaseEvent[]>;

/** Attempt 1 is unknown, of a backend that is not idempotent: nothing may do it a second time. */
export const blind = [
  received(),
  recommended(),
  permitted(),
  started(1, 1, { idempotent: false, lookup: true }),
  executed('UNKNOWN'),
];
