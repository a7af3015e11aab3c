import { type Calibration, calibrate } from './calibration.ts';
import { groupedFolds } from './folds.ts';
import { trainNaiveBayes } from './naiveBayes.ts';
import { indexNeighbours } from './neighbours.ts';
import { type Model, type TrainingRow, trainSoftmax } from './softmax.ts';
import { fitVectorizer } from './vectorizer.ts';

export type Example = { readonly text: string; readonly label: string };

/** The most likely label and the chance (0 to 1) that it is right. */
export type Classification = { readonly label: string; readonly confidence: number };

export type Classifier = (text: string) => Classification;

/** What counts for one class: raw score plus weighted similarity of its nearest example. */
type Ranking = { readonly best: number; readonly margin: number; readonly nearest: number };

const FOLDS = 6;
const WEIGHT_OF_SIMILARITY = 3;
const WEIGHT_OF_BAYES = 1.5;
/** A text less similar than this to every example is out of scope. */
const LEAST_SIMILARITY = 0.1;
/** Two classes closer than this (odds of about 3 to 2) leave the text torn between them. */
const LEAST_MARGIN = 0.4;
/** The most that is claimed for a text that is out of scope or torn. */
const DOUBTFUL = 0.4;

/**
 * Learns from labelled examples: TF-IDF, softmax regression with naive Bayes, and a confidence that is calibrated on examples held
 * out in turn. Deterministic: the same examples in the same order give the same classifier.
 *
 * @returns null when there is nothing to tell apart (fewer than two labels with examples)
 */
export function trainClassifier(examples: readonly Example[]): Classifier | null {
  const labels = [...new Set(examples.map((example) => example.label))];
  if (labels.length < 2) return null;
  const texts = examples.map((example) => example.text);
  const targets = examples.map((example) => labels.indexOf(example.label));
  const vectorizer = fitVectorizer(texts);
  const rows = texts.map((text, at) => ({ vector: vectorizer.vectorize(text), label: targets[at] ?? 0 }));
  const vectors = rows.map((row) => row.vector);
  const neighbours = indexNeighbours(vectors, targets, labels.length);
  const { calibration, claims } = crossValidate();
  const model = trainModel(rows, vectorizer.size, labels.length);
  return (text) => {
    const vector = vectorizer.vectorize(text);
    const ranking = rank(model(vector), neighbours(vector));
    return { label: labels[ranking.best] ?? '', confidence: confidenceOf(ranking, calibration, claims) };
  };

  function crossValidate(): { calibration: Calibration; claims: Float64Array } {
    const folds = groupedFolds(texts, FOLDS);
    const claims = new Float64Array(labels.length);
    const trials = [];
    for (let fold = 0; fold < FOLDS; fold += 1) {
      const kept = rows.filter((_, at) => folds[at] !== fold);
      const model = trainModel(kept, vectorizer.size, labels.length);
      for (const [at, row] of rows.entries()) {
        if (folds[at] !== fold) continue;
        const { best, margin } = rank(
          model(row.vector),
          neighbours(row.vector, (example) => folds[example] !== fold),
        );
        trials.push({ margin, correct: best === row.label });
        claims[best] = (claims[best] ?? 0) + 1;
      }
    }
    return { calibration: calibrate(trials), claims };
  }
}

function trainModel(rows: readonly TrainingRow[], size: number, classes: number): Model {
  const regression = trainSoftmax(rows, size, classes);
  const bayes = trainNaiveBayes(rows, size, classes);
  return (vector) => {
    const other = bayes(vector);
    return regression(vector).map((score, k) => score + WEIGHT_OF_BAYES * (other[k] ?? 0));
  };
}

function rank(logits: Float64Array, nearest: Float64Array): Ranking {
  const scores = logits.map((logit, k) => logit + WEIGHT_OF_SIMILARITY * (nearest[k] ?? 0));
  let best = 0;
  for (const [k, score] of scores.entries()) if (score > (scores[best] ?? 0)) best = k;
  const second = Math.max(...scores.filter((_, k) => k !== best));
  return { best, margin: (scores[best] ?? 0) - second, nearest: Math.max(...nearest) };
}

/** A label claimed n times in trials supports at most (n + 1) / (n + 2), Laplace's rule of succession. */
function confidenceOf(ranking: Ranking, calibration: Calibration, claims: Float64Array): number {
  const trials = claims[ranking.best] ?? 0;
  const most = (trials + 1) / (trials + 2);
  const doubtful = ranking.nearest < LEAST_SIMILARITY || ranking.margin < LEAST_MARGIN;
  return Math.min(calibration(ranking.margin), most, doubtful ? DOUBTFUL : 1);
}
