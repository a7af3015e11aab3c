import type { Playbook } from '../domain/playbook.ts';
import type { CircuitWatch } from '../runtime/breaker.ts';
import { createLocalRecommender } from './local/localRecommender.ts';
import { createNoneRecommender } from './none.ts';
import { createOpenAiRecommender } from './openai.ts';
import type { Recommender } from './port.ts';

/** Which recommender, and how to reach it; the names are those of the environment variables. */
export type RecommenderSettings = {
  readonly RECOMMENDER: 'openai' | 'local' | 'none';
  readonly OPENAI_API_KEY?: string | undefined;
  readonly OPENAI_BASE_URL?: string | undefined;
  readonly OPENAI_MODEL: string;
  readonly MODEL_TIMEOUT_MS: number;
  /** Calls that may be in flight at one time. */
  readonly MODEL_CONCURRENCY: number;
};

/**
 * The recommender that the settings ask for.
 *
 * @param watch who is told when the model's circuit opens and closes
 */
export function createRecommender(
  settings: RecommenderSettings,
  playbook: Playbook,
  clock: { readonly monotonicMs: () => number },
  watch?: CircuitWatch,
): Recommender {
  switch (settings.RECOMMENDER) {
    case 'local':
      return createLocalRecommender(playbook, clock);
    case 'none':
      return createNoneRecommender();
    case 'openai':
      return createOpenAiRecommender({
        playbook,
        apiKey: settings.OPENAI_API_KEY ?? '',
        baseUrl: settings.OPENAI_BASE_URL,
        model: settings.OPENAI_MODEL,
        timeoutMs: settings.MODEL_TIMEOUT_MS,
        concurrency: settings.MODEL_CONCURRENCY,
        clock,
        watch,
      });
  }
}
