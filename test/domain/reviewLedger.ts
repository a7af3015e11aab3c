import { type Case, evolve } from '../../src/domain/case.ts';
import { consequences } from '../../src/domain/consequences.ts';
import type { Decided } from '../../src/domain/decide.ts';
import type { Actor, CaseEvent } from '../../src/domain/events.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { type Effect, recordable } from '../../src/domain/recordable.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import type { JudgeContext } from '../../src/domain/verdicts.ts';
import { backendFacts, calm, caseAfter, later, opened, place, taskId, uuid } from '../support/builders.ts';
import {
  type Content,
  contentBelow,
  contentOf,
  type FirstApproval,
  firstAfter,
  type Happened,
  type Holder,
  holderAfter,
} from './reviewContent.ts';
import { PLAYBOOKS, POLICIES, TASKS } from './reviewHappenings.ts';

/** Events that time, backends or commands other than decisions brought. */
export type Other = { readonly before: Case; readonly events: readonly CaseEvent[] };

/** What verdicts rest on besides the case; every part of it changes. */
export type Environment = Pick<JudgeContext, 'policy' | 'playbook' | 'signals' | 'paused'> & {
  readonly minutes: number;
  readonly backends: ReadonlyMap<string, { readonly up: boolean; readonly idempotent: boolean }>;
};

const atFirst = (): Environment => {
  const [[policy], [playbook]] = [POLICIES, PLAYBOOKS];
  if (!policy || !playbook) throw new Error('there is no policy, or no playbook');
  return { policy, playbook, signals: calm, paused: () => false, minutes: 0, backends: new Map() };
};

/** What a call leads to: events, or a refusal. */
export function outcomeOf(act: () => Decided): Decided | RefusedError {
  try {
    return act();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
}

/**
 * A case that grows, beside what is known of its reviews from the events alone.
 *
 * @param shadow a candidate beside every policy; none without it
 */
export function createReviewLedger(shadow: Policy | null = null) {
  const open = opened({ retryCount: 0 });
  const log: Happened[] = [{ id: place(0).id, event: open }];
  const firsts = new Map<number, FirstApproval | null>();
  const holders = new Map<number, Holder | null>();
  const others: Other[] = [];
  let current = caseAfter([open]);
  let environment = atFirst();
  let ids = 0;

  const context = (): JudgeContext => {
    ids += 1;
    const { minutes, backends, ...rest } = environment;
    const now = later(minutes * 60_000);
    const backend = (route: string) => {
      const { up = true, idempotent = true } = backends.get(route) ?? {};
      return backendFacts({ idempotent, available: () => up });
    };
    return { ...rest, shadow, now, wallNow: now, newActionId: uuid(ids), backend, mayStart: true };
  };
  const append = (events: readonly CaseEvent[], using: JudgeContext, actor: string): void => {
    for (const event of events) {
      const at = { ...place(current.revision + 1), recordedAt: using.now, actorId: actor };
      const n = TASKS.find((each) => 'taskId' in event.data && event.data.taskId === taskId(each));
      if (n !== undefined) {
        firsts.set(n, firstAfter(firsts.get(n) ?? null, event, contentBelow(log, n, using)));
        holders.set(n, holderAfter(holders.get(n) ?? null, event));
      }
      current = evolve(current, event, at);
      log.push({ id: at.id, event });
    }
  };
  const other = (events: readonly CaseEvent[], using: JudgeContext, actor: string): void => {
    others.push({ before: current, events });
    append(events, using, actor);
  };

  return {
    log,
    others,
    current: () => current,
    context,
    append,
    /** What is so of the n-th task's review. */
    known: (
      n: number,
      using: JudgeContext,
    ): {
      readonly content: Content;
      readonly holder: Holder | null;
      readonly first: FirstApproval | null;
    } => {
      const first = firsts.get(n) ?? null;
      return { content: contentOf(log, n, using, first), holder: holders.get(n) ?? null, first };
    },
    /** An effect of the n-th task (or none), and what follows. */
    bring: (n: number, effect: Effect | null): void => {
      const using = context();
      const recorded = effect && recordable(current, effect);
      other(consequences(current, taskId(n), recorded ? [recorded] : [], using), using, 'orchestrator');
    },
    /** A command of which only what it appends matters. */
    command: (by: Actor, decide: (using: JudgeContext) => Decided): void => {
      const using = context();
      const outcome = outcomeOf(() => decide(using));
      if (!(outcome instanceof RefusedError)) other(outcome.events, using, by.id);
    },
    change: (to: (before: Environment) => Partial<Environment>): void => {
      environment = { ...environment, ...to(environment) };
    },
  };
}
