import { wordsOf } from './terms.ts';

/** Two texts whose word sets overlap at least this much (Jaccard) are near-duplicates. */
const NEAR_DUPLICATE = 0.5;

/**
 * Deals texts into folds so that near-duplicates always share one: otherwise a held-out text would have its twin
 * among the training texts and the measured figures would flatter.
 *
 * @returns for each text the number of its fold, 0 to folds - 1
 */
export function groupedFolds(texts: readonly string[], folds: number): number[] {
  const groups = groupNearDuplicates(texts);
  const foldOfGroup = new Map<number, number>();
  return groups.map((group) => {
    const fold = foldOfGroup.get(group) ?? foldOfGroup.size % folds;
    foldOfGroup.set(group, fold);
    return fold;
  });
}

/** For each text the index of the first text of its group; groups close over chains of near-duplicates. */
function groupNearDuplicates(texts: readonly string[]): number[] {
  const sets = texts.map((text) => new Set(wordsOf(text)));
  const parent = texts.map((_, index) => index);
  const root = (index: number): number => {
    let at = index;
    while (parent[at] !== at) at = parent[at] ?? at;
    return at;
  };
  for (const [second, words] of sets.entries()) {
    for (let first = 0; first < second; first += 1) {
      if (jaccard(sets[first] ?? new Set(), words) < NEAR_DUPLICATE) continue;
      const [low, high] = [root(first), root(second)].sort((a, b) => a - b);
      parent[high ?? second] = low ?? first;
    }
  }
  return texts.map((_, index) => root(index));
}

function jaccard(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  if (small.size < NEAR_DUPLICATE * large.size) return 0;
  let shared = 0;
  for (const word of small) if (large.has(word)) shared += 1;
  return shared / (one.size + other.size - shared || 1);
}
