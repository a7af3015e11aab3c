import type { Recommender } from './port.ts';

/** A recommender that never recommends: every task goes to a person. */
export function createNoneRecommender(): Recommender {
  return {
    describe: () => 'none: every task goes to a person, no text is sent anywhere',
    recommend: async () => ({
      kind: 'failure',
      provider: 'none',
      model: null,
      promptHash: null,
      usage: null,
      durationMs: 0,
      reasonCode: 'AI_UNAVAILABLE',
      cause: 'no recommender is configured',
      rawText: null,
    }),
  };
}
