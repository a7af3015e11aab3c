import type { Backend, BackendAnswer, BackendCall } from '../backends/port.ts';
import type { Case } from '../domain/case.ts';
import { fallbackDecision, isDecision } from '../domain/decisionContract.ts';
import type {
  ActionExecuted,
  ActionOutcomeResolved,
  ActionStarted,
  AttributeValue,
  DecisionRecommended,
} from '../domain/events.ts';
import type { Playbook } from '../domain/playbook.ts';
import type { Task } from '../domain/task.ts';
import type { Recommendation, RecommendationRequest, Recommender } from '../recommender/port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Observer } from '../runtime/observer.ts';
import { type CaseVault, PERSONAL_FIELDS } from '../vault/vault.ts';

/** What effects reach outside with. This file is the only place where a model or a backend is called. */
export type EffectDependencies = {
  readonly recommender: Recommender;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly playbook: Playbook;
  readonly observer: Observer;
  readonly clock: Clock;
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
      : await orElse(RECOMMENDER_BROKEN, async () =>
          wellFormed(await deps.recommender.recommend(requestOf(current, task, description), deps.shutdown)),
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
/** Adapters hold what they return against the contract; what one lets through all the same must not stop the task. */
const wellFormed = (recommendation: Recommendation): Recommendation =>
  recommendation.kind === 'decision' && !isDecision(recommendation.decision) ? NO_DECISION : recommendation;

const TEXT_UNREADABLE = failure("the task's text cannot be read: its key is gone");
const NO_DECISION: Recommendation = {
  ...failure('the recommendation has not the form of a decision'),
  reasonCode: 'AI_INVALID_RESPONSE',
} as Recommendation;
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

/**
 * Calls the backend for an attempt that this process has just started, and tells what came of it.
 *
 * @param deadlineMs of the attempt, by the monotonic clock: nothing is sent from then on
 */
export async function execute(
  deps: EffectDependencies,
  current: Case,
  action: ActionStarted['data'],
  deadlineMs: number,
  vault: CaseVault | null,
): Promise<ActionExecuted> {
  const { taskId, actionId, attempt, backend: route, simulated } = action;
  const backend = deps.backends.get(route);
  const call = callFor(current, action, deadlineMs, vault);
  const send = async (): Promise<BackendAnswer> => {
    if (!backend) return NO_BACKEND;
    if (!call) return ATTRIBUTES_UNREADABLE;
    if (deps.clock.monotonicMs() >= deadlineMs) return NOT_SENT_IN_TIME;
    return orElse(BACKEND_BROKEN, () => backend.call(call));
  };
  const answer = await send();
  deps.observer.backendCalled(route, answer.result, answer.durationMs);
  const { result, errorType, responseDigest } = answer;
  const durationMs = Math.round(answer.durationMs);
  return {
    type: 'ActionExecuted',
    data: { taskId, actionId, attempt, result, errorType, responseDigest, durationMs, simulated },
  };
}

/** Pauses between questions about one attempt, in milliseconds: what has just failed to answer may need a moment. */
const LOOK_UP_PAUSES_MS = [1_000, 4_000];

/** Asks the backend what became of an attempt, a few times where it cannot tell; null when the process is shutting down. */
export async function lookUp(
  deps: EffectDependencies,
  current: Case,
  action: ActionStarted['data'],
  vault: CaseVault | null,
): Promise<ActionOutcomeResolved | null> {
  const { taskId, actionId, attempt, backend: route } = action;
  const ask = async (): Promise<BackendAnswer> => {
    const backend = deps.backends.get(route);
    const deadlineMs = deps.clock.monotonicMs() + (backend?.timeoutMs ?? 0);
    const call = callFor(current, action, deadlineMs, vault);
    return orElse(CANNOT_TELL, async () => (call && (await backend?.lookUp?.(call))) || CANNOT_TELL);
  };
  let answer = await ask();
  for (const pause of LOOK_UP_PAUSES_MS) {
    if (answer.result !== 'UNKNOWN') break;
    await deps.clock.sleep(pause, deps.shutdown);
    if (deps.shutdown.aborted) return null;
    answer = await ask();
  }
  const { result, errorType, responseDigest } = answer;
  return {
    type: 'ActionOutcomeResolved',
    data: { taskId, actionId, attempt, result, errorType, responseDigest, source: 'LOOKUP', review: null },
  };
}

/** The call that an attempt makes; null where a personal attribute cannot be read. */
function callFor(
  current: Case,
  { taskId, actionId, attempt, intent, idempotencyKey }: ActionStarted['data'],
  deadlineMs: number,
  vault: CaseVault | null,
): BackendCall | null {
  const attributes = attributesOf(current, vault);
  const { caseId } = current;
  return attributes && { actionId, idempotencyKey, caseId, taskId, intent, attempt, attributes, deadlineMs };
}

const NO_BACKEND: BackendAnswer = {
  result: 'FAILED',
  errorType: 'NO_BACKEND',
  responseDigest: null,
  durationMs: 0,
};
const ATTRIBUTES_UNREADABLE: BackendAnswer = { ...NO_BACKEND, errorType: 'ATTRIBUTES_UNREADABLE' };
/** The attempt's time was over before anything was sent, which is certain. */
const NOT_SENT_IN_TIME: BackendAnswer = { ...NO_BACKEND, errorType: 'NOT_SENT_IN_TIME' };
const CANNOT_TELL: BackendAnswer = { ...NO_BACKEND, result: 'UNKNOWN', errorType: 'LOOKUP_FAILED' };
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
