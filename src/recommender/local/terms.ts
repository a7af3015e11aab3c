const WORD = /[\p{L}\p{N}]+/gu;
const HAS_DIGIT = /\p{N}/u;
const MARKS = /\p{M}+/gu;
const SHORTEST_GRAM = 3;
const LONGEST_GRAM = 5;

/** The terms of a text with their counts, in two families that are weighted apart. */
export type Terms = {
  readonly words: ReadonlyMap<string, number>;
  readonly chars: ReadonlyMap<string, number>;
};

/** The words of a text: lower case, without accents, every number (or code that holds one) as `#`. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(MARKS, '').toLowerCase();
  return (plain.match(WORD) ?? []).map((word) => (HAS_DIGIT.test(word) ? '#' : word));
}

/** Word 1- and 2-grams, and character 3- to 5-grams inside word borders. */
export function termsOf(text: string): Terms {
  const tokens = wordsOf(text);
  const words = new Map<string, number>();
  const chars = new Map<string, number>();
  let previous = '^';
  for (const token of tokens) {
    count(words, token);
    count(words, `${previous} ${token}`);
    previous = token;
    countGrams(chars, `_${token}_`);
  }
  return { words, chars };
}

function countGrams(counts: Map<string, number>, padded: string): void {
  for (let length = SHORTEST_GRAM; length <= LONGEST_GRAM; length += 1) {
    for (let start = 0; start + length <= padded.length; start += 1) {
      count(counts, padded.slice(start, start + length));
    }
  }
}

function count(counts: Map<string, number>, term: string): void {
  counts.set(term, (counts.get(term) ?? 0) + 1);
}
