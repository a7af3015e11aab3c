import type { AutomationChanged } from '../../../src/commands/automation.ts';
import type { CaseChanged } from '../../../src/commands/changeCase.ts';
import type { SubmittedTask } from '../../../src/commands/submitTask.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import type { ChangePlan, OrderPlan, TaskPlan } from '../scenario.ts';
import type { World } from '../world.ts';
import type { Book } from './book.ts';
import type { LedgerTask } from './ledger.ts';

/** Holds what clients were told against the log, then and ever after. */
export type AnswerRules = {
  readonly answered: (plan: TaskPlan, answer: SubmittedTask) => void;
  /** A key was used for something else, and the answer was not a refusal. */
  readonly clashed: (plan: TaskPlan) => void;
  /** A change that was answered, with the revision that its client had seen. */
  readonly changed: (plan: ChangePlan, seen: number, answer: CaseChanged) => void;
  /** A pause or resume with a key that was answered, and what its late repeat was answered. */
  readonly ordered: (plan: OrderPlan, first: AutomationChanged, late: AutomationChanged) => void;
  /** At the end of a run: what was told is still so. */
  readonly check: () => void;
};

type Told = { readonly taskId: string; readonly outcome: string | null; readonly decision: string | null };

export function createAnswerRules({ violate, count }: World, book: Book): AnswerRules {
  const told: Told[] = [];
  const check = ({ taskId, outcome, decision }: Told): void => {
    const task = book.task(taskId);
    if (!task) {
      violate('accepted is recorded', `${taskId} was accepted, and is not in the log`);
      return;
    }
    if (outcome !== null && task.outcome !== outcome) {
      violate('an answer stays', `${taskId}: ${outcome} was told, now it is ${task.outcome}`);
    }
    if (decision !== null && decisionOf(task) !== decision)
      violate('an answer stays', `${taskId}: another decision`);
  };
  return {
    answered: (_plan, { task: { taskId, outcome, decision }, replayed }) => {
      if (replayed) count('client/repeat');
      const one = { taskId, outcome, decision: decision && canonicalJson(decision) };
      count(outcome === null ? 'client/accepted' : 'client/outcome');
      told.push(one);
      check(one);
    },
    clashed: ({ description }) => violate('a key is used for one thing', description),
    changed: ({ caseId, to }, seen, { revision, position }) => {
      count(`change/${to}`);
      const events = book.cases.get(caseId)?.events ?? [];
      const [last, first] = [events[revision], events[seen + 1]];
      const isThere = last !== undefined && last.position === position;
      const isAsAsked =
        to === 'NOTE'
          ? last?.type === 'CaseNoteAdded'
          : first?.type === 'CaseStateChanged' && first.data.to === to;
      if (!isThere || !isAsAsked)
        violate('changed at the revision that was seen', `${caseId} at ${seen} to ${to}`);
    },
    ordered: ({ verb, sentKey }, first, late) => {
      if (late.replayed && textOf(late) === textOf(first)) return;
      violate('an answer stays', `${verb} ${sentKey}: ${textOf(first)} was told, then ${textOf(late)}`);
    },
    check: () => {
      for (const one of told) check(one);
    },
  };
}

const textOf = ({ answer: { pauses, revision, position } }: AutomationChanged): string =>
  canonicalJson({ pauses, revision, position: String(position) });

const decisionOf = ({ decision }: LedgerTask): string | null => decision && canonicalJson(decision);
