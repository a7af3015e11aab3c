import { MANUAL_REVIEW } from '../src/domain/decision.ts';
import type { Playbook } from '../src/domain/playbook.ts';
import { groupedFolds } from '../src/recommender/local/folds.ts';
import { createLocalRecommender } from '../src/recommender/local/localRecommender.ts';
import type { Recommender } from '../src/recommender/port.ts';

/** From this confidence on a policy would let a recommendation through. */
export const CLAIM = 0.8;

/** One text that the recommender had not seen: what it should have said, and what it said. */
export type Answer = {
  readonly text: string;
  readonly expected: string;
  readonly given: string;
  /** 0 to 1. */
  readonly confidence: number;
};

/** Shares are 0 to 1, and 1 of nothing. */
export type Figures = {
  readonly texts: number;
  /** Share of texts whose intent was right, however sure. */
  readonly accuracy: number;
  /** Share of texts answered with at least 0.8. */
  readonly coverage: number;
  /** Share of those whose intent was right; MANUAL_REVIEW text that is given another intent is an error. */
  readonly precision: number;
  /** The errors among them. */
  readonly wrong: number;
  /** The errors that would matter most: text for a person, given an intent that something could be done with. */
  readonly wronglyAccepted: number;
};

const FOLDS = 10;
const CLOCK = { monotonicMs: () => performance.now() };

/**
 * Cross-validation: every example of the playbook is answered by a recommender that learned from the other folds
 * only, near-duplicates always being in the same fold.
 */
export async function crossValidate(playbook: Playbook): Promise<Answer[]> {
  const examples = Object.entries(playbook.intents).flatMap(([expected, { examples: texts }]) =>
    texts.map((text) => ({ text, expected })),
  );
  const folds = groupedFolds(
    examples.map(({ text }) => text),
    FOLDS,
  );
  const answers: Answer[] = [];
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const held = examples.filter((_, at) => folds[at] === fold);
    const kept = new Set(examples.filter((_, at) => folds[at] !== fold).map(({ text }) => text));
    const recommender = createLocalRecommender(withExamples(playbook, kept), CLOCK);
    for (const { text, expected } of held) answers.push(await answer(recommender, text, expected));
  }
  return answers;
}

/** What a recommender says to one text. */
export async function answer(recommender: Recommender, text: string, expected: string): Promise<Answer> {
  const result = await recommender.recommend(
    {
      task: { description: text, channel: 'SYSTEM', userRole: 'OPS' },
      case: { caseState: 'OPEN', retryCount: 0, lastErrorType: null, priority: 'MEDIUM' },
    },
    new AbortController().signal,
  );
  if (result.kind !== 'decision') return { text, expected, given: result.reasonCode, confidence: 0 };
  return { text, expected, given: result.decision.intent, confidence: result.decision.confidence };
}

/** Sums answers up. */
export function figuresOf(answers: readonly Answer[]): Figures {
  const right = answers.filter(({ expected, given }) => expected === given);
  const claimed = answers.filter(({ confidence }) => confidence >= CLAIM);
  const wrong = claimed.filter(({ expected, given }) => expected !== given);
  return {
    texts: answers.length,
    accuracy: share(right.length, answers.length),
    coverage: share(claimed.length, answers.length),
    precision: share(claimed.length - wrong.length, claimed.length),
    wrong: wrong.length,
    wronglyAccepted: wrong.filter(({ expected }) => expected === MANUAL_REVIEW).length,
  };
}

function withExamples(playbook: Playbook, kept: ReadonlySet<string>): Playbook {
  const intents = Object.entries(playbook.intents).map(([name, spec]) => [
    name,
    { ...spec, examples: spec.examples.filter((text) => kept.has(text)) },
  ]);
  return { ...playbook, intents: Object.fromEntries(intents) };
}

const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);
