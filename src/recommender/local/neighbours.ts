import type { SparseVector } from './vectorizer.ts';

/**
 * For one vector and each class, the cosine similarity of the nearest example of that class (0 to 1).
 *
 * @param accepts which examples may be looked at, by index; all when absent
 */
export type Neighbours = (vector: SparseVector, accepts?: (example: number) => boolean) => Float64Array;

type Posting = { readonly example: number; readonly value: number };

/** Indexes the examples by term, so that a look-up touches only those that share a term with the vector. */
export function indexNeighbours(
  vectors: readonly SparseVector[],
  labels: readonly number[],
  classes: number,
): Neighbours {
  const postings = new Map<number, Posting[]>();
  for (const [example, { indices, values }] of vectors.entries()) {
    for (const [at, term] of indices.entries()) {
      const list = postings.get(term);
      const posting = { example, value: values[at] ?? 0 };
      if (list === undefined) postings.set(term, [posting]);
      else list.push(posting);
    }
  }
  return (vector, accepts = () => true) => {
    const nearest = new Float64Array(classes);
    for (const [example, similarity] of similarities(vector, postings, vectors.length).entries()) {
      const label = labels[example] ?? 0;
      if (similarity > (nearest[label] ?? 0) && accepts(example)) nearest[label] = similarity;
    }
    return nearest;
  };
}

function similarities(
  { indices, values }: SparseVector,
  postings: ReadonlyMap<number, readonly Posting[]>,
  examples: number,
): Float64Array {
  const sums = new Float64Array(examples);
  for (const [at, term] of indices.entries()) {
    const value = values[at] ?? 0;
    for (const posting of postings.get(term) ?? []) {
      sums[posting.example] = (sums[posting.example] ?? 0) + value * posting.value;
    }
  }
  return sums;
}
