import { lastAttempt } from '../../src/domain/attempts.ts';
import { type Case, evolve } from '../../src/domain/case.ts';
import { consequences } from '../../src/domain/consequences.ts';
import { changeState, receiveTask } from '../../src/domain/decide.ts';
import type { ActionStarted, CaseEvent } from '../../src/domain/events.ts';
import { nextStep, type Step } from '../../src/domain/nextStep.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { type Effect, expired, recordable } from '../../src/domain/recordable.ts';
import type { BackendFacts, JudgeContext } from '../../src/domain/verdicts.ts';
import type { AttemptResult } from '../../src/domain/vocabulary.ts';
import {
  decision,
  executed,
  later,
  place,
  received,
  recommended,
  resolved,
  taskId,
  uuid,
} from '../support/builders.ts';
import { type Happening, TASKS } from './happenings.ts';

export type World = Pick<JudgeContext, 'policy' | 'playbook' | 'signals'> & {
  /** A candidate beside the policy; none without it. */
  readonly shadow?: Policy | null;
  /** What the backends are at first, by route. */
  readonly backends: Readonly<Record<string, BackendFacts>>;
};
/** One append, with the case before it and what it was computed from. */
export type Append = {
  readonly before: Case;
  readonly events: readonly CaseEvent[];
  readonly context: JudgeContext;
};

/** A walk through the pure part of the loop; the part that reaches outside is played by what happens. */
export type Walk = {
  readonly happen: (happening: Happening) => void;
  /**
   * Lets everybody do what there is to do, and time go on, until nothing is left. Backends answer with `result`, lookups cannot tell.
   *
   * @throws Error when there is no end to it
   */
  readonly rest: (result: AttemptResult) => void;
  readonly appends: readonly Append[];
  readonly current: () => Case;
};

const MOST_ROUNDS = 20_000;

export function createWalk(world: World, first: Case): Walk {
  const appends: Append[] = [];
  const known = new Map(Object.entries(world.backends));
  let current = first;
  let clock = 0;
  let ids = 0;

  const context = (mayStart = true): JudgeContext => {
    ids += 1;
    const snapshot = new Map(known);
    const backend = (route: string): BackendFacts => {
      const facts = snapshot.get(route);
      if (!facts) throw new Error(`asked about the backend of ${route}`);
      return facts;
    };
    return {
      shadow: null,
      ...world,
      paused: () => false,
      now: later(clock),
      wallNow: later(clock),
      newActionId: uuid(ids),
      backend,
      mayStart,
    };
  };
  const append = (events: readonly CaseEvent[], using: JudgeContext): void => {
    if (events.length === 0) return;
    appends.push({ before: current, events, context: using });
    current = grow(current, events, using.now);
  };
  /** What the loop does with an effect's result: it records what can still be recorded, and what follows. */
  const bring = (n: number, effect: Effect | null, mayStart = true): void => {
    const using = context(mayStart);
    const recorded = effect && recordable(current, effect);
    append(consequences(current, taskId(n), recorded ? [recorded] : [], using), using);
  };
  const stepOf = (n: number): Step | null =>
    current.tasks.has(taskId(n)) ? nextStep(current, taskId(n), later(clock)) : null;
  const answer = (
    { taskId: id, attempt, actionId }: ActionStarted['data'],
    result: AttemptResult,
    mayStart = true,
  ): void => {
    const n = TASKS.find((each) => taskId(each) === id);
    if (n !== undefined) bring(n, executed(result, n, attempt, { actionId }), mayStart);
  };
  const lookUp = ({ taskId: id, attempt, actionId }: ActionStarted['data'], result: AttemptResult): void => {
    const n = TASKS.find((each) => taskId(each) === id);
    if (n !== undefined) bring(n, resolved(result, n, attempt, { actionId, source: 'LOOKUP' }));
  };
  /** One of the attempts that were recorded as unknown, whatever has been learnt of them since. */
  const withUnknown = (pick: number, act: (action: ActionStarted['data']) => void): void => {
    const all = [...current.tasks.values()].flatMap(({ attempts }) => attempts);
    const unknown = all.filter(({ executed: ended }) => ended?.result === 'UNKNOWN');
    const chosen = unknown[pick % unknown.length];
    if (chosen) act(chosen.started);
  };
  const withOpen = (act: (n: number, action: ActionStarted['data']) => void): void => {
    const n = TASKS.find((each) => taskId(each) === current.openTaskId);
    const task = n === undefined ? undefined : current.tasks.get(taskId(n));
    const attempt = task && lastAttempt(task);
    if (n !== undefined && attempt) act(n, attempt.started);
  };

  const handlers: { readonly [K in Happening['kind']]: (what: Extract<Happening, { kind: K }>) => void } = {
    receive: ({ role }) => {
      const n = TASKS.find((each) => !current.tasks.has(taskId(each)));
      if (n !== undefined) append(receiveTask(current, received(n, { userRole: role })).events, context());
    },
    recommend: ({ decision: recommendation, source }) => {
      const n = TASKS.find((each) => stepOf(each)?.kind === 'recommend');
      if (n !== undefined) bring(n, recommended(n, recommendation, source));
    },
    result: ({ result, mayStart }) => withOpen((_, action) => answer(action, result, mayStart)),
    expire: () => withOpen((n, action) => bring(n, expired(action))),
    late: ({ pick, result }) => withUnknown(pick, (action) => answer(action, result)),
    lookUp: ({ result }) => {
      const [step] = TASKS.flatMap((n) => stepOf(n) ?? []).filter(({ kind }) => kind === 'lookUp');
      if (step?.kind === 'lookUp') lookUp(step.action, result);
    },
    lateLookUp: ({ pick, result }) => withUnknown(pick, (action) => lookUp(action, result)),
    look: ({ task, mayStart }) => bring(task, null, mayStart),
    time: ({ milliseconds }) => {
      clock += milliseconds;
    },
    state: ({ to }) => {
      if (to === current.state || (to === 'SUSPENDED' && current.state !== 'OPEN')) return;
      append(changeState(current, to, 'asked for', current.revision, null).events, context());
    },
    backend: ({ route, facts }) => {
      known.set(route, facts);
    },
  };

  /** Takes the task's next step; where it sleeps, until when. */
  const step = (n: number, result: AttemptResult): string | null => {
    const next = stepOf(n);
    switch (next?.kind) {
      case 'recommend':
        bring(n, recommended(n, decision({ retryStrategy: 'BACKOFF' })));
        return null;
      case 'await':
        answer(next.attempt.started, result);
        return null;
      case 'lookUp':
        lookUp(next.action, 'UNKNOWN');
        return null;
      case 'sleep':
        return next.until;
      default:
        bring(n, null);
        return null;
    }
  };

  return {
    happen: (what) => handlers[what.kind](what as never),
    rest: (result) => {
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        const before = appends.length;
        const [earliest] = TASKS.flatMap((n) => step(n, result) ?? []).toSorted();
        if (appends.length > before) continue;
        if (earliest === undefined) return;
        clock += Date.parse(earliest) - Date.parse(later(clock));
      }
      throw new Error(`nothing has come to rest after ${MOST_ROUNDS} rounds`);
    },
    appends,
    current: () => current,
  };
}

/** The case after events that were appended at one time. */
export const grow = (start: Case, events: readonly CaseEvent[], recordedAt: string): Case =>
  events.reduce((state, event) => evolve(state, event, { ...place(state.revision + 1), recordedAt }), start);
