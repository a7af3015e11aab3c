import { compilePhrases, wordSet } from './pattern.ts';
import type { Token } from './tokens.ts';

const AND = wordSet('and then plus und sowie y e');
const ARTICLE = wordSet(
  'the a an it this that these those them him her his their our my your its all any each every customer client broker ' +
    'me us everyone everybody someone legal compliance policyholder insured policy case claim carrier',
);
/** Words between "and" and an article that are no verb of a request. */
const NO_VERB = wordSet(
  'the a an it this that these those them him her his their our my your its all any each every we they he she i you not no ' +
    'in on at of for to from with by as if so but or also then after before since until when while because only is was are ' +
    'were be been has have had did does do got took left broke lost hung went came gave cut made sent threw shut fell kept ' +
    'began stood said saw met led let_down into over under within still even both half once now yes please maybe ' +
    'therefore however afterwards since that there here what which who',
);
const PAST_OR_NOUN = /(?:ed|ing|ly|s|er|ion)$/;
const INFINITIVE_GERMAN = /^[a-z]{3,}(?:en|ern|eln)$/;
const NO_INFINITIVE = wordSet(
  'wurden worden haben werden waren sind einen keinen ihren seinen meinen unseren diesen allen daten kunden unterlagen ' +
    'kunde fragen anfragen timeouts nachrichten meldungen morgen ohnen gegen neuen alten fehlgeschlagen abgebrochen ' +
    'unterbrochen gruessen kollegen kolleginnen danken systemen partnern minuten stunden tagen oben unten aussen innen zwischen konnten sollten wegen',
);
const INFINITIVE_SPANISH = /^[a-z]{3,}(?:ar|er|ir|arlo|arla|erlo|irlo|arle)$/;
const ARTICLE_SPANISH = wordSet('el la los las un una al a su sus mi mis le les me nos del este esta');
const NO_VERB_SPANISH = wordSet(
  'el la los las un una al a su sus mi mis le les me nos no se ha que de con por en fallo dio devolvio quedo perdio corto ' +
    'cayo es fue esta era muestra hay sigue indica responde aparece sale lanza aun todavia tambien ya ni',
);

const WISHES = compilePhrases([
  'customer|client|broker|policyholder|he|she|insured|they|agent wants|needs|asks|asked|requests|demands|expects|would|requires|wanted ..6 refund|refunded|money|callback|letter|confirmation|cancel*|terminat*|address|discount|copy|compensation|changed|updated|closed|invoice|informed',
  'kunde|kundin|makler|er|sie will|moechte|wuenscht|verlangt|braucht|bittet|fordert ..6 erstattung|geld|rueckruf|bestaetigung|kuendig*|adresse|rabatt|kopie|entschaedigung|aenderung|rechnung',
  'cliente|asegurado|asegurada|tomador|corredor quiere|pide|solicita|exige|necesita ..6 reembolso|devolucion|dinero|carta|confirmacion|cancel*|direccion|descuento|copia|factura|baja',
  'needs|need|has|have|must|should|ought ..1 to|be ..1 be|refunded|paid|cancelled|canceled|closed|updated|changed|deleted|released|informed|notified|corrected|waived|escalated|approved|reopened|blocked ..1 refunded|paid|cancelled|canceled|closed|updated|changed|deleted|released|informed|notified|corrected|waived|escalated|approved|reopened|blocked|extended|adjusted|raised|increased|reset|moved|credited|reimbursed|terminated|reversed|called|contacted|told|sent|issued|added',
  'muss|muessen|soll|sollen|sollte|ist|sind ..6 erstattet|geschlossen|geaendert|aktualisiert|storniert|gekuendigt|geloescht|informiert|benachrichtigt|korrigiert|gesperrt|genehmigt|ausgezahlt|freigegeben|erhoeht|angepasst|eskaliert',
  'hay que|debe|deben ..2 cerrar|cancelar|devolver|actualizar|cambiar|borrar|eliminar|avisar|informar|pagar|aprobar|escalar|corregir|bloquear|anular|liberar|abonar',
]);

/**
 * Whether something else is joined to a request that begins at a token: a verb after "and" with its own object, in a form
 * that no list of verbs needs to hold, or a wish that stands elsewhere in the text.
 */
export function hasCompanion(tokens: readonly Token[], at: number): boolean {
  if (WISHES(tokens).length > 0) return true;
  for (let position = at + 1; position < tokens.length; position += 1) {
    const token = tokens[position];
    if (token === undefined) continue;
    if (AND(token) && joinsRequest(tokens, position)) return true;
    if (token.kind === ',' && opensGermanRequest(tokens, position)) return true;
  }
  return false;
}

function joinsRequest(tokens: readonly Token[], at: number): boolean {
  const [verb, next] = [tokens[at + 1], tokens[at + 2]];
  if (verb?.kind !== 'word') return false;
  const letters = /^[a-z]{2,}$/.test(verb.word);
  const and = tokens[at]?.word;
  if (and === 'und' || and === 'sowie') return endsInInfinitive(tokens, at);
  if (and === 'y' || and === 'e') {
    if (!letters || NO_VERB_SPANISH(verb)) return false;
    return INFINITIVE_SPANISH.test(verb.word) || (next?.kind === 'word' && ARTICLE_SPANISH(next));
  }
  return letters && !NO_VERB(verb) && !PAST_OR_NOUN.test(verb.word) && next?.kind === 'word' && ARTICLE(next);
}

const SUBORDINATES = wordSet(
  'um damit weil da dass ob wenn sobald falls die der das den dem was wie wo als nachdem bevor obwohl denn sonst ' +
    'mit beim vielen danke fehler timeout',
);
const NOUN_BEFORE = wordSet('beim zum im am vom ans ins unter von mit bei');
/** Participles end as infinitives do: "angekommen", "erhalten". */
const PARTICIPLE = /^(?:be|er|ver|ent|zer|emp|miss)|ge[a-z]{3,}en$/;

/** ", Police auf den neuen Halter umschreiben": a clause of its own that ends in an infinitive. */
function opensGermanRequest(tokens: readonly Token[], at: number): boolean {
  let end = at + 1;
  while (end < tokens.length && end - at < 12 && tokens[end]?.kind === 'word') end += 1;
  const [first, before, last] = [tokens[at + 1], tokens[end - 2], tokens[end - 1]];
  if (end - at < 3 || first === undefined || before === undefined || last === undefined) return false;
  if (SUBORDINATES(first) || NOUN_BEFORE(before) || PARTICIPLE.test(last.word)) return false;
  if (tokens.slice(at + 1, end).some(NO_REQUEST)) return false;
  return INFINITIVE_GERMAN.test(last.word) && !NO_INFINITIVE(last);
}

const NO_REQUEST = wordSet(
  'konnte konnten kann koennen liess will wollte ist war sind waren hat haben wurde wurden wird the of to and is was in es de la',
);

/** German puts the verb of a joined request at the clause's end: "... und den Kunden informieren". */
function endsInInfinitive(tokens: readonly Token[], at: number): boolean {
  let end = at + 1;
  while (end < tokens.length && end - at < 12 && tokens[end]?.kind === 'word') end += 1;
  const last = tokens[end - 1];
  const polite = tokens[at + 2];
  if (polite?.word === 'sie' && INFINITIVE_GERMAN.test(tokens[at + 1]?.word ?? '')) return true;
  return end - 1 > at && last !== undefined && INFINITIVE_GERMAN.test(last.word) && !NO_INFINITIVE(last);
}
