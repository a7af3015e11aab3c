import type {
  ActionExecuted,
  ActionOutcomeResolved,
  ActionStarted,
  CaseEvent,
  Recorded,
} from '../domain/events.ts';
import type { AttemptResult } from '../domain/vocabulary.ts';
import type { Findings } from './findings.ts';

type Tried = {
  readonly data: ActionStarted['data'];
  /** What is known of it by now; null while it is open. */
  result: AttemptResult | null;
};
type Ledger = { readonly tried: Map<string, Tried[]>; open: Tried | null };

/**
 * Rule 5, kept as a ledger of its own and not from the fold: at most one action of a case is open; attempts are numbered without gaps;
 * an action has one idempotency key, which no other has; nothing is tried again while an attempt before it is unknown, unless both were
 * declared idempotent. A lookup or a person that says FAILED ends what is unknown.
 *
 * @param events of one case by revision; undefined where one cannot be read
 */
export function verifyActions(
  events: readonly (Recorded<CaseEvent> | undefined)[],
  findings: Findings,
): void {
  const ledger: Ledger = { tried: new Map(), open: null };
  for (const event of events) {
    const problem = event ? enter(ledger, event) : null;
    if (event && problem !== null) findings.mismatch('ACTION', event, problem);
  }
}

function enter(ledger: Ledger, { type, data }: CaseEvent): string | null {
  switch (type) {
    case 'ActionStarted':
      return start(ledger, data);
    case 'ActionExecuted':
      return end(ledger, data);
    case 'ActionOutcomeResolved':
      return learn(ledger, data);
    default:
      return null;
  }
}

function start(ledger: Ledger, data: ActionStarted['data']): string | null {
  const before = ledger.tried.get(data.taskId) ?? [];
  const problem = startProblem(ledger, data, before);
  const tried = { data, result: null };
  ledger.tried.set(data.taskId, [...before, tried]);
  ledger.open = tried;
  return problem;
}

function startProblem(
  { open, tried }: Ledger,
  data: ActionStarted['data'],
  before: readonly Tried[],
): string | null {
  if (open) return 'another action of the case is open';
  if (data.attempt !== before.length + 1) return `it is not attempt ${before.length + 1}`;
  for (const [taskId, attempts] of tried) {
    for (const { data: other } of attempts) {
      const isSame = other.actionId === data.actionId;
      if (isSame !== (other.idempotencyKey === data.idempotencyKey))
        return 'its idempotency key is not that of its action alone';
      if (isSame && taskId !== data.taskId) return 'its action is of another task';
    }
  }
  const unknown = before.filter(({ result }) => result === 'UNKNOWN');
  const mayRepeat = data.idempotent && unknown.every((attempt) => attempt.data.idempotent);
  return unknown.length > 0 && !mayRepeat ? 'an attempt before it is unknown, and may have done it' : null;
}

function end(ledger: Ledger, data: ActionExecuted['data']): string | null {
  const { open } = ledger;
  const isOfOpen =
    open?.data.taskId === data.taskId &&
    open.data.attempt === data.attempt &&
    open.data.actionId === data.actionId;
  if (!open || !isOfOpen) return 'it is the result of no open action';
  open.result = data.result;
  ledger.open = null;
  return null;
}

function learn({ tried }: Ledger, data: ActionOutcomeResolved['data']): string | null {
  const attempt = (tried.get(data.taskId) ?? []).find((each) => each.data.attempt === data.attempt);
  if (attempt?.data.actionId !== data.actionId || attempt.result === null)
    return 'it tells of an attempt that was not made, or is open';
  attempt.result = data.result;
  return null;
}
