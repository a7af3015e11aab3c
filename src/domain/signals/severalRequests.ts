import { hasCompanion } from './coordination.ts';
import { compilePhrases, wordSet } from './pattern.ts';
import { findAsks } from './requests.ts';
import type { Token } from './tokens.ts';
import { AGAIN_ANYHOW } from './words.ts';

/** The text itself says that there is more than one thing to do. */
const COUNTS = compilePhrases(
  [
    'two|three|four|five|several|multiple|few|couple|some|many things|requests|tasks|points|items|actions|asks|issues|jobs|topics|steps',
    'couple of things|requests|tasks|points',
    'both things|requests|tasks|of',
    'while|whilst|since|as you|we ..2 at it|that|this',
    'while you|we are there|here|on',
    'one|another more|other|last thing|request|task',
    'another thing|request|task',
    'as well as ..1 @do',
    'same goes|applies|for',
    'on top of that',
    'and|then|plus also|additionally|then|afterwards|subsequently ..2 @do',
    'also|additionally|furthermore|moreover|besides ..1 please|pls|kindly|need|needs|can|could|have|get|make|@do',
    'in addition|parallel',
    'apart|aside from',
    'once|when|after|if|as|soon ..5 done|through|finished|complete|completed|successful|succeeded|worked|works|over|goes|went ..2 @do',
    'closing|refunding|cancelling|canceling|updating|informing|notifying|deleting|paying|changing|mailing|emailing ..6 afterwards|after|too|then|well|next',
    '@repeat ~9 with|using the|a|her|his|their|its|corrected|new ..1 new|corrected|updated|changed|different|adjusted|amended|right|revised',
    'need|needs|want|wants|require|requires the|a|his|her|their ..2 changed|updated|cancelled|closed|refunded|deleted|corrected|sent|released',
    '@repeat ~12 and a|an|the|his|her ..1 letter|refund|email|mail|copy|confirmation|reminder|invoice|callback|credit|cancellation|update|note|payout|discount',
    'oh and',
    'and the|a|an|his|her|their|our customer|broker|policyholder|client|insured|case|claim|policy|fee|ticket|invoice|address|payout ..2 should|must|needs|wants|has|gets|be|ought|requires|is',
    'customer|client|broker|insured|policyholder also ..2 moved|changed|wants|needs|asks|has|asked|called|complains|complained',
    'once|when|after|as|soon ..1 you|it|we|that|this ..2 have|is|has|got|get|goes|went ~5 @do|put|give|place|store|attach',
    'and|plus also',
    'after|following|once|upon ..3 @repeat ~6 @do',
    'part|item|point|task|step|ask|request|second|next|another two|ii|b|step|thing|request|task|item|point|issue',
    'secondly|thirdly|zweitens|drittens',
    'on another|unrelated note|topic|subject|matter',
    'unrelated|separately|separate $',
    'in one|same go|breath',
    '@repeat ~9 including|incl the|a|his|her|changed|new|corrected|updated',
    'all|every|each|alle|jede|jeden|todas|todos|cada ..2 policies|policy|cases|contracts|claims|customers|policen|vertraege|faelle|vorgaenge|polizas|expedientes|contratos|clientes',
    'copy ..3 to|for|me|him|her|the ..1 customer|broker|me|us|him|her|legal|finance|accounting',
    'besides that|this|the',
    'not only ..9 but',
    'both ..6 and',
    'by the way',
    'btw|ps',
    'after|once that|this|which|done|finished ..1 please|also|you|@do|the',
    'followed by',
    'together|along with ..3 refund|payout|cancellation|closure|change|update|address|confirmation|letter|closing',
    'at the same time',
    'do|does not forget to',
    'make sure|certain ..1 to|that|the|he|she|it|they|customer',
    'see to it',
    '@do ..8 as well',
    '@do ..8 too $',
    'customer|client|broker|policyholder|he|she|insured also|additionally ..1 wants|needs|asks|requests|would|asked|wanted|requires',
    'need|needs|want|wants|like ..1 a|an ..6 and a|an|the|his|her|their',
    'and|then finally|lastly',
    'after|when that|this|which|done|finished ..1 please|also|@do',
    'zwei|drei|mehrere|vier|folgende|einige dinge|sachen|punkte|anliegen|bitten|aufgaben|themen|auftraege',
    'ausserdem|zusaetzlich|zudem|ferner|obendrein|nebenbei|desweiteren|sodann',
    'darueber hinaus',
    'des weiteren',
    'sowohl ..6 als',
    'bekommt|erhaelt|kriegt ..3 kopie|bestaetigung|rechnung|mail|gutschrift|nachricht',
    '@repeat ~9 mit der|dem|den|neuer|neuen|neuem|korrigierten|korrigierter|geaenderten|geaenderter ..1 neuen|neuer|korrigierten|geaenderten|adresse|iban|bankverbindung',
    'zuerst|erst|erstens ..9 dann|danach|zweitens|anschliessend',
    'erst ~9 dann',
    'im anschluss',
    'nebenher|uebrigens|zugleich|gleichzeitig',
    'auch noch',
    'bitte auch',
    'bei der gelegenheit',
    'und danach|anschliessend|dann|auch|ausserdem|zusaetzlich|gleichzeitig|gleich|nebenbei',
    'danach|anschliessend|hinterher ..6 @do_de',
    'wenn|sobald ..2 schon|dabei ..2 dabei|sind|bist',
    'dos|tres|varias|algunas|cuatro cosas|peticiones|solicitudes|tareas|asuntos|gestiones',
    'ademas|asimismo|adicionalmente|igualmente|aparte',
    'y ..1 luego|despues|tambien|posteriormente|entonces',
    'luego|despues|tambien ..1 @do_es',
    'de paso',
    '@repeat ~9 y ..1 de|dar|des de baja|alta',
    'asi como',
    'primero ~9 luego|despues|segundo',
    '@repeat ~9 con la|el|los|las ..1 nueva|nuevo|nuevos|nuevas|corregid*|correct*',
    'junto con',
    'al mismo tiempo',
    'a la vez',
    'aprovech*',
    'tanto ..6 como',
    'no solo ..9 sino',
    'por otro|otra lado|parte',
  ],
  {
    repeat: AGAIN_ANYHOW.concat('again', 'send', 'vuelva', 'volver', 'nochmal', 'erneut'),
    do: (
      'retry rerun resend close cancel refund pay update change delete escalate send email mail notify inform call release ' +
      'waive approve request ask add remove reopen transfer issue create book forward tell check confirm set adjust correct ' +
      'terminate block increase raise reset credit wire archive mark open move assign reimburse record'
    ).split(' '),
    do_de: (
      'schliessen kuendigen stornieren erstatten ueberweisen aendern aktualisieren korrigieren eintragen loeschen sperren anfordern ' +
      'informieren benachrichtigen anrufen mitteilen eskalieren genehmigen freigeben erstellen anlegen auszahlen archivieren melden'
    ).split(' '),
    do_es: (
      'cerrar cierre cancelar cancele devolver devuelva actualizar actualice cambiar cambie borrar borre eliminar elimine avisar avise ' +
      'informar informe notificar notifique pagar pague enviar envie solicitar solicite pedir pida escalar escale aprobar apruebe abonar abone'
    ).split(' '),
  },
);

const again = wordSet(AGAIN_ANYHOW.join(' '));
const AND = wordSet('and und y e sowie plus &');

/** Whether a text asks for more than one thing. */
export function asksSeveral(tokens: readonly Token[]): boolean {
  if (COUNTS(tokens).length > 0 || isNumberedList(tokens) || namesSeveral(tokens)) return true;
  const asks = findAsks(tokens);
  const repetition = asks.find((ask) => ask.kind === 'again')?.at ?? tokens.findIndex(again);
  if (repetition >= 0 && hasCompanion(tokens, repetition)) return true;
  const kinds = new Set(asks.map((ask) => ask.kind));
  if (kinds.has('again') && !hasOwnObject(tokens)) kinds.delete('run');
  return kinds.size >= 2;
}

/** After "and", a second verb of sending or running stands for a second request: "retry the call and send a letter". */
function hasOwnObject(tokens: readonly Token[]): boolean {
  return tokens.some(
    (token, at) =>
      AND(token) && findAsks(tokens.slice(at + 1, at + 6)).some((ask) => ask.kind === 'run' && ask.at <= 1),
  );
}

/** "1. ... 2. ..." or "a) ... b) ...": a list of at least two. */
function isNumberedList(tokens: readonly Token[]): boolean {
  let expected = 1;
  for (const [at, token] of tokens.entries()) {
    const marked =
      tokens[at + 1]?.kind === '.' || tokens[at + 1]?.kind === ',' || tokens[at + 1]?.kind === ':';
    const begins = at === 0 || tokens[at - 1]?.kind !== 'word' || expected === 2;
    if (marked && begins && (token.word === String(expected) || token.word === 'abc'[expected - 1]))
      expected += 1;
    if (expected > 2) return true;
  }
  return false;
}

const IDENTIFIED = wordSet(
  'and for on the fuer para la und y policy policies case cases contract contracts claim claims police policen vorgang vertrag poliza polizas expediente fall faelle vorgaenge vertraege',
);

/** "policies 4711 and 4712", "4711, 4712": the same thing for two of them is two requests. */
function namesSeveral(tokens: readonly Token[]): boolean {
  const isId = (token: Token | undefined): boolean => /^\p{N}{3,}$/u.test(token?.word ?? '');
  return tokens.some((token, at) => {
    if (!(AND(token) || token.kind === ',') || !isId(tokens[at - 1])) return false;
    let next = at + 1;
    while (next <= at + 3 && tokens[next] !== undefined && IDENTIFIED(tokens[next] ?? token)) next += 1;
    return isId(tokens[next]);
  });
}
