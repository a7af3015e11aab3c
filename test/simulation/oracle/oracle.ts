import type { Policy } from '../../../src/domain/policy.ts';
import type { KeyRing } from '../keyRing.ts';
import type { Outside } from '../outside.ts';
import type { Shared } from '../shared.ts';
import type { World } from '../world.ts';
import { type AnswerRules, createAnswerRules } from './answerRules.ts';
import { type BackendRules, createBackendRules } from './backendRules.ts';
import { type Book, createBook } from './book.ts';
import { checkLog } from './endRules.ts';
import { createKnowledge, type Knowledge } from './knowledge.ts';
import { createModelRules, type ModelRules } from './modelRules.ts';
import { checkPause } from './retryRules.ts';

/** Everything that is watched in a run, and the rules that it is held against. */
export type Oracle = {
  readonly book: Book;
  readonly knowledge: Knowledge;
  readonly model: ModelRules;
  readonly backend: BackendRules;
  readonly answers: AnswerRules;
  /** A process was started with a policy. */
  readonly started: (name: string, policy: Policy) => void;
  /** Checks what holds when all is quiet. */
  readonly checkEnd: (shared: Shared, outside: Outside) => Promise<void>;
};

/** @param callMs how long a call to a shared part takes at most */
export function createOracle(world: World, { textOf }: Pick<KeyRing, 'textOf'>, callMs: number): Oracle {
  const policies = new Map<string, Policy>();
  const knowledge = createKnowledge((...learnt) => backend.learnt(...learnt));
  const book = createBook(world, textOf, (event) => {
    if (event.type === 'DecisionRecommended') model.recorded(event);
    if (event.type === 'ActionExecuted' || event.type === 'ActionOutcomeResolved') backend.recorded(event);
    const policy = policies.get(event.by);
    const task = event.type === 'RetryScheduled' ? book.task(event.data.taskId) : undefined;
    if (event.type === 'RetryScheduled' && policy && task) checkPause(task, event, policy, world.violate);
  });
  const taskOf = (description: string) => book.tasks().find((task) => textOf(task) === description);
  const model = createModelRules(world, knowledge, taskOf, callMs);
  const backend = createBackendRules(world, book);
  const answers = createAnswerRules(world, book);
  return {
    book,
    knowledge,
    model,
    backend,
    answers,
    started: (name, policy) => void policies.set(name, policy),
    checkEnd: async ({ log, rows }, outside) => {
      await checkLog(world, log.store, rows, book);
      answers.check();
      backend.checkKept(outside);
    },
  };
}
