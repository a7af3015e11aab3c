import { lastAttempt } from '../../src/domain/attempts.ts';
import type { Case } from '../../src/domain/case.ts';
import { addNote, changeState, type Decided, receiveTask } from '../../src/domain/decide.ts';
import type { Actor, CommandKey, ReviewedAction } from '../../src/domain/events.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import { claimReview, releaseReview } from '../../src/domain/reviewClaims.ts';
import { decideReview, type ReviewDecision, recordOutcome } from '../../src/domain/reviewDecisions.ts';
import { reviewed, reviewedHash } from '../../src/domain/reviewed.ts';
import type { Task } from '../../src/domain/task.ts';
import type { JudgeContext } from '../../src/domain/verdicts.ts';
import { calm, executed, received, recommended, resolved, taskId } from '../support/builders.ts';
import type { Content, FirstApproval, Holder } from './reviewContent.ts';
import {
  PLAYBOOKS,
  POLICIES,
  REVIEWERS,
  type ReviewHappening,
  SUBMITTER,
  TASKS,
} from './reviewHappenings.ts';
import { createReviewLedger, outcomeOf } from './reviewLedger.ts';

/** What somebody has read of a task. */
export type View = {
  readonly hash: string;
  readonly revision: number;
  readonly recommended: ReviewedAction;
  readonly content: Content;
};
type Asked = {
  readonly n: number;
  readonly by: Actor;
  readonly asked: ReviewDecision;
  readonly view: View;
  readonly command: CommandKey | null;
};
/** One try to decide, with all that was so just before it. */
export type Try = Asked & {
  readonly task: Task;
  readonly current: Case;
  readonly hash: string;
  readonly content: Content;
  readonly holder: Holder | null;
  readonly first: FirstApproval | null;
  readonly context: JudgeContext;
  readonly outcome: Decided | RefusedError;
};

const REASONS = {
  APPROVED: 'CONFIRMED',
  EDITED: 'CORRECTED',
  REJECTED: 'NOT_JUSTIFIED',
  INFO_REQUESTED: 'MORE_INFORMATION_NEEDED',
};
type Of<Kind extends ReviewHappening['kind']> = Extract<ReviewHappening, { kind: Kind }>;

/** What is asked for in a decision on something that was read. */
function askedBy(
  { resolution, action, overrides }: Of<'decide'>,
  view: View,
  { policy }: JudgeContext,
): ReviewDecision {
  const approves = resolution === 'APPROVED' || resolution === 'EDITED';
  const overridable = policy.guardrails.filter((rule) => rule.overridable).map(({ name }) => name);
  return {
    resolution,
    reasonCode: REASONS[resolution],
    note: null,
    reviewedHash: view.hash,
    reviewedRevision: view.revision,
    overrides: approves && overrides ? overridable : [],
    action: resolution === 'EDITED' ? action : null,
  };
}

/**
 * A walk of reviewers, backends and operators through the pure part of the system.
 *
 * @param shadow a candidate beside every policy; none without it
 */
export function createReviewWalk(shadow: Policy | null = null) {
  const ledger = createReviewLedger(shadow);
  const { bring, command, change, context, current } = ledger;
  const views = new Map<number, View[]>();
  const tries: Try[] = [];

  const reviewOf = (n: number): Task | null => {
    const task = current().tasks.get(taskId(n));
    return task?.review ? task : null;
  };
  const claim = (n: number, by: Actor, takeover: boolean): void =>
    command(by, ({ now, policy }) =>
      claimReview(current(), taskId(n), takeover, { reviewer: by, now, command: null }, policy),
    );
  const read = (n: number): void => {
    const [task, using] = [reviewOf(n), context()];
    if (!task?.decision) return;
    const { intent, routeTarget } = task.decision;
    const view = {
      hash: reviewedHash(reviewed(current(), task, using)),
      revision: current().revision,
      recommended: { intent, routeTarget },
      content: ledger.known(n, using).content,
    };
    views.set(n, [view, ...(views.get(n) ?? [])]);
  };
  const viewOf = (n: number, pick: number): View | undefined => {
    const all = views.get(n) ?? [];
    return all[Math.min(pick, all.length - 1)];
  };
  const tryTo = (what: Asked): void => {
    const { n, by, asked } = what;
    const [task, using] = [reviewOf(n), context()];
    if (!task) return;
    const hash = reviewedHash(reviewed(current(), task, using));
    const before = { task, current: current(), hash, context: using, ...ledger.known(n, using) };
    const outcome = outcomeOf(() =>
      decideReview(
        current(),
        taskId(n),
        asked,
        { reviewer: by, now: using.now, command: what.command },
        using,
      ),
    );
    tries.push({ ...what, ...before, outcome });
    if (!(outcome instanceof RefusedError)) ledger.append(outcome.events, using, by.id);
  };
  /** Whoever has the task decides, where that is asked for and somebody has it. */
  const deciderOf = ({ task: n, by, asHolder }: Of<'decide'>): Actor => {
    const { holder } = ledger.known(n, context());
    return (asHolder && REVIEWERS.find(({ id }) => id === holder?.reviewer)) || by;
  };
  const decide = (what: Of<'decide'>): void => {
    const by = deciderOf(what);
    if (what.claims) claim(what.task, by, true);
    if (what.reads) read(what.task);
    const view = viewOf(what.task, what.view);
    if (!view) return;
    const asked = askedBy(what, view, context());
    const requestHash = JSON.stringify([what.task, by.id, asked]);
    tryTo({
      n: what.task,
      by,
      asked,
      view,
      command: what.key < 8 ? { keyHash: `key ${what.key}`, requestHash } : null,
    });
  };
  const withAttempt = (pick: number, act: (n: number, attempt: number, actionId: string) => void): void => {
    const attempts = (n: number) => current().tasks.get(taskId(n))?.attempts ?? [];
    const all = TASKS.flatMap((n) => attempts(n).map(({ started }) => ({ n, started })));
    const chosen = all[pick % all.length];
    if (chosen) act(chosen.n, chosen.started.attempt, chosen.started.actionId);
  };

  const handlers: { readonly [K in ReviewHappening['kind']]: (what: Of<K>) => void } = {
    arrive: ({ risk, confidence, route, retryStrategy, source }) => {
      const n = TASKS.find((each) => !current().tasks.has(taskId(each)));
      if (n === undefined) return;
      command(SUBMITTER, () => receiveTask(current(), received(n)));
      bring(n, recommended(n, { riskScore: risk, confidence, routeTarget: route, retryStrategy }, source));
    },
    result: ({ result }) => {
      const n = TASKS.find((each) => taskId(each) === current().openTaskId) ?? 0;
      const open = lastAttempt(current().tasks.get(taskId(n)) ?? { attempts: [] });
      if (open) bring(n, executed(result, n, open.started.attempt, { actionId: open.started.actionId }));
    },
    late: ({ pick, result, isLookup }) =>
      withAttempt(pick, (n, attempt, actionId) => {
        const lookedUp = resolved(result, n, attempt, { actionId, source: 'LOOKUP' });
        bring(n, isLookup ? lookedUp : executed(result, n, attempt, { actionId }));
      }),
    view: ({ task }) => read(task),
    claim: ({ task, by, takeover }) => claim(task, by, takeover),
    release: ({ task, by }) =>
      command(by, ({ now, policy }) =>
        releaseReview(current(), taskId(task), { reviewer: by, now, command: null }, policy),
      ),
    decide,
    again: ({ pick }) => {
      const keyed = tries.filter((each) => each.command !== null);
      const chosen = keyed[pick % keyed.length];
      if (chosen) tryTo(chosen);
    },
    outcome: ({ task: n, by, view: pick, attempt, result }) => {
      const view = viewOf(n, pick);
      if (!view) return;
      claim(n, by, true);
      const reasonCode = 'CHECKED_WITH_BACKEND';
      const said = { attempt, result, reasonCode, note: null, reviewedHash: view.hash };
      command(by, (using) =>
        recordOutcome(current(), taskId(n), said, { reviewer: by, now: using.now, command: null }, using),
      );
    },
    policy: ({ pick }) => change(({ policy }) => ({ policy: POLICIES[pick] ?? policy })),
    playbook: ({ pick }) => change(({ playbook }) => ({ playbook: PLAYBOOKS[pick] ?? playbook })),
    signals: ({ uncertain }) => change(() => ({ signals: { ...calm, uncertain } })),
    pause: ({ scope, route }) =>
      change(() => ({
        paused: (intent, over) =>
          scope === 'ALL' ||
          (scope === 'INTENT' && intent === 'RESEND') ||
          (scope === 'BACKEND' && over === route),
      })),
    state: ({ to }) =>
      command(SUBMITTER, () => changeState(current(), to, 'asked for', current().revision, null)),
    note: () =>
      command(SUBMITTER, () =>
        addNote(current(), { type: 'CaseNoteAdded', data: { text: { sealed: 'a note' }, command: null } }),
      ),
    backend: ({ route, up, idempotent }) =>
      change(({ backends }) => ({ backends: new Map(backends).set(route, { up, idempotent }) })),
    time: (passed) => change(({ minutes }) => ({ minutes: minutes + passed.minutes })),
    look: ({ task }) => bring(task, null),
  };

  return {
    happen: (what: ReviewHappening): void => handlers[what.kind](what as never),
    tries,
    others: ledger.others,
    log: ledger.log,
  };
}
