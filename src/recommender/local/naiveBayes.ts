import type { Model, TrainingRow } from './softmax.ts';

/** Added to every count, so that a term a class has never had does not rule it out. */
const SMOOTHING = 0.05;

/**
 * Complement naive Bayes (Rennie and others, "Tackling the poor assumptions of naive Bayes", 2003): a class scores
 * by how little a text resembles all the others. It errs on other texts than softmax regression does, so the two
 * together know better when to doubt.
 *
 * @param size how many dimensions the vectors have
 * @param classes how many classes; labels are 0 to classes - 1
 */
export function trainNaiveBayes(rows: readonly TrainingRow[], size: number, classes: number): Model {
  const own = new Float64Array(size * classes);
  const all = new Float64Array(size);
  const total = new Float64Array(classes);
  for (const { vector, label } of rows) {
    for (const [at, term] of vector.indices.entries()) {
      const value = vector.values[at] ?? 0;
      own[term * classes + label] = (own[term * classes + label] ?? 0) + value;
      all[term] = (all[term] ?? 0) + value;
      for (let k = 0; k < classes; k += 1) if (k !== label) total[k] = (total[k] ?? 0) + value;
    }
  }
  const weights = own.map((value, at) => {
    const elsewhere = (all[Math.floor(at / classes)] ?? 0) - value + SMOOTHING;
    return -Math.log(Math.max(elsewhere, SMOOTHING) / ((total[at % classes] ?? 0) + SMOOTHING * size));
  });
  return (vector) => {
    const scores = new Float64Array(classes);
    for (const [at, term] of vector.indices.entries()) {
      const value = vector.values[at] ?? 0;
      for (let k = 0; k < classes; k += 1)
        scores[k] = (scores[k] ?? 0) + value * (weights[term * classes + k] ?? 0);
    }
    return scores;
  };
}
