import type { KeyRing } from '../keyRing.ts';
import type { Outside } from '../outside.ts';
import type { Shared } from '../shared.ts';
import type { World } from '../world.ts';
import { type AnswerRules, createAnswerRules } from './answerRules.ts';
import type { Sources } from './approvalRules.ts';
import { createAutomationRules } from './automationRules.ts';
import { type BackendRules, createBackendRules } from './backendRules.ts';
import { type Book, createBook } from './book.ts';
import { checkLog } from './endRules.ts';
import { createErasureRules, type ErasureRules } from './erasureRules.ts';
import { createKnowledge, type Knowledge } from './knowledge.ts';
import type { Committed } from './ledger.ts';
import { createModelRules, type ModelRules } from './modelRules.ts';
import { checkPause } from './retryRules.ts';
import { createReviewAnswers, type ReviewAnswers } from './reviewAnswers.ts';
import { createReviewRules } from './reviewRules.ts';
import { createSights } from './sights.ts';

/** Everything that is watched in a run, and the rules that it is held against. */
export type Oracle = {
  readonly book: Book;
  readonly knowledge: Knowledge;
  readonly model: ModelRules;
  readonly backend: BackendRules;
  readonly answers: AnswerRules;
  readonly erasures: ErasureRules;
  readonly reviews: ReviewAnswers;
  /** A process was started with a policy and a playbook. */
  readonly started: (name: string, sources: Sources) => void;
  /** Checks what holds when all is quiet. */
  readonly checkEnd: (shared: Shared, outside: Outside) => Promise<void>;
};

/** @param callMs how long a call to a shared part takes at most */
export function createOracle(world: World, { textOf }: Pick<KeyRing, 'textOf'>, callMs: number): Oracle {
  const processes = new Map<string, Sources>();
  const knowledge = createKnowledge((...learnt) => backend.learnt(...learnt));
  const automation = createAutomationRules(world, callMs);
  const onEvent = (event: Committed): void => {
    if (event.type === 'DecisionRecommended') model.recorded(event);
    if (event.type === 'GuardrailEvaluated') automation.judged(event);
    if (event.type === 'ActionExecuted' || event.type === 'ActionOutcomeResolved') backend.recorded(event);
    reviewed(event);
    const policy = processes.get(event.by)?.policy;
    const task = event.type === 'RetryScheduled' ? book.task(event.data.taskId) : undefined;
    if (event.type === 'RetryScheduled' && policy && task) checkPause(task, event, policy, world.violate);
  };
  const book = createBook(world, textOf, onEvent, automation.changed);
  const taskOf = (description: string) => book.tasks().find((task) => textOf(task) === description);
  const model = createModelRules(world, knowledge, taskOf, callMs);
  const backend = createBackendRules(world, book);
  const answers = createAnswerRules(world, book);
  const erasures = createErasureRules(world, book);
  const sights = createSights();
  const reviewed = createReviewRules(world, book, sights, (name) => processes.get(name));
  return {
    book,
    knowledge,
    model,
    backend,
    answers,
    erasures,
    reviews: createReviewAnswers(world, book, sights),
    started: (name, sources) => void processes.set(name, sources),
    checkEnd: async ({ log, rows, keys }, outside) => {
      await checkLog(world, log.store, rows, book);
      answers.check();
      await erasures.check(keys);
      backend.checkKept(outside);
    },
  };
}
