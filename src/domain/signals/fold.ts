/** Latin letters that Cyrillic and Greek ones pass for (the common part of Unicode TR39's confusables). */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  (
    'аa вb сc ԁd еe ғf ԍg һh нh іi їi јj кk ӏl мm пn оo рp ԛq гr ѕs тt уu ѵv ԝw хx үy ᴢz ' +
    'αa βb ςc δd εe ηn γy ιi κk νv οo ρp σo τt υu χx ωw μu ζz ' +
    'ıi ȷj łl øo đd ħh ŧt ɡg ɑa ƙk'
  )
    .split(' ')
    .map((pair): [string, string] => [pair.slice(0, -1), pair.slice(-1)]),
);

const UMLAUTS: ReadonlyMap<string, string> = new Map([
  ['ä', 'ae'],
  ['ö', 'oe'],
  ['ü', 'ue'],
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
]);

const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
const MARKS = /\p{M}/gu;
const LATIN = /\p{Script=Latin}/u;

/** Compatibility forms made one (NFKC), invisible characters taken out, lower case. */
export function plainText(text: string): string {
  return text.normalize('NFKC').replace(INVISIBLE, '').toLowerCase();
}

/** A word in ASCII as a German would spell it: ae for ä, ss for ß, other accents dropped, look-alikes as Latin. */
export function foldWord(word: string): string {
  let spelled = '';
  for (const letter of word) spelled += UMLAUTS.get(letter) ?? letter;
  return stripWord(spelled);
}

/** A word with every accent dropped (a for ä) and look-alikes of Latin letters as Latin. */
export function stripWord(word: string): string {
  let stripped = '';
  for (const letter of word.normalize('NFKD').replace(MARKS, ''))
    stripped += LOOKALIKES.get(letter) ?? letter;
  return stripped;
}

/** Whether a word mixes Latin letters with look-alikes of another script: nobody types that by accident. */
export function mixesScripts(word: string): boolean {
  let latin = false;
  let foreign = false;
  for (const letter of word.normalize('NFKC').toLowerCase()) {
    if (LATIN.test(letter)) latin = true;
    else if (LOOKALIKES.has(letter) && letter !== 'µ' && letter !== 'μ') foreign = true;
  }
  return latin && foreign;
}
