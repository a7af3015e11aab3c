import { type Terms, termsOf } from './terms.ts';

/** A sparse vector: `indices[i]` holds `values[i]`. Its length is at most 1: what the vocabulary lacks is missing. */
export type SparseVector = { readonly indices: Int32Array; readonly values: Float64Array };

/** Turns texts into TF-IDF vectors over the vocabulary of the texts that it was fitted on. */
export type Vectorizer = { readonly size: number; readonly vectorize: (text: string) => SparseVector };

type Entry = { readonly index: number; readonly weight: number };
type Family = keyof Terms;
const FAMILIES: readonly Family[] = ['words', 'chars'];

/** Each family's share of the squared length. */
const SHARE: Readonly<Record<Family, number>> = { words: 0.5, chars: 0.5 };

/**
 * Learns vocabulary and inverse document frequencies (smoothed, as scikit-learn has them).
 * Terms that it has never seen count in a vector's length, so a text full of unknown words is far from everything.
 */
export function fitVectorizer(texts: readonly string[]): Vectorizer {
  const frequencies = { words: new Map<string, number>(), chars: new Map<string, number>() };
  for (const text of texts) {
    const terms = termsOf(text);
    for (const family of FAMILIES) {
      for (const term of terms[family].keys()) {
        frequencies[family].set(term, (frequencies[family].get(term) ?? 0) + 1);
      }
    }
  }
  let size = 0;
  const inverse = (frequency: number): number => Math.log((1 + texts.length) / (1 + frequency)) + 1;
  const vocabulary = { words: new Map<string, Entry>(), chars: new Map<string, Entry>() };
  for (const family of FAMILIES) {
    for (const [term, frequency] of frequencies[family]) {
      vocabulary[family].set(term, { index: size, weight: inverse(frequency) });
      size += 1;
    }
  }
  const unseen = inverse(0);
  return { size, vectorize: (text) => vectorize(termsOf(text), vocabulary, unseen) };
}

function vectorize(
  terms: Terms,
  vocabulary: Readonly<Record<Family, ReadonlyMap<string, Entry>>>,
  unseen: number,
): SparseVector {
  const indices: number[] = [];
  const values: number[] = [];
  for (const family of FAMILIES) {
    const start = values.length;
    let squares = 0;
    for (const [term, count] of terms[family]) {
      const entry = vocabulary[family].get(term);
      const value = (1 + Math.log(count)) * (entry?.weight ?? unseen);
      squares += value * value;
      if (entry === undefined) continue;
      indices.push(entry.index);
      values.push(value);
    }
    const scale = Math.sqrt(SHARE[family] / (squares || 1));
    for (let at = start; at < values.length; at += 1) values[at] = (values[at] ?? 0) * scale;
  }
  return { indices: Int32Array.from(indices), values: Float64Array.from(values) };
}
