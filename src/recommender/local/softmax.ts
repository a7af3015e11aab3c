import type { SparseVector } from './vectorizer.ts';

/** Gives each class's raw score (logit) for a vector. */
export type Model = (vector: SparseVector) => Float64Array;

export type TrainingRow = { readonly vector: SparseVector; readonly label: number };

const EPOCHS = 10;
const FIRST_STEP = 8;
const BIAS_SHARE = 0.01;

/**
 * Multinomial logistic regression by stochastic gradient descent. Deterministic: the order of the rows in each
 * pass comes from a fixed sequence.
 *
 * @param size how many dimensions the vectors have
 * @param classes how many classes; labels are 0 to classes - 1
 */
export function trainSoftmax(rows: readonly TrainingRow[], size: number, classes: number): Model {
  const weights = new Float64Array(size * classes);
  const bias = new Float64Array(classes);
  const order = rows.map((_, index) => index);
  const shuffle = shuffler();
  const logits = new Float64Array(classes);
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    shuffle(order);
    const step = FIRST_STEP / (1 + epoch / 10);
    for (const index of order) {
      const row = rows[index];
      if (row === undefined) continue;
      score(row.vector, weights, bias, logits);
      const gradient = softmax(logits);
      gradient[row.label] = (gradient[row.label] ?? 0) - 1;
      descend(row.vector, gradient, step, weights, bias);
    }
  }
  return (vector) => {
    const result = new Float64Array(classes);
    score(vector, weights, bias, result);
    return result;
  };
}

/** Probabilities from raw scores. */
function softmax(logits: Float64Array): Float64Array {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function score(vector: SparseVector, weights: Float64Array, bias: Float64Array, into: Float64Array): void {
  const classes = bias.length;
  into.set(bias);
  const { indices, values } = vector;
  for (let at = 0; at < indices.length; at += 1) {
    const base = (indices[at] ?? 0) * classes;
    const value = values[at] ?? 0;
    for (let k = 0; k < classes; k += 1) into[k] = (into[k] ?? 0) + (weights[base + k] ?? 0) * value;
  }
}

function descend(
  vector: SparseVector,
  gradient: Float64Array,
  step: number,
  weights: Float64Array,
  bias: Float64Array,
): void {
  const classes = bias.length;
  const { indices, values } = vector;
  for (let at = 0; at < indices.length; at += 1) {
    const base = (indices[at] ?? 0) * classes;
    const change = step * (values[at] ?? 0);
    for (let k = 0; k < classes; k += 1) {
      weights[base + k] = (weights[base + k] ?? 0) - change * (gradient[k] ?? 0);
    }
  }
  for (let k = 0; k < classes; k += 1) bias[k] = (bias[k] ?? 0) - BIAS_SHARE * step * (gradient[k] ?? 0);
}

/** Fisher-Yates over a linear congruential sequence with a fixed seed (constants of Numerical Recipes). */
function shuffler(): (items: number[]) => void {
  let state = 20_240_601;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  return (items) => {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const other = below(last + 1);
      const kept = items[last] ?? 0;
      items[last] = items[other] ?? 0;
      items[other] = kept;
    }
  };
}
