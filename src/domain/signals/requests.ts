import { wordSet } from './pattern.ts';
import type { Token } from './tokens.ts';

/** One thing that a text asks for: what kind, and where it stands. */
export type Ask = { readonly kind: string; readonly at: number };

/** Verbs by what they ask for: English base forms. */
const ENGLISH: Readonly<Record<string, string>> = {
  again:
    'retry rerun resend repeat restart retrigger reattempt redo replay reprocess relaunch retransmit redeliver resubmit reissue',
  run: 'run trigger start execute launch kick call invoke try attempt submit push transmit send fetch',
  close: 'close archive finalize finalise complete store resolve',
  reopen: 'reopen reactivate reinstate restore',
  end: 'cancel terminate annul void revoke suspend',
  pay: 'refund pay reimburse repay credit wire release transfer disburse payout',
  waive: 'waive reduce lower discount',
  change:
    'update change amend correct adjust modify edit replace put give place swap overwrite add append insert enter record raise increase set mark reset switch move rename fix register attach note log',
  remove: 'delete remove erase purge block lock unlock unblock disable',
  ask: 'request ask obtain demand remind chase look investigate',
  tell: 'mail email notify inform tell contact phone ring text write confirm forward message print reply answer let',
  raise: 'escalate involve alert flag assign reassign hand',
  allow: 'approve authorize authorise accept reject decline deny grant',
  make: 'create open issue generate prepare book schedule arrange order calculate draft',
};

/** Words that look like a verb but may be a noun; they count only before an object. */
const OBJECT = wordSet(
  'the a an it this that these those them him her his their our my your its all any both each every some another me us ' +
    'customer client broker policyholder insured policy policies case cases claim claims contract ticket carrier ' +
    'partner insurer invoice back out up off again everything everyone someone legal compliance address bank premium ' +
    'fee fees email phone mr mrs ms status priority payment documents letter down missing accounting finance',
);
const AMBIGUOUS = wordSet(
  'call request change transfer update refund report email mail file note log text message order issue answer reply ' +
    'credit release process push run start try attempt contact phone ring wire open close record fix print book flag ' +
    'hand mark set raise switch move block lock discount reset complete store upload submit fetch draft lower let ' +
    'repeat restart replay restore ask write send pay remind chase add forward schedule trigger launch kick approve put give place look swap',
);
const LEADS_ON = wordSet(
  'next please pls plz kindly and then also plus additionally furthermore moreover afterwards to finally next secondly thirdly ' +
    'besides must should lastly subsequently thereafter first just immediately directly simply but or ' +
    'you can could could now well instead',
);
/** Nouns that carry a number: "request 4711". */
const NUMBERED = wordSet('request call order file message issue note report record process run');
const ALONE = wordSet('please and then');
const MODIFIER = wordSet('also then please just immediately directly simply now finally both');
const ONCE_MORE = wordSet(
  'again anew more another over nochmal nochmals erneut neu wieder nuevo vez nuevamente otra afresh newly backoff',
);

const GERMAN: Readonly<Record<string, string>> = {
  again: 'wiederholen neustarten wiederhole nachholen',
  run: 'senden sende schicken versenden uebermitteln uebertragen anstossen starten starte ausfuehren ausloesen aufrufen versuchen probieren einreichen sendet schicke',
  close: 'schliessen abschliessen archivieren ablegen schliesse schliesst',
  reopen: 'wiedereroeffnen reaktivieren oeffnen',
  end: 'kuendigen stornieren beenden aufheben storniere kuendige',
  pay: 'erstatten zurueckerstatten zurueckzahlen auszahlen ueberweisen gutschreiben rueckerstatten erstatte ueberweise zahlen freigeben anweisen zahle erlassen',
  change:
    'aendern aktualisieren korrigieren anpassen eintragen hinterlegen erfassen berichtigen ergaenzen aendere aktualisiere setzen erhoehen umstellen vermerken hinzufuegen trage',
  remove: 'loeschen entfernen sperren entsperren loesche sperre',
  ask: 'anfordern nachfordern einholen erinnern anmahnen fordere',
  tell: 'informieren benachrichtigen anrufen mitteilen anschreiben kontaktieren informiere melden weiterleiten zurueckrufen bestaetigen mailen leite rufe',
  raise: 'eskalieren eskaliere einschalten zuweisen uebergeben',
  allow: 'genehmigen freigeben ablehnen bewilligen genehmige',
  make: 'erstellen anlegen ausstellen vereinbaren berechnen bestellen erstelle buchen verschicken',
};

const SPANISH: Readonly<Record<string, string>> = {
  again:
    'reintentar reintente reintenta reenviar reenvie reenvia repetir repita repite relanzar relance reiniciar reinicie',
  run: 'ejecutar ejecute lanzar lance mandar mande transmitir volver vuelva vuelve enviar envie envia llamar llame',
  close: 'cerrar cierre cierra archivar archive finalizar finalice',
  reopen: 'reabrir reabra reactivar reactive',
  end: 'cancelar cancele cancela anular anule rescindir rescinda',
  pay: 'devolver devuelva devuelve reembolsar reembolse abonar abone pagar pague reintegrar transferir transfiera liberar libere condonar',
  change:
    'actualizar actualice actualiza cambiar cambie cambia corregir corrija modificar modifique registrar registre anadir anada ajustar ajuste',
  remove: 'borrar borre eliminar elimine bloquear bloquee desbloquear',
  ask: 'solicitar solicite solicita pedir pida pide reclamar reclame',
  tell: 'avisar avise avisa informar informe informa notificar notifique comunicar comunique contactar contacte escribir escriba',
  raise: 'escalar escale derivar derive trasladar traslade',
  allow: 'aprobar apruebe autorizar autorice rechazar rechace',
  make: 'crear cree emitir emita generar genere abrir abra preparar prepare',
};

const invert = (verbs: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(verbs).flatMap(([kind, words]) => words.split(' ').map((word) => [word, kind] as const)),
  );
const KINDS = { english: invert(ENGLISH), german: invert(GERMAN), spanish: invert(SPANISH) };

/** How many words of a clause are looked at: bounds the work on texts without marks. */
const CLAUSE = 16;
const NO_ASK_GERMAN = wordSet('konnte konnten kann koennen will wollte moechte wollen liess laesst um');
const LEADS_ON_SPANISH = wordSet(
  'y e favor luego despues ademas tambien que debe debemos posteriormente finalmente para',
);
const BY_NATURE_PASSIVE = wordSet(
  'refunded paid cancelled canceled closed updated changed escalated released deleted reopened informed notified ' +
    'retried resent rerun repeated resubmitted restarted approved terminated waived corrected called reimbursed archived',
);
const PASSIVE_KIND: Readonly<Record<string, string>> = {
  retried: 'again',
  resent: 'again',
  rerun: 'again',
  repeated: 'again',
  resubmitted: 'again',
  restarted: 'again',
};

/** Everything that a text asks for, in order: verbs that stand where a request has them. */
export function findAsks(tokens: readonly Token[]): Ask[] {
  const asks: Ask[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'word') continue;
    const kind = englishAsk(tokens, at) ?? germanAsk(tokens, at) ?? spanishAsk(tokens, at);
    if (kind !== null) asks.push({ kind: kind === 'run' ? runKind(tokens, at) : kind, at });
  }
  return asks;
}

function englishAsk(tokens: readonly Token[], at: number): string | null {
  const word = tokens[at]?.word ?? '';
  const before = tokens[at - 1];
  const after = tokens[at + 1];
  const [needs, article] = [tokens[at - 2]?.word, before?.word];
  if (BY_NATURE_PASSIVE(tokens[at] ?? END) && before?.word === 'be' && !isFailing(tokens[at - 2])) {
    return PASSIVE_KIND[word] ?? word;
  }
  const kind = KINDS.english.get(word);
  if (kind === undefined) return null;
  if (
    (needs === 'needs' || needs === 'need' || needs === 'requires') &&
    (article === 'a' || article === 'an')
  )
    return kind;
  const leads =
    before === undefined || before.kind !== 'word' || LEADS_ON(before) || isListNumber(tokens, at - 1);
  if (!leads) return null;
  return AMBIGUOUS(tokens[at] ?? END) && !takesObject(tokens, at, after) ? null : kind;
}

const END: Token = { kind: '.', word: '', stripped: '', written: '' };
const isFailing = (token: Token | undefined): boolean => token?.word === 'not' || token?.word === 'could';

function takesObject(tokens: readonly Token[], at: number, after: Token | undefined): boolean {
  const before = tokens[at - 1];
  if (after === undefined || after.kind !== 'word') return before?.kind !== 'word' || ALONE(before);
  if (OBJECT(after) || (/^\p{N}+$/u.test(after.word) && !NUMBERED(tokens[at] ?? END))) return true;
  return MODIFIER(tokens[at - 1] ?? END) && !/ed$|s$/.test(after.word);
}

function isListNumber(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  return /^\p{N}$/u.test(tokens[at]?.word ?? '') && (before === undefined || before.kind !== 'word');
}

function germanAsk(tokens: readonly Token[], at: number): string | null {
  const kind = KINDS.german.get(tokens[at]?.word ?? '');
  if (kind === undefined) return null;
  for (let back = at - 1; back >= 0 && at - back < CLAUSE && tokens[back]?.kind === 'word'; back -= 1) {
    const token = tokens[back];
    if (token !== undefined && NO_ASK_GERMAN(token)) return null;
  }
  return kind;
}

function spanishAsk(tokens: readonly Token[], at: number): string | null {
  const kind = KINDS.spanish.get(tokens[at]?.stripped ?? '');
  const before = tokens[at - 1];
  if (kind === undefined) return null;
  return before === undefined || before.kind !== 'word' || LEADS_ON_SPANISH(before) ? kind : null;
}

/** "Send it again" asks for a repetition, "send the customer a letter" does not. */
function runKind(tokens: readonly Token[], at: number): string {
  let end = at;
  while (end < tokens.length && end - at < CLAUSE && tokens[end]?.kind === 'word') end += 1;
  let start = at;
  while (start > 0 && at - start < CLAUSE && tokens[start - 1]?.kind === 'word') start -= 1;
  return tokens.slice(start, end).some(ONCE_MORE) ? 'again' : 'run';
}
