import type { Backend, BackendAnswer } from '../backends/port.ts';
import type { Case } from '../domain/case.ts';
import { fallbackDecision } from '../domain/decisionContract.ts';
import type { ActionExecuted, ActionStarted, AttributeValue, DecisionRecommended } from '../domain/events.ts';
import type { Playbook } from '../domain/playbook.ts';
import type { Task } from '../domain/task.ts';
import type { Recommendation, RecommendationRequest, Recommender } from '../recommender/port.ts';
import type { Observer } from '../runtime/observer.ts';
import { type CaseVault, PERSONAL_FIELDS } from '../vault/vault.ts';

/** What effects reach outside with. This file is the only place where a model or a backend is called. */
export type EffectDependencies = {
  readonly recommender: Recommender;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly playbook: Playbook;
  readonly observer: Observer;
  readonly shutdown: AbortSignal;
};

/**
 * Asks the recommender about a task.
 *
 * @param description the task's text in clear; null where its key was destroyed
 * @returns the decision as an event, a fallback where there is no recommendation; null when the process is shutting down
 */
export async function recommend(
  deps: EffectDependencies,
  current: Case,
  task: Task,
  description: string | null,
  vault: CaseVault | null,
): Promise<DecisionRecommended | null> {
  const recommendation =
    description === null
      ? TEXT_UNREADABLE
      : await orElse(RECOMMENDER_BROKEN, () =>
          deps.recommender.recommend(requestOf(current, task, description), deps.shutdown),
        );
  if (recommendation.kind === 'failure') {
    if (deps.shutdown.aborted) return null;
    deps.observer.fellBack(recommendation.reasonCode);
  }
  const source = recommendation.kind === 'decision' ? recommendation.source : 'fallback';
  deps.observer.recommended(source, recommendation.durationMs);
  return recommended(deps.playbook, task.taskId, recommendation, vault);
}

const requestOf = (current: Case, task: Task, description: string): RecommendationRequest => ({
  task: { description, channel: task.channel, userRole: task.userRole },
  case: {
    caseState: current.state,
    retryCount: current.retryCount,
    lastErrorType: current.lastErrorType,
    priority: current.opened?.priority ?? 'MEDIUM',
  },
});

const failure = (cause: string): Recommendation => ({
  kind: 'failure',
  reasonCode: 'AI_UNAVAILABLE',
  cause,
  rawText: null,
  provider: 'none',
  model: null,
  promptHash: null,
  usage: null,
  durationMs: 0,
});
const TEXT_UNREADABLE = failure("the task's text cannot be read: its key is gone");
const RECOMMENDER_BROKEN = failure('the recommender threw, which it must not');

/** Adapters never reject; one that does all the same must not leave its task, and those that wait for it, without an end. */
async function orElse<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    return otherwise;
  }
}

function recommended(
  playbook: Playbook,
  taskId: string,
  recommendation: Recommendation,
  vault: CaseVault | null,
): DecisionRecommended {
  const { provider, model, promptHash, usage } = recommendation;
  const durationMs = Math.round(recommendation.durationMs);
  const common = { taskId, provider, model, promptHash, playbookHash: playbook.hash, usage, durationMs };
  if (recommendation.kind === 'decision') {
    const { decision, source } = recommendation;
    return {
      type: 'DecisionRecommended',
      data: { ...common, decision, source, fallbackCause: null, rawText: null },
    };
  }
  const { reasonCode, cause, rawText } = recommendation;
  return {
    type: 'DecisionRecommended',
    data: {
      ...common,
      decision: fallbackDecision(playbook, reasonCode),
      source: 'fallback',
      fallbackCause: cause,
      rawText: rawText !== null && vault ? vault.seal(PERSONAL_FIELDS.rawText, rawText) : null,
    },
  };
}

/** Calls the backend for an action that this process has just started, and tells what came of it. */
export async function execute(
  deps: EffectDependencies,
  current: Case,
  action: ActionStarted['data'],
  vault: CaseVault | null,
): Promise<ActionExecuted> {
  const { taskId, actionId, attempt, backend: route, intent, idempotencyKey } = action;
  const backend = deps.backends.get(route);
  const attributes = attributesOf(current, vault);
  const call = { actionId, idempotencyKey, caseId: current.caseId, taskId, intent, attempt };
  const send = async (): Promise<BackendAnswer> => {
    if (!backend) return NO_BACKEND;
    if (!attributes) return ATTRIBUTES_UNREADABLE;
    return orElse(BACKEND_BROKEN, () => backend.call({ ...call, attributes }));
  };
  const answer = await send();
  deps.observer.backendCalled(route, answer.result, answer.durationMs);
  const { result, errorType, responseDigest } = answer;
  return {
    type: 'ActionExecuted',
    data: {
      taskId,
      actionId,
      attempt,
      result,
      errorType,
      responseDigest,
      durationMs: Math.round(answer.durationMs),
      simulated: action.simulated,
    },
  };
}

const NO_BACKEND: BackendAnswer = {
  result: 'FAILED',
  errorType: 'NO_BACKEND',
  responseDigest: null,
  durationMs: 0,
};
const ATTRIBUTES_UNREADABLE: BackendAnswer = { ...NO_BACKEND, errorType: 'ATTRIBUTES_UNREADABLE' };
/** Nobody knows how far it got. */
const BACKEND_BROKEN: BackendAnswer = { ...NO_BACKEND, result: 'UNKNOWN', errorType: 'BACKEND_BROKEN' };

/** All attributes in clear; null where a personal one cannot be read. */
function attributesOf(current: Case, vault: CaseVault | null): Record<string, AttributeValue> | null {
  const attributes: Record<string, AttributeValue> = { ...current.opened?.attributes };
  for (const [name, sealed] of Object.entries(current.opened?.personalAttributes ?? {})) {
    const text = vault?.open(PERSONAL_FIELDS.attribute(name), sealed);
    if (typeof text !== 'string') return null;
    attributes[name] = text;
  }
  return attributes;
}
