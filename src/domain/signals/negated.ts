import { compilePhrases, wordSet } from './pattern.ts';
import type { Token } from './tokens.ts';
import { AGAIN_ANYHOW, CLOSING, LISTS } from './words.ts';

/** The text says that something shall not be done, wherever it stands. */
const FORBIDS = compilePhrases(
  [
    // English
    '^ do not ~3 @act',
    '^ never ..2 @act',
    '^ not ..1 @again',
    '!did|does|was|were|could|can|have|has|had|is not|never to ..1 @act',
    'not|never to ..1 @act',
    '!did|does|do|was|could|can|will|would not|never @again',
    'i|we|you|they|nobody|noone|customer|client|broker|partner ..1 do|does|did not ..1 want|wants|wish|like|ask|need ..6 @again|@acted|that|this|it|us|you',
    'should|must|shall|ought|need|may not ..3 @again|@acted',
    'should|must|shall|ought|need not ..1 be|@act',
    'need|needs not',
    '!there|with|got|had|was|were no ..2 @again',
    'no more|further|additional ..1 attempts|attempt|tries|try|calls|call|requests|request|sending|runs|run|processing',
    'no|without ..1 automatic|automated',
    'stop|cease|quit|avoid|halt|abort|refrain|pause|cancel|abandon|discontinue|skip|postpone|delay|defer|block|prevent ..4 @again|sending|calling|trying|processing|running|executing|hitting',
    'stopping|aborting|cancelling|canceling|skipping ..4 @again',
    'hold|holding off|fire|back|on|it|this|that|everything|until|till',
    'put|keep|leave|place|stay|is|are|remain|remains ..3 on hold',
    'stand down',
    '^ back off',
    'leave|leaving ~3 alone|untouched|be|as|is|for|now|failed',
    '^ leave it|this|that|everything|things|them',
    '^ let it|this|that|them|things ..2 be|go|rest|fail|sit|lie|expire',
    'forget it|about|that|this|the|my|what|everything|retrying',
    'never mind',
    'nevermind|nvm',
    'scratch|strike|belay that|this|it|my|the',
    'disregard',
    'ignore my|this|that|the|it|earlier|previous ..4 request|message|ticket|task|mail|email|note|order|one|failure|failed|error|timeout|alert',
    '^ ignore it|this|that $',
    'cancel|withdraw|withdrawing|revoke|retract|retracting|rescind|drop|void|scrap|undo|pull|recall ..1 my|our|this|that|earlier|previous|initial|original ..4 request|@again|ticket|order|task|instruction|message|ask',
    '@again ..9 withdrawn|retracted|revoked|obsolete|moot|superseded|rescinded|void|forbidden|prohibited|pointless|useless|unwanted|undesired|unnecessary|unneeded|denied|rejected',
    '@again ..3 is|are|was|were|be|been|would|will ..1 not ..2 needed|necessary|required|wanted|allowed|permitted|desired|possible|safe|advisable|a|an|recommended|useful|helpful|what',
    '@again|send|sending ..3 be|is|was|makes|make ..2 wrong|mistake|harmful|dangerous|no|premature|error|counterproductive|overkill',
    'makes|make|making no sense',
    'against|instead|rather|before|without|from than|of @again|sending|calling|running',
    'against|without|from|instead @again',
    'under|in|on no|any circumstances|account|circumstance|event',
    'by no means',
    'for god sake not',
    'wait|waiting for|until|till|before|with|on|a',
    '^ wait $',
    'until further notice',
    'no longer ..1 needed|necessary|required|relevant|wanted|valid|applicable ',
    'no longer|not ..1 need|needs|want|wants|require|requires ..2 @again|to|it|this|that|anything',
    'anything|everything|whatever ..1 but @again|send|call',
    'refuse|refused|declined|objects|objected|opposes|opposed|vetoed|forbids|forbade|prohibited ..6 @again|sending|call',
    // German
    '!konnte|konnten|kann|koennen|liess|laesst|wollte|will nicht|niemals|nie|nimmer ..4 @tun',
    'nicht|nie ..1 @wieder',
    '^ @tun ..8 nicht $',
    '!hat|haben|ist|sind|war|wurde|konnte bitte ..4 nicht $',
    '^ nicht ..3 @tun',
    'kein|keine|keinen|keiner|keinerlei|keines ..3 @tun|@wieder|senden|sendung|versand|aufruf|aufrufe|versuch|versuche ..1 $',
    'kein|keine|keinen|keiner|keinerlei ..2 @wieder',
    'kein|keine|keinen|keinerlei ..3 noetig|notwendig|erforderlich|gewuenscht|mehr|sinn',
    'nicht ..3 noetig|notwendig|erforderlich|gewuenscht|sinnvoll|erwuenscht|erlaubt|gestattet|zulaessig|gewollt',
    '!er|kunde|kundin|sie nicht mehr ..2 gebraucht|benoetigt|aktuell|relevant|gewuenscht|gueltig',
    'unnoetig|ueberfluessig|hinfaellig|gegenstandslos|ueberholt|untersagt|verboten|unerwuenscht',
    'soll|sollen|sollte|sollten|darf|duerfen|muss|muessen|braucht|brauchen|brauchst|moechte|moechten ..8 nicht|nichts ..4 @tun|@getan|werden',
    'will|wollen|moechte|wuensche|wuenscht ..5 nicht|kein|keine|keinen ..4 @wieder|dass',
    'hat|haben|habe sich ..3 erledigt',
    'erledigt sich',
    'vergiss|vergesst|vergessen sie|es|das|den|die|meine|meinen',
    'lass|lasst|lassen|lasse ..5 sein|bleiben|liegen|ruhen|stehen|so',
    '^ abwarten|warten|warte|wartet',
    'abwarten|abzuwarten',
    'zurueckgezogen|zurueckgenommen|zuruecknehmen|zurueckziehen',
    'zieh*|nehme|nehmen|nimm ..6 zurueck',
    'stopp*|stoppe|beende|beenden|abbrechen|abbrich|einstellen|unterbinden|verhindern ..4 @wieder|aufruf*|versuch*|uebertragung*',
    '@wieder|aufruf*|versuch*|uebertragung*|sendung* ..3 stoppen|einstellen|abbrechen|unterlassen|aussetzen|zurueckstellen|unterbinden|pausieren',
    'unterlass*|absehen|abzusehen|verzicht*',
    'auf|unter keinen|keinem|keinerlei fall|fall|umstaenden',
    'keinesfalls|keineswegs|keinesfall|niemals',
    'in keinem fall',
    'nie wieder|mehr',
    'finger weg',
    'statt|anstatt|ohne|gegen ~4 @wieder|zu',
    'eher|lieber|besser|bitte|ja|bloss|nur nicht',
    'nichts ..2 @tun',
    'nichts mehr',
    // Spanish
    'no @hacer',
    'no lo|la|los|las|le|les|me|nos|se|te ..1 @hacer',
    'no ..1 hace|hara falta',
    'no ..1 es|era|sera|resulta|parece ..1 necesari*|preciso|precisa|conveniente|obligatorio|imprescindible|recomendable',
    'no hay que|necesidad|razon|motivo|por',
    'no ..1 debe|deben|debemos|deberia|necesita|necesitamos|requiere|conviene|quiero|queremos|deseo|deseamos|autorizo|quiere|quieren ..2 @hacer|que',
    'innecesari*|improcedente',
    'ya no ..3 @hacer|hace|es|necesit*|aplica|procede|vale|corresponde',
    '^ olvid*',
    'olvidalo|olvidelo|olvidese|dejalo|dejelo|dejenlo|dejadlo',
    'deje|dejen|deja|dejar ..1 de|asi|como|estar|pendiente|en @hacer|esta|esto|paz|suspenso|espera',
    'deje|dejen|deja|dejar de|asi|estar|pendiente',
    'cancel*|anul*|retir*|descart*|revoc* ..2 mi|mis|esta|este|nuestra|nuestro|reintento|reenvio ',
    'solicitud|peticion|pedido|reintento|reenvio|encargo|orden ..6 retirad*|sin|obsolet* efecto|$',
    'sin efecto',
    'deten*|pare|parar|paren|suspend*|interrump*|bloque* ..3 @hacer|reintentos|llamada|llamadas|envio|envios',
    'nunca|jamas|tampoco ..2 @hacer',
    'bajo ningun*',
    'en ningun caso|momento',
    'absten*',
    'evit* ..2 @hacer|reenvio*|reintento*|repetic*',
    '^ espere|espera|esperen|esperar',
    'en vez|lugar de ..1 @hacer',
    'sin @hacer',
    'prohib* ..3 @hacer',
    'nada ..2 que hacer|@hacer',
    'ningun|ninguna ..2 reintento|reenvio|llamada|accion|repeticion|intento',
  ],
  LISTS,
);

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

/** "Has it been sent already?" asks; it does not say so. */
function isInquiry(tokens: readonly Token[], at: number): boolean {
  let end = at;
  while (end < tokens.length && tokens[end]?.kind !== '.' && tokens[end]?.kind !== '?') end += 1;
  if (tokens[end]?.kind === '?') return true;
  let start = at;
  while (start > 0 && at - start < 12 && tokens[start - 1]?.kind === 'word') start -= 1;
  return tokens.slice(start, at).some(inquires);
}
