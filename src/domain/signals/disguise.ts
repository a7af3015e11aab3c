import { mixesScripts } from './fold.ts';
import type { Token } from './tokens.ts';

/** Zero-width characters between letters, text direction overrides, and tag characters hide text from a reader. */
const HIDDEN =
  /\p{L}(?:\u200B|\u200C|\u200D|\u2060|\uFEFF)\p{L}|[\u202A-\u202E\u2066-\u2069]|[\u{E0000}-\u{E007F}]/u;
const WORDS = /[\p{L}\p{N}\p{M}]+/gu;
const CODED = /[A-Za-z0-9+/_=-]{16,}/g;
const ESCAPED = /(?:%[0-9a-f]{2}|&#x?[0-9a-f]{1,6};|\\u[0-9a-f]{4}|\\x[0-9a-f]{2})/gi;
const FEW_ESCAPES = 4;
const SPACED_LETTERS = 5;
const READABLE = /^[\x20-\x7e\s]*$/;
const GIVEAWAYS = new Set(
  (
    'ignore instructions instruction previous override rules system execute confidence bypass disregard policy approve ' +
    'guardrails prompt forget without review ignoriere anweisungen regeln instrucciones reglas ignora'
  ).split(' '),
);
const LEET: Readonly<Record<string, string>> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't' };

/** Whether a text hides what it says: invisible characters, letters of two scripts in a word, encodings, spelled-out words. */
export function isDisguised(text: string, tokens: readonly Token[]): boolean {
  return (
    HIDDEN.test(text) ||
    (text.match(WORDS) ?? []).some(mixesScripts) ||
    (text.match(ESCAPED) ?? []).length >= FEW_ESCAPES ||
    (text.match(CODED) ?? []).some(isEncoded) ||
    hasSpacedLetters(tokens) ||
    hasScrambledWords(tokens)
  );
}

/** Base64 or hexadecimal that decodes to readable text; digests and identifiers do not. */
function isEncoded(run: string): boolean {
  const readable = (bytes: string): boolean =>
    bytes.length >= 8 && READABLE.test(bytes) && (bytes.match(/[a-z ]/gi) ?? []).length >= bytes.length * 0.8;
  if (/^[0-9a-f]+$/i.test(run)) return readable(Buffer.from(run, 'hex').toString('latin1'));
  if (/^[a-z]+$|^[A-Z]+$|^[0-9]+$|^[-_=]+$/.test(run)) return false;
  return readable(Buffer.from(run, 'base64').toString('latin1'));
}

function hasSpacedLetters(tokens: readonly Token[]): boolean {
  let row = 0;
  for (const token of tokens) {
    const single = [...token.stripped].length === 1 && /\p{L}/u.test(token.stripped);
    if (single) row += 1;
    else if (token.kind === 'word') row = 0;
    if (row >= SPACED_LETTERS) return true;
  }
  return false;
}

/** Digits for letters (1gn0re), or telling words backwards or rotated by 13. */
function hasScrambledWords(tokens: readonly Token[]): boolean {
  let scrambled = 0;
  for (const { stripped } of tokens) {
    if (stripped.length < 5 || stripped.length > 20) continue;
    if (
      /[0-9]/.test(stripped) &&
      GIVEAWAYS.has(stripped.replace(/[013457]/g, (digit) => LEET[digit] ?? digit))
    )
      return true;
    if (GIVEAWAYS.has(rotate(stripped)) || GIVEAWAYS.has([...stripped].reverse().join(''))) scrambled += 1;
  }
  return scrambled >= 2;
}

const rotate = (word: string): string =>
  word.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97));
