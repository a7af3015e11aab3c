import type { Backend, BackendAnswer, BackendCall } from '../../src/backends/port.ts';
import type { Decision, FallbackReason } from '../../src/domain/decision.ts';
import type { Recommendation, RecommendationRequest, Recommender } from '../../src/recommender/port.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Observer } from '../../src/runtime/observer.ts';
import { decision } from './builders.ts';

/** What a script may answer with: at once, or when the test lets it. */
type Answer<T> = T | Promise<T>;

export type ScriptedRecommender = Recommender & { readonly calls: RecommendationRequest[] };

/** A recommender that counts its calls and answers as the script says; `call` counts from 1. */
export function scriptedRecommender(
  script: (request: RecommendationRequest, call: number, signal: AbortSignal) => Answer<Recommendation>,
): ScriptedRecommender {
  const calls: RecommendationRequest[] = [];
  return {
    calls,
    describe: () => 'scripted',
    recommend: async (request, signal) => script(request, calls.push(request), signal),
  };
}

const provenance = {
  provider: 'scripted',
  model: 'scripted-1',
  promptHash: null,
  usage: { inputTokens: 10, outputTokens: 5 },
  durationMs: 12,
};

/** A recommendation that the default policy executes, with changes. */
export const modelSays = (changes: Partial<Decision> = {}): Recommendation => ({
  ...provenance,
  kind: 'decision',
  source: 'model',
  decision: decision(changes),
});

export const modelFails = (
  reasonCode: FallbackReason,
  cause = 'HTTP 500',
  rawText: string | null = null,
): Recommendation => ({ ...provenance, kind: 'failure', reasonCode, cause, rawText });

/** A model that answers nothing until the process ends, and then that it was aborted. */
export const stallingModel = (_: RecommendationRequest, __: number, signal: AbortSignal) =>
  new Promise<Recommendation>((resolve) => {
    const aborted = (): void => resolve(modelFails('AI_UNAVAILABLE', 'aborted'));
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
  });

export type ScriptedBackend = Backend & { readonly calls: BackendCall[] };

/**
 * A backend that counts its calls and answers as the script says; `call` counts from 1. Always available and without a lookup,
 * unless told otherwise.
 */
export function scriptedBackend(
  route: string,
  script: (request: BackendCall, call: number) => Answer<BackendAnswer>,
  {
    available = () => true,
    lookUp = null,
    idempotent = true,
  }: Partial<Pick<Backend, 'available' | 'lookUp' | 'idempotent'>> = {},
): ScriptedBackend {
  const calls: BackendCall[] = [];
  return {
    calls,
    route,
    kind: 'http',
    idempotent,
    timeoutMs: 5_000,
    available,
    lookUp,
    describe: () => 'scripted',
    call: async (request) => script(request, calls.push(request)),
  };
}

export const succeeded: BackendAnswer = {
  result: 'SUCCEEDED',
  errorType: null,
  responseDigest: 'd'.repeat(64),
  durationMs: 30,
};
export const failed: BackendAnswer = {
  result: 'FAILED',
  errorType: 'HTTP_503',
  responseDigest: null,
  durationMs: 30,
};
export const unknown: BackendAnswer = { ...failed, result: 'UNKNOWN', errorType: 'TIMEOUT' };

/** An observer that keeps what it was told, one line each. */
export function recordingObserver(): Observer & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    taskSettled: (outcome) => told.push(`settled ${outcome}`),
    recommended: (source) => told.push(`recommended ${source}`),
    fellBack: (reason) => told.push(`fell back ${reason}`),
    shadowJudged: (verdict, shadow) => told.push(`judged ${verdict}, shadow ${shadow}`),
    backendCalled: (route, result) => told.push(`called ${route} ${result}`),
    outcomeResolved: ({ source, result }) => told.push(`resolved ${source} ${result}`),
    takenOver: (why) => told.push(`taken over ${why}`),
    appendConflict: () => told.push('conflict'),
    storeAway: () => told.push('store away'),
    circuit: (dependency, state) => told.push(`circuit ${dependency} ${state}`),
  };
}

/** A logger that keeps what it was told. */
export function recordingLogger(): Logger & { readonly lines: unknown[] } {
  const lines: unknown[] = [];
  const keep =
    (level: string) =>
    (fields: Record<string, unknown>, message: string): void => {
      lines.push({ level, ...fields, message });
    };
  return { lines, info: keep('info'), warn: keep('warn'), error: keep('error') };
}
