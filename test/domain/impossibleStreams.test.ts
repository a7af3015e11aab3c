import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import {
  cancelled,
  caseAfter,
  evaluated,
  executed,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  stateChanged,
  uuid,
} from '../support/builders.ts';
import { given } from './specification.ts';
import { blind, refused, upTo } from './stages.ts';

type Row = readonly [what: string, before: readonly CaseEvent[], event: CaseEvent];

/** Each of these events is refused with this message, although everything before it can be. */
function refuses(group: string, message: RegExp, rows: readonly Row[]): void {
  describe(group, () => {
    it.each<Row>(rows)('%s', (_, before, event) => {
      expect(() => caseAfter(before)).not.toThrow();
      given(...before)
        .whenFolding(event)
        .thenFails(message);
    });
  });
}

const open = (...events: readonly CaseEvent[]): readonly CaseEvent[] => [opened(), ...events];
const second = [permitted(1, 2), started(1, 2)];
const inVain = resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' });

describe('a stream cannot have', () => {
  refuses('anything twice or before the case is open', /CaseOpened/, [
    ['CaseOpened twice', open(), opened()],
    ['a change of state before CaseOpened', [], stateChanged('CLOSED')],
    ['a task before CaseOpened', [], received()],
  ]);

  refuses('what its task is not there for yet', /: its task is not there yet$/, [
    ['a decision', open(), recommended()],
    ['a verdict', open(), evaluated()],
    ['an action', open(), started()],
    ['a result', open(), executed('SUCCEEDED')],
    ['more of an attempt', open(), resolved('SUCCEEDED')],
    ['a pause', open(), retryScheduled()],
    ['routing', open(), routed(1, ['X'])],
    ['a cancellation', open(), cancelled()],
  ]);

  refuses('what its task is not decided for yet', /: its task is RECEIVED$/, [
    ['TaskReceived twice', open(...upTo.received), received()],
    ['a verdict', open(...upTo.received), evaluated()],
    ['an action', open(...upTo.received), started()],
    ['a result', open(...upTo.received), executed('SUCCEEDED')],
    ['more of an attempt', open(...upTo.received), resolved('SUCCEEDED')],
    ['a pause', open(...upTo.received), retryScheduled(1, 1)],
    ['routing', open(...upTo.received), routed(1, ['X'])],
  ]);

  refuses('while an attempt is open', /: its task is EXECUTING$/, [
    ['a decision', open(...upTo.executing), recommended()],
    ['a verdict', open(...upTo.executing), evaluated()],
    ['a second open action of the same task', open(...upTo.executing), started(1, 2)],
    ['a pause', open(...upTo.executing), retryScheduled()],
    ['routing', open(...upTo.executing), routed(1, ['X'])],
    ['a cancellation', open(...upTo.executing), cancelled()],
  ]);

  refuses('after its end', /: its task is (COMPLETED|CANCELLED|IN_REVIEW)$/, [
    ['a decision for a task in review', open(...upTo.inReview), recommended()],
    ['a verdict for a task in review', open(...upTo.inReview), evaluated()],
    ['an action of a task in review', open(...upTo.inReview), started()],
    ['a pause of a task in review', open(...upTo.inReview), retryScheduled(1, 1)],
    ['a decision for a cancelled task', open(...upTo.cancelled), recommended()],
    ['a pause of a cancelled task', open(...upTo.cancelled), retryScheduled(1, 1)],
    ['cancelling twice', open(...upTo.cancelled), cancelled()],
    ['an action of a completed task', open(...upTo.completed), started(1, 2)],
    ['a second result', open(...upTo.completed), executed('FAILED')],
    ['a pause of a completed task', open(...upTo.completed), retryScheduled()],
    ['routing of a completed task', open(...upTo.completed), routed(1, ['X'])],
    ['cancelling a completed task', open(...upTo.completed), cancelled()],
    [
      'a retry of what has turned out to be done',
      open(...upTo.unknown, retryScheduled(), resolved('SUCCEEDED')),
      evaluated(),
    ],
  ]);

  refuses('a result of no open attempt', /: its task is (DECIDED|OUTCOME_UNKNOWN)$|which is not open$/, [
    ['before any', open(...upTo.decided), executed('SUCCEEDED')],
    ['of another one', open(...upTo.executing), executed('SUCCEEDED', 1, 2)],
    ['of the one before', open(...upTo.failed, ...second), executed('SUCCEEDED')],
    ['of one that has failed', open(...upTo.failed), executed('SUCCEEDED')],
    ['of one that is unknown', open(...upTo.unknown), executed('SUCCEEDED')],
  ]);

  refuses('an action without permission', /: no verdict permits it$/, [
    ['without a verdict', open(...upTo.decided), started()],
    ['after a verdict that refused it', open(...upTo.decided, refused), started()],
    ['after a verdict about another attempt', open(...upTo.failed, evaluated()), started(1, 2)],
    ['by the verdict on the attempt before', open(...upTo.failed), started(1, 2)],
    ['by the verdict on an unknown attempt', open(...upTo.unknown), started(1, 2)],
    ['by the verdict before a pause', open(...upTo.failed, retryScheduled()), started(1, 2)],
  ]);

  refuses('a second open action of the case', /: a second open action|a second open action at/, [
    ['of another task', open(...upTo.executing, received(2), recommended(2), permitted(2)), started(2)],
  ]);

  refuses('an attempt out of turn', /: it is (not attempt 2|another action)$/, [
    ['that skips one', open(...upTo.failed, permitted(1, 3)), started(1, 3)],
    ['a second time', open(...upTo.failed, permitted(1, 1)), started(1, 1)],
    [
      'under another id',
      open(...upTo.failed, permitted(1, 2)),
      started(1, 2, { actionId: uuid(2), idempotencyKey: uuid(2) }),
    ],
  ]);

  refuses('a blind retry', /: an attempt before it is unknown, and its backend is not idempotent$/, [
    ['at once', open(...blind, permitted(1, 2)), started(1, 2, { idempotent: false })],
    ['after a lookup in vain', open(...blind, inVain, permitted(1, 2)), started(1, 2, { idempotent: false })],
    [
      'after a pause',
      open(...blind, retryScheduled(), permitted(1, 2)),
      started(1, 2, { idempotent: false }),
    ],
    ['also where it is declared idempotent now', open(...blind, permitted(1, 2)), started(1, 2)],
    [
      'also where it was declared idempotent then',
      open(...upTo.unknown, permitted(1, 2)),
      started(1, 2, { idempotent: false }),
    ],
    [
      'also where the unknown attempt is not the last',
      open(...upTo.unknown, ...second, executed('FAILED', 1, 2), permitted(1, 3)),
      started(1, 3, { idempotent: false }),
    ],
  ]);

  refuses('more of an attempt than can be', /of which it tells nothing new$/, [
    ['of one that was never made', open(...upTo.decided), resolved('SUCCEEDED')],
    ['of another one', open(...upTo.unknown), resolved('SUCCEEDED', 1, 2)],
    ['of an open one', open(...upTo.executing), resolved('SUCCEEDED')],
    ['of one that has failed', open(...upTo.failed), resolved('SUCCEEDED')],
    ['of one that has succeeded', open(...upTo.completed), resolved('FAILED')],
    ['of one that is known by now', open(...upTo.unknown, resolved('FAILED')), resolved('SUCCEEDED')],
    ['a second lookup in vain', open(...upTo.unknown, inVain), inVain],
    ['a success taken back', open(...upTo.unknown, resolved('SUCCEEDED')), resolved('FAILED')],
  ]);
});
