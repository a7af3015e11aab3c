import { foldWord, plainText, stripWord } from './fold.ts';

/** A word in its spellings, or a mark: `.` ends a sentence, `?` a question, `:` and `,` a clause. */
export type Token = {
  readonly kind: 'word' | '.' | '?' | ':' | ',';
  /** Lower case, umlauts as ae, oe, ue; other accents dropped. Empty for a mark. */
  readonly word: string;
  /** Lower case, every accent dropped. */
  readonly stripped: string;
  /** Lower case as written. */
  readonly written: string;
};

const PIECES = /[\p{L}\p{N}\p{M}_]+|\r?\n|[^\s]/gu;
/** A dash, bullet or slash that stands alone. */
const BULLETS = /(?<=^|\s)[-*/>·•–—]+(?=\s)/gu;
const AMPERSAND = /&(?!#)|(?<=\s)\+(?=\s)/g;
const WORD_START = /^[\p{L}\p{N}\p{M}_]/u;
const MARKS: Readonly<Record<string, Token['kind']>> = {
  '.': '.',
  '!': '.',
  ';': '.',
  '…': '.',
  '。': '.',
  '¡': '.',
  '¿': '.',
  '?': '?',
  '？': '?',
  ':': ':',
  ',': ',',
  '(': ',',
  ')': ',',
  '–': ',',
  '—': ',',
  '|': ',',
  '•': ',',
};

/** Splits a text into words and marks. English contractions are spelled out; quotes and other signs are dropped. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pieces = plainText(text).replace(BULLETS, ', ').replace(AMPERSAND, ' and ').match(PIECES) ?? [];
  for (const [at, piece] of pieces.entries()) {
    if (WORD_START.test(piece)) addWord(tokens, piece, pieces[at - 1], pieces[at - 2]);
    else addMark(tokens, piece, pieces[at - 1], pieces[at + 1]);
  }
  return tokens;
}

function addWord(
  tokens: Token[],
  piece: string,
  before: string | undefined,
  first: string | undefined,
): void {
  const last = tokens.at(-1);
  if ((before === "'" || before === '’' || before === '`' || before === '´') && last?.kind === 'word') {
    if (piece === 't' && last.word.endsWith('n')) {
      tokens.pop();
      for (const word of spellOut(`${last.word}t`)) tokens.push(wordToken(word));
      return;
    }
  }
  if (before === '-' && first === 're' && last?.word === 're') {
    tokens.pop();
    tokens.push(wordToken(`re${piece}`));
    return;
  }
  for (const word of spellOut(piece)) tokens.push(wordToken(word));
}

const SHORT_FORMS: Readonly<Record<string, readonly string[]>> = {
  wont: ['will', 'not'],
  cant: ['can', 'not'],
  cannot: ['can', 'not'],
  shant: ['shall', 'not'],
  aint: ['is', 'not'],
  dunno: ['do', 'not', 'know'],
};
const CONTRACTED = new Set(
  'dont doesnt didnt isnt arent wasnt werent shouldnt wouldnt couldnt mustnt neednt hasnt havent hadnt mightnt'.split(
    ' ',
  ),
);

function spellOut(word: string): readonly string[] {
  if (CONTRACTED.has(word)) return [word.slice(0, -2), 'not'];
  return Object.hasOwn(SHORT_FORMS, word) ? (SHORT_FORMS[word] ?? [word]) : [word];
}

function wordToken(written: string): Token {
  return { kind: 'word', word: foldWord(written), stripped: stripWord(written), written };
}

function addMark(
  tokens: Token[],
  piece: string,
  before: string | undefined,
  after: string | undefined,
): void {
  const newline = piece.endsWith('\n');
  const kind = newline ? ',' : MARKS[piece];
  if (kind === undefined) return;
  const last = tokens.at(-1);
  if (newline && before?.endsWith('\n') === true && last?.kind === ',') tokens.pop();
  else if (piece === '.' && after !== undefined && isNumber(before) && isNumber(after)) return;
  const blankLine = newline && before?.endsWith('\n') === true;
  tokens.push({ kind: blankLine ? '.' : kind, word: '', stripped: '', written: '' });
}

const isNumber = (piece: string | undefined): boolean => piece !== undefined && /^\p{N}/u.test(piece);
