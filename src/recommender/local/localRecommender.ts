import { type Decision, MANUAL_REVIEW } from '../../domain/decision.ts';
import type { Playbook } from '../../domain/playbook.ts';
import { readSignals } from '../../domain/signals.ts';
import type { RecommendationRequest, Recommender } from '../port.ts';
import { type Classification, trainClassifier } from './classifier.ts';

/** Recorded with every recommendation; changes when the same playbook and text may give another decision. */
const VERSION = 'tfidf-softmax-bayes-1';
/** The most that is claimed for a text that negates, hedges, asks several things or instructs the system. */
const FLAGGED = 0.4;
const UNKNOWN: Classification = { label: MANUAL_REVIEW, confidence: 0 };

/** Milliseconds from any fixed origin, never going back. */
export type MonotonicClock = { readonly monotonicMs: () => number };

/**
 * A recommender that needs no network: it learns from the examples of the playbook's intents when it is made
 * (a few hundred milliseconds), and takes all else of a decision from the intent's defaults.
 * A text that raises a signal, that is unlike every example, or that fits two intents gets a confidence below 0.5.
 *
 * @throws Error when the playbook lacks MANUAL_REVIEW, which a parsed playbook never does
 */
export function createLocalRecommender(playbook: Playbook, clock: MonotonicClock): Recommender {
  const examples = Object.entries(playbook.intents).flatMap(([label, { examples: texts }]) =>
    texts.map((text) => ({ text, label })),
  );
  const manual = playbook.intents[MANUAL_REVIEW];
  if (manual === undefined) throw new Error(`The playbook has no intent ${MANUAL_REVIEW}`);
  const classify = trainClassifier(examples) ?? (() => UNKNOWN);

  const decide = (description: string): Decision => {
    const { label, confidence } = classify(description);
    const flagged = Object.values(readSignals(description)).includes(true);
    return {
      intent: label,
      ...(playbook.intents[label] ?? manual).defaults,
      confidence: round(flagged ? Math.min(confidence, FLAGGED) : confidence),
    };
  };

  return {
    describe: () =>
      `local (learned from ${examples.length} examples of the playbook; no text leaves this process)`,
    recommend: async (request: RecommendationRequest) => {
      const started = clock.monotonicMs();
      const decision = decide(request.task.description);
      return {
        kind: 'decision',
        source: 'local',
        decision,
        provider: 'local',
        model: VERSION,
        promptHash: null,
        usage: null,
        durationMs: clock.monotonicMs() - started,
      };
    },
  };
}

/** Three digits are all that the calibration supports; cut, so that a claim is never rounded up. */
const round = (confidence: number): number => Math.floor(confidence * 1000) / 1000;
