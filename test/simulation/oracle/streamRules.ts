import { checkErasure } from './erasureRules.ts';
import { type Committed, type LedgerCase, mayHaveActed, openAttempts } from './ledger.ts';

/** Says that a rule is broken. */
export type Violate = (rule: string, what: string) => void;

export const placeOf = (event: Committed): string => `${event.type} at ${event.caseId}/${event.revision}`;

/** What holds between an event and the one before it in its stream. */
export function checkPlace(ledgerCase: LedgerCase, event: Committed, violate: Violate): void {
  const { last } = ledgerCase;
  if (event.revision !== ledgerCase.revision + 1) {
    violate('streams are legal', `${placeOf(event)} follows revision ${ledgerCase.revision}`);
  }
  if (event.metadata.prevHash !== (last?.metadata.hash ?? null)) {
    violate('chain is intact', `${placeOf(event)} does not link to the event before it`);
  }
  if (last && event.metadata.recordedAt < last.metadata.recordedAt) {
    violate(
      'recordedAt never goes back',
      `${placeOf(event)}: ${event.metadata.recordedAt} after ${last.metadata.recordedAt}`,
    );
  }
  if ((event.type === 'CaseOpened') !== (last === null)) {
    violate('streams are legal', `${placeOf(event)}: a case is opened once, first`);
  }
  checkErasure(ledgerCase, event, violate);
  checkVerdictBefore(last, event, violate);
}

/** A verdict and what follows from it are one append, and nothing starts without one (rule 2). */
function checkVerdictBefore(last: Committed | null, event: Committed, violate: Violate): void {
  const verdict = last?.type === 'GuardrailEvaluated' ? last : null;
  if (verdict && !isConsequence(verdict, event)) {
    violate('verdict and consequence are one append', `${placeOf(verdict)} is followed by ${event.type}`);
  }
  if (event.type === 'GuardrailEvaluated' && event.left === 0) {
    violate('verdict and consequence are one append', `${placeOf(event)} ends its append`);
  }
  if (event.type === 'ActionStarted' && !verdict) {
    violate('permission before start', `${placeOf(event)} has no verdict before it`);
  }
  checkApprovalBefore(last, event, violate);
}

/** An approval that takes effect and the verdict in the reviewer's name are one append, and neither is without the other. */
function checkApprovalBefore(last: Committed | null, event: Committed, violate: Violate): void {
  const isFinal = last?.type === 'ReviewDecided' && last.data.action !== null && !last.data.awaitsSecond;
  const isOfReviewer = event.type === 'GuardrailEvaluated' && event.data.authority.kind === 'reviewer';
  const isWhole = isFinal && isOfReviewer && event.append === last.append;
  if ((isFinal || isOfReviewer) && !isWhole)
    violate('approval and attempt are one append', `${placeOf(event)} after ${last?.type}`);
}

function isConsequence(
  verdict: Committed & { readonly type: 'GuardrailEvaluated' },
  event: Committed,
): boolean {
  const { taskId, attempt, verdict: kind } = verdict.data;
  if (event.append !== verdict.append) return false;
  if (event.type === 'ActionStarted') {
    const isSame = event.data.authority.kind === verdict.data.authority.kind;
    return kind === 'EXECUTE' && isSame && event.data.taskId === taskId && event.data.attempt === attempt;
  }
  return kind === 'ROUTE_TO_MANUAL' && event.type === 'RoutedToManual' && event.data.taskId === taskId;
}

/** What holds of a case after every event of its stream. */
export function checkCase(ledgerCase: LedgerCase, event: Committed, violate: Violate): void {
  const open = openAttempts(ledgerCase);
  if (open.length > 1) violate('one open action per case', `${placeOf(event)} leaves ${open.length} open`);
  if (event.left > 0 || event.type === 'ActionStarted') return;
  checkClosed(ledgerCase, event, violate);
}

/** Closing cancels in the same append whatever is not over, unless nobody can say yet that nothing was done. */
function checkClosed(ledgerCase: LedgerCase, event: Committed, violate: Violate): void {
  const isClosing =
    (event.type === 'CaseStateChanged' && event.data.to === 'CLOSED') || event.type === 'TaskCancelled';
  if (!isClosing) return;
  for (const task of ledgerCase.tasks.values()) {
    if (['COMPLETED', 'REJECTED', 'CANCELLED'].includes(task.status) || mayHaveActed(task)) continue;
    violate('closing cancels what is not over', `${placeOf(event)} leaves ${task.taskId} ${task.status}`);
  }
}
