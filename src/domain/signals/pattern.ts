import type { Token } from './tokens.ts';

/**
 * A phrase to look for. Elements stand apart by blanks:
 * `word|other|stem*` one word of these; `@name` one word of a named list; `..3` up to three words in between;
 * `~3` the same, also across commas and line ends; `^` here a clause begins; `$` here one ends;
 * `!a|b` none of these among the eight words before, in the same clause.
 */
export type Phrase = string;

/** Finds where in a text a phrase begins: indices of tokens, in order. */
export type Finder = (tokens: readonly Token[]) => number[];

type Element =
  | {
      readonly kind: 'words';
      readonly has: (token: Token) => boolean;
      readonly exact: readonly string[];
      readonly stems: readonly string[];
    }
  | { readonly kind: 'gap'; readonly most: number; readonly acrossCommas: boolean }
  | { readonly kind: 'begins' | 'ends' }
  | { readonly kind: 'without'; readonly has: (token: Token) => boolean };

type Matcher = readonly Element[];

const LOOK_BACK = 8;
const SHORTEST_STEM = 2;
/** Words after which a clause begins as it does after a comma. */
const OPENERS = wordSet(
  'please pls plz kindly but so and then therefore hence just also really ok okay thus still now ' +
    'bitte aber also daher deshalb darum und dann nun denn sondern doch ' +
    'favor pero y e entonces luego asi ahora',
);

/** Words, blank-separated, as a test for a token; a word that ends in `*` is a stem. */
export function wordList(words: string): readonly string[] {
  return words.split(/\s+/).filter((word) => word !== '');
}

/** A test whether a token is one of the words. */
export function wordSet(words: string): (token: Token) => boolean {
  return testOf(wordList(words));
}

function testOf(words: readonly string[]): (token: Token) => boolean {
  const exact = new Set(words.filter((word) => !word.endsWith('*')));
  const stems = new Set(words.filter((word) => word.endsWith('*')).map((word) => word.slice(0, -1)));
  const lengths = [...new Set([...stems].map((stem) => stem.length))];
  const known = (word: string): boolean =>
    exact.has(word) || lengths.some((length) => word.length >= length && stems.has(word.slice(0, length)));
  return (token) =>
    token.kind === 'word' && (known(token.word) || (token.stripped !== token.word && known(token.stripped)));
}

/**
 * Compiles phrases into one finder whose time is linear in the length of the text: every gap is bounded.
 *
 * @param lists the word lists that the phrases name with `@`
 * @throws Error when a phrase names a list that is not there, or does not hold a word
 */
export function compilePhrases(
  phrases: readonly Phrase[],
  lists: Readonly<Record<string, readonly string[]>> = {},
): Finder {
  const byWord = new Map<string, Matcher[]>();
  const byStem = new Map<string, Matcher[]>();
  for (const phrase of phrases) {
    const matcher = phrase.split(/\s+/).map((element) => compileElement(element, lists));
    const first = matcher.find((element) => element.kind === 'words');
    if (first?.kind !== 'words') throw new Error(`The phrase "${phrase}" has no word`);
    for (const word of first.exact) add(byWord, word, matcher);
    for (const stem of first.stems) add(byStem, stem, matcher);
  }
  const longest = Math.max(SHORTEST_STEM, ...[...byStem.keys()].map((stem) => stem.length));
  const candidates = (word: string): Matcher[] => {
    const found = [...(byWord.get(word) ?? [])];
    for (let length = SHORTEST_STEM; length <= Math.min(longest, word.length); length += 1) {
      found.push(...(byStem.get(word.slice(0, length)) ?? []));
    }
    return found;
  };
  return (tokens) => {
    const found: number[] = [];
    for (const [at, token] of tokens.entries()) {
      if (token.kind !== 'word') continue;
      const matchers = candidates(token.word);
      if (token.stripped !== token.word) matchers.push(...candidates(token.stripped));
      if (matchers.some((matcher) => matches(matcher, 0, tokens, at))) found.push(at);
    }
    return found;
  };
}

function add(index: Map<string, Matcher[]>, key: string, matcher: Matcher): void {
  const list = index.get(key);
  if (list === undefined) index.set(key, [matcher]);
  else list.push(matcher);
}

function compileElement(text: string, lists: Readonly<Record<string, readonly string[]>>): Element {
  if (text === '^') return { kind: 'begins' };
  if (text === '$') return { kind: 'ends' };
  const gap = /^(\.\.|~)(\d{1,2})$/.exec(text);
  if (gap !== null) return { kind: 'gap', most: Number(gap[2]), acrossCommas: gap[1] === '~' };
  const negative = text.startsWith('!');
  const words = (negative ? text.slice(1) : text).split('|').flatMap((word) => {
    if (!word.startsWith('@')) return [word];
    const list = lists[word.slice(1)];
    if (list === undefined) throw new Error(`There is no word list ${word}`);
    return list;
  });
  const has = testOf(words);
  if (negative) return { kind: 'without', has };
  return {
    kind: 'words',
    has,
    exact: words.filter((word) => !word.endsWith('*')),
    stems: words.filter((word) => word.endsWith('*')).map((word) => word.slice(0, -1)),
  };
}

function matches(matcher: Matcher, from: number, tokens: readonly Token[], at: number): boolean {
  const element = matcher[from];
  if (element === undefined) return true;
  const token = tokens[at];
  switch (element.kind) {
    case 'words':
      return token !== undefined && element.has(token) && matches(matcher, from + 1, tokens, at + 1);
    case 'begins':
      return beginsClause(tokens, at) && matches(matcher, from + 1, tokens, at);
    case 'ends':
      return (token === undefined || token.kind !== 'word') && matches(matcher, from + 1, tokens, at);
    case 'without':
      return !clauseBefore(tokens, at).some(element.has) && matches(matcher, from + 1, tokens, at);
    default:
      return matchesAfterGap(element, matcher, from, tokens, at);
  }
}

function matchesAfterGap(
  gap: { readonly most: number; readonly acrossCommas: boolean },
  matcher: Matcher,
  from: number,
  tokens: readonly Token[],
  at: number,
): boolean {
  let position = at;
  for (let skipped = 0; skipped <= gap.most; ) {
    if (matches(matcher, from + 1, tokens, position)) return true;
    const token = tokens[position];
    if (token === undefined) return false;
    if (token.kind === 'word') skipped += 1;
    else if (token.kind === ',' && gap.acrossCommas) skipped += 0.5;
    else return false;
    position += 1;
  }
  return false;
}

function beginsClause(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  return before === undefined || before.kind !== 'word' || OPENERS(before);
}

function clauseBefore(tokens: readonly Token[], at: number): readonly Token[] {
  let start = at;
  while (start > 0 && at - start < LOOK_BACK && tokens[start - 1]?.kind === 'word') start -= 1;
  return tokens.slice(start, at);
}
