import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { sha256Hex } from '../domain/hash.ts';
import type { Playbook } from '../domain/playbook.ts';
import type { CircuitSettings, CircuitWatch } from '../runtime/breaker.ts';
import { type Asked, createModelBreaker } from './breaker.ts';
import { aborted, type Deadline, startDeadline } from './deadline.ts';
import { createModelCall, type ModelCall } from './openaiCall.ts';
import { DEFAULT_BASE_URL, shownBaseUrl } from './openaiClient.ts';
import { failed, type ModelOutcome } from './outcome.ts';
import type { RecommendationRequest, Recommender } from './port.ts';
import { systemPrompt } from './prompt.ts';

const MAX_RETRIES = 1;
/** No model answers in less: a call that has no more time left is not sent. */
const SHORTEST_CALL_MS = 20;

export type OpenAiOptions = {
  readonly playbook: Playbook;
  readonly apiKey: string;
  /** Of any OpenAI-compatible endpoint, such as `http://127.0.0.1:11434/v1`; api.openai.com when left out. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** For one whole recommendation, in milliseconds: waiting for a free slot and retries included. */
  readonly timeoutMs: number;
  /** How many recommendations may be in flight at one time. */
  readonly concurrency: number;
  readonly clock: { readonly monotonicMs: () => number };
  readonly fetch?: typeof fetch;
  /** Who is told when the model's circuit opens and closes. */
  readonly watch?: CircuitWatch | undefined;
  /** When it opens, and for how long. */
  readonly circuit?: CircuitSettings;
};

/**
 * A recommender that asks a model through an OpenAI-compatible chat completions endpoint. The answer is validated under
 * the playbook's contract, whatever the endpoint promises about structured output. While the model's circuit is open, nothing is sent and
 * every recommendation fails at once with AI_UNAVAILABLE, those too that had been waiting for a slot.
 *
 * @throws InvalidBaseUrlError; and an error of the SDK when the key is empty or the playbook's words make no valid schema
 */
export function createOpenAiRecommender(options: OpenAiOptions): Recommender {
  const { playbook, model, timeoutMs, clock, baseUrl = DEFAULT_BASE_URL } = options;
  const system = systemPrompt(playbook);
  const shownUrl = shownBaseUrl(baseUrl);
  const call = createModelCall({ ...options, baseUrl, system, fetch: options.fetch ?? fetch });
  const limit = pLimit(options.concurrency);
  const breaker = createModelBreaker(options);
  const provenance = { provider: 'openai', model, promptHash: sha256Hex(system) };

  const ask = async (request: RecommendationRequest, deadline: Deadline): Promise<ModelOutcome> => {
    const refusal = breaker.refusal();
    if (refusal !== null) return refusal;
    const endsAt = clock.monotonicMs() + timeoutMs;
    let asked = false;
    const stopped = aborted(deadline.signal).then(() => whyStopped(deadline, asked, timeoutMs));
    const leftMs = (): number => endsAt - clock.monotonicMs();
    const work = limit(() => {
      if (deadline.signal.aborted || leftMs() < SHORTEST_CALL_MS) return stopped;
      asked = true;
      const answered = () => callWithRetries(call, request, deadline.signal, leftMs);
      return breaker.guard(() => Promise.race([stopped, answered()]), deadline);
    });
    // What has been asked ends by itself, and not before the breaker has learned of it.
    return Promise.race([stopped.then((outcome) => (asked ? work : outcome)), work]);
  };

  return {
    describe: () => `openai: model ${model}; task text is sent to ${shownUrl}`,
    recommend: async (request, signal) => {
      const started = clock.monotonicMs();
      const deadline = startDeadline(timeoutMs, signal);
      const outcome = await ask(request, deadline).catch(() => failed('AI_UNAVAILABLE', 'unexpected error'));
      deadline.release();
      const durationMs = Math.round(clock.monotonicMs() - started);
      if (outcome.kind === 'failure') return { ...provenance, ...outcome, durationMs };
      return { ...provenance, ...outcome, source: 'model', durationMs };
    },
  };
}

/** Own retries, not the SDK's: those know nothing of the total deadline and repeat `insufficient_quota` in vain. */
async function callWithRetries(
  call: ModelCall,
  request: RecommendationRequest,
  signal: AbortSignal,
  leftMs: () => number,
): Promise<Asked> {
  for (let retry = 0; ; retry += 1) {
    const answer = await call(request, signal);
    if ('kind' in answer) return answer;
    const { retryAfterMs } = answer;
    // A retry that could hardly be answered in time would only hide the failure behind a time-out.
    if (retryAfterMs === null || retry >= MAX_RETRIES || retryAfterMs * 2 > leftMs()) return answer;
    await sleep(retryAfterMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return answer;
  }
}

function whyStopped(deadline: Deadline, asked: boolean, timeoutMs: number): ModelOutcome {
  if (deadline.reason() === 'cancelled') return failed('AI_UNAVAILABLE', 'cancelled');
  return failed('AI_TIMEOUT', `${asked ? 'no answer' : 'no free slot'} within ${timeoutMs} ms`);
}
