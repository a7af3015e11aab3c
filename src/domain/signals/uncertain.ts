import { compilePhrases, wordSet } from './pattern.ts';
import { UNCERTAIN_ENGLISH } from './phrases/uncertainEnglish.ts';
import { UNCERTAIN_GERMAN } from './phrases/uncertainGerman.ts';
import { UNCERTAIN_SPANISH } from './phrases/uncertainSpanish.ts';
import type { Token } from './tokens.ts';
import { AGAIN_ANYHOW, LISTS } from './words.ts';

/** The text doubts, leaves the choice open or sets a condition. */
const DOUBTS = compilePhrases([...UNCERTAIN_ENGLISH, ...UNCERTAIN_GERMAN, ...UNCERTAIN_SPANISH], LISTS);

const POLITE_QUESTION = compilePhrases([
  '^ can|could|would|will|may|might you|someone|somebody|i|we|anyone|u',
  '^ is|would it possible|be',
  '^ would|do you mind|be',
  '^ please|kindly|pls|bitte|favor',
  '^ koennt*|kannst|koennen|wuerd*|wuerden|kann sie|du|ihr|jemand|bitte|man|ich',
  '^ puede*|podria*|podeis|podriais|puedes|pueden|podemos|querria*|seria|me|nos|le|por',
]);
const STATUS_OR_ACT = wordSet(
  `${AGAIN_ANYHOW.join(' ')} send run call trigger start execute try again needed necessary resending retrying ` +
    'right correct ok okay yes or even really actually truly wise sense sensible worth nochmal nochmals noch senden starten anstossen aufrufen ' +
    'aufruf erneut noetig notwendig sinnvoll oder richtig enviar llamar intentar volver nuevo vez ejecutar verdad ' +
    'necesario hace correcto no ja nicht',
);
const conditional = wordSet('si');

/** Whether a text doubts, asks whether something should be done, or makes it depend on something. */
export function isUncertain(tokens: readonly Token[]): boolean {
  return (
    DOUBTS(tokens).length > 0 ||
    hasOpenQuestion(tokens) ||
    hasSpanishCondition(tokens) ||
    isUnreadable(tokens)
  );
}

/** A question about doing something, unless it is a polite way to ask for it ("Could you rerun ...?"). */
function hasOpenQuestion(tokens: readonly Token[]): boolean {
  const polite = new Set(POLITE_QUESTION(tokens));
  let start = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === '.') start = at + 1;
    if (token.kind !== '?') continue;
    const asked = tokens.slice(start, at);
    const politely = asked.some((_, offset) => polite.has(start + offset));
    if (!politely && asked.some(STATUS_OR_ACT)) return true;
    start = at + 1;
  }
  return false;
}

const ASKS_SPANISH = wordSet(
  'verificar verifique comprobar compruebe consultar consulte saber pregunta preguntar averiguar',
);

/** `si` is if, `sí` is yes; after "verificar" it is whether, and asks for a check. */
function hasSpanishCondition(tokens: readonly Token[]): boolean {
  return tokens.some((token, at) => {
    if (token.written !== 'si' || !conditional(token)) return false;
    return !tokens.slice(Math.max(0, at - 3), at).some(ASKS_SPANISH);
  });
}

const FOREIGN = new Set(
  (
    'vous votre vos avec sans dans cette cet veuillez pour nous ' +
    'della delle degli gli questo questa senza perche sono non ' +
    'voce nao isso uma seu sua sem depois ' +
    'het een niet voor deze zonder jouw alstublieft ' +
    'prosze nie jest tego przez oraz'
  ).split(' '),
);
const OTHER_SCRIPT = /[^\p{Script=Latin}\p{N}\p{M}_]/u;

/** What is written in a script or language that these lists cannot read has to be read by a person. */
function isUnreadable(tokens: readonly Token[]): boolean {
  const foreign = new Set(tokens.map((token) => token.stripped).filter((word) => FOREIGN.has(word)));
  return foreign.size >= 2 || tokens.some((token) => OTHER_SCRIPT.test(token.stripped));
}
