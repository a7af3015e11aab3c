import { compilePhrases, wordSet } from './pattern.ts';
import { NEGATED_ENGLISH } from './phrases/negatedEnglish.ts';
import { NEGATED_GERMAN } from './phrases/negatedGerman.ts';
import { NEGATED_SPANISH } from './phrases/negatedSpanish.ts';
import type { Token } from './tokens.ts';
import { AGAIN_ANYHOW, CLOSING, LISTS } from './words.ts';

/** The text says that something shall not be done, wherever it stands. */
const FORBIDS = compilePhrases([...NEGATED_ENGLISH, ...NEGATED_GERMAN, ...NEGATED_SPANISH], LISTS);

/** The text says that it is needless or done already; a wish to close the case says the same and negates nothing. */
const NEEDLESS = compilePhrases(
  [
    'no ..1 need|needs|reason|point|use|sense|necessity',
    'not ..2 needed|necessary|required|wanted|worth|advisable|wise|warranted|desired',
    'unnecessary|needless|pointless|superfluous|redundant',
    'nothing ..3 do|needed|required|done|happen',
    'no ..1 action|intervention|activity',
    '!not|never|did|if|whether|check already|meanwhile|earlier|since|just ..3 through|done|sent|resent|processed|succeeded|successful|successfully|retried|completed|complete|worked|handled|solved|resolved|delivered|accepted|executed|taken|settled|repeated|rerun|resubmitted|restarted|triggered|fixed|recovered|cleared|manually',
    '!not|never|did|if|whether went|gone|go|came|came through already|fine|eventually|now|meanwhile|since|successfully|in|on|after|ok|okay $',
    '@again ..4 has|have|had|was|were ..2 succeeded|successful|worked|done|through|sent|processed|made|completed',
    'has|have|had|was|been ..1 retried|resent|rerun|resubmitted|redelivered|reprocessed|redone',
    '!nicht bereits|schon|laengst|inzwischen|mittlerweile|zwischenzeitlich ..5 @getan',
    '!no|si ya ..1 se ..2 @hecho',
    '!no|si ya ..3 @hecho',
    'en ..1 entretanto|mientras ..4 @hecho',
    'taken care of',
    'nothing ..2 to @act',
    'resolved|solved|sorted|fixed|handled|settled|done|sent|completed ..1 manually|already|meanwhile|itself|by|in|on ..2 hand|itself|themselves|meantime|own|us|colleague|me|phone|now',
    'manually|personally ..1 sent|resent|entered|processed|handled|completed|submitted|uploaded|repeated|did|done',
    'we|i|they|he|she ..2 sent|handled|did|solved|resolved|resent|entered|processed|completed|submitted ..5 by hand|manually|myself|ourselves|phone|other|another|already|yesterday',
    '!not|never|did it|this|that|call|request|submission|transfer|everything|all|they ..1 went|gone|worked|succeeded|passed ..1 through|in|now|fine|after|eventually|meanwhile|on|finally',
    'sorted|solved $',
    '!nicht hat|ist|lief|wurde|haben|sind ..3 inzwischen|mittlerweile|bereits|schon|doch|zwischenzeitlich|von ..4 @getan|gelaufen|gekommen|manuell',
    'manuell|haendisch ..3 @getan|erfasst|eingegeben',
    'hat ..2 geklappt|funktioniert $',
    'ya ..1 fue|fueron|esta|estan|quedo|ha|han|lo|la|se ..3 @hecho|procesad*|enviad*|reenviad*|resuelt*|solucionad*|tramitad*|repetid*|ejecutad*|complet*|hecho|hice|hizo|llego|paso',
    'manualmente',
  ],
  LISTS,
);

const closes = wordSet(CLOSING.join(' '));
const again = wordSet(AGAIN_ANYHOW.join(' '));
const inquires = wordSet(
  'check verify confirm whether ask asks wants wonders pruefen fragt ob verificar consultar pregunta si',
);

/** Whether a text says that something shall not be done, need not be done, or has been done already. */
export function isNegated(tokens: readonly Token[]): boolean {
  if (FORBIDS(tokens).length > 0) return true;
  if (tokens.some(closes) && !tokens.some(again)) return false;
  return NEEDLESS(tokens).some((at) => !isInquiry(tokens, at));
}

const FAR = 24;
const endsSentence = (token: Token | undefined): boolean => token?.kind === '.' || token?.kind === '?';

/** "Has it been sent already?" asks; it does not say so. */
function isInquiry(tokens: readonly Token[], at: number): boolean {
  let end = at;
  while (end - at < FAR && tokens[end] !== undefined && !endsSentence(tokens[end])) end += 1;
  if (tokens[end]?.kind === '?') return true;
  let start = at;
  while (start > 0 && at - start < FAR && tokens[start - 1]?.kind === 'word') start -= 1;
  return tokens.slice(start, at).some(inquires);
}
