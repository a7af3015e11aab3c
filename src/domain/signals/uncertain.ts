import { compilePhrases, wordSet } from './pattern.ts';
import type { Token } from './tokens.ts';
import { AGAIN_ANYHOW, LISTS } from './words.ts';

/** The text doubts, leaves the choice open or sets a condition. */
const DOUBTS = compilePhrases(
  [
    // English
    'maybe|perhaps|possibly|presumably|supposedly|conceivably|arguably|mayhaps|prolly|idk|dunno|tbd|tbc',
    '^ probably',
    'probably|likely ..5 @again|help|worth|enough|best',
    'might|could|may|would ..2 be|help|work|suffice|have|need|want|make|fix|do|not|solve|just|also|well|already ',
    'might',
    'not|never ..2 sure|certain|clear|convinced|confident|positive|decided|know',
    'unsure|uncertain|unclear|undecided|doubtful|hesitant|unconfirmed|unverified|ambiguous|tentative|tentatively',
    'hard|difficult|impossible|tough to tell|say|know',
    'i|we ..1 think|guess|believe|suppose|assume|suspect|reckon|wonder|doubt|hope|imagine|feel|gather|expect|understand',
    'i am|m guessing|wondering|assuming|hoping',
    'guessing|wondering|assuming',
    'no idea|clue|certainty|guarantee',
    'who|god knows',
    'any idea|ideas|thoughts|opinion|suggestion|advice',
    'what|how ..1 do|would you think|suggest|recommend|advise',
    'what should|shall|do|can|now',
    'you decide|choose|judge|tell|pick',
    'your|you call|judgement|judgment|discretion|choice|decision',
    'at|use your discretion|judgement|judgment',
    'up to you|them|us',
    'as|if|when|whatever|however|wherever ..1 you ..1 see|think|like|prefer|deem|want|feel|wish',
    'should|shall|ought i|we|you|this|that|it|someone|somebody|one|the ',
    'do|does|would i|we|you|this|that|it|one ..4 need|want|help|mean|make ..2 to|@again|sense|this|that|another|a',
    'is|would|was it|this|that|a ..3 worth|safe|ok|okay|fine|wise|possible|sensible|advisable|necessary|needed|right|correct|helpful',
    '^ worth a|the|another|trying|retrying|it',
    'could|may|might|maybe be worth',
    'depends|depending|contingent|conditional|conditionally',
    'subject to',
    'either ..8 or',
    'or not|else|maybe|perhaps|rather|otherwise|alternatively|instead|whatever',
    '@again ..4 or ..3 escalate|close|cancel|wait|leave|forward|refund|ask|manual|manually|call|skip|hold|something|reject',
    'alternatively',
    'unless|supposing|lest',
    'only|just|but if|when|after|once|where|in',
    'even if',
    'provided|providing that|the|it|we|you|they|this|there|nobody|no|partner|customer ..9 is|are|has|have|was|did|does|can|will|agrees',
    'as|so long as|far',
    '!check|verify|find|ask|asks|asked|asking|know|look|wonders|confirm|knows|inquire|inquires if|whether',
    'if|whether ..9 @again',
    '@again|again ~6 or',
    'can|could|would not|hardly|only ..1 tell|say|judge|know|rule|guess|decide|confirm|determine|verify',
    'in theory|principle|doubt|limbo|two',
    'on the fence',
    'lean|leaning|inclined|tend|tempted ..2 to|towards|toward',
    'would|should|shall|do you ..1 @again|send|call|run|try|restart',
    '@again|again ..3 when|once|after|until ..3 the|partner|customer|carrier|they|it|he|she|broker|you|we|insurer|legal|finance|i ..3 gives|give|says|say|confirms|confirm|is|are|has|have|agrees|agree|pays|paid|signs|signed|replies|replied|answers|approves|approved|comes|tells|allows|wants|ready',
    'subject|pending ..2 approval|confirmation|to|clarification|agreement|consent|feedback|reply|answer|signature|payment',
    'after|upon|following ..2 consultation|approval|confirmation|clarification|agreement|talking|speaking|checking|asking|payment',
    'rule|ruling|ruled ..2 out',
    'former|latter|other|first|second case',
    'either way',
    'debating|debatable|questionable|dubious|iffy|speculation|speculative|speculating|risky|gamble|educated|gut|hunch',
    'good|bad idea $',
    'let|lets me|us|see ..1 know|whether|if|how|what',
    'leave|leaving ..4 to|up you|your|to',
    'or so',
    'so|as far as i',
    'to my|our knowledge',
    'for all i',
    'more|further information|details ..1 needed|required|first',
    'need|want to ..1 discuss|decide|clarify|think|ask|consider',
    'considering|contemplating|consider|thinking|toying|tempted ..3 @again|about|to|whether|of|with',
    'worth ..2 @again|trying|shot|try',
    'feel free',
    'some|somebody|someone says|said|thinks|claims',
    'not necessarily|really|quite|entirely|fully|exactly|yet',
    'what|so if',
    'in case|cases the|it|that|this|he|she|they|of|there|we|you|partner|customer',
    'as soon as ..1 the|it|they|he|she|partner|customer|carrier|we|you|this|that|insurer|broker|outage|payment',
    'once|after|when|before|until|till the|it|they|he|she|partner|customer|carrier|we|you|this|that|insurer|outage|payment ..8 confirmed|confirms|confirm|paid|pays|agreed|agrees|approved|approves|back|up|available|over|stable|online|signed|clear|fixed|done|recovered',
    'assumed|assumption|hypothetically|theoretically|ideally|preferably|optionally|optional',
    'hmm|hm|umm|uh|err|erm|ähm|aehm',
    'try and see',
    'see if|whether|what ..9 @again|helps|works|happens|goes|does',
    'or is|was|should|do|does|are|would it|this|that|we|i|there',
    'second|two thoughts|minds',
    'wrong|mistaken|correct me ',
    'i|we could|may|might be|have wrong|mistaken|misread|been|confused|got|mixed',
    'correct me if',
    'if i|we|you|not|possible|needed|necessary|required|so|appropriate|applicable|that|it',
    // German
    'vielleicht|evtl|eventuell|moeglicherweise|womoeglich|vermutlich|wahrscheinlich|wohl|ggf|gegebenenfalls|allenfalls|hoffentlich|angeblich|notfalls|ansonsten|andernfalls|unklar|unschluessig|ungewiss|fraglich|zweifelhaft|moeglichst',
    'unter umstaenden',
    'unsicher|ungeklaert',
    'nicht|kaum ..3 sicher|klar|genau|ueberzeugt|gewiss|bekannt|eindeutig',
    'weiss|wissen|wusste ..3 nicht',
    'keine|wenig ahnung',
    'ich|wir ..2 glaube*|denke*|vermute*|schaetze*|meine*|nehme*|hoffe*|zweifle*|frage*|nehme',
    'glaube|denke|vermute|schaetze ich|wir|mal|dass|es',
    'koennte|koennten|koennts|wuerde|duerfte ..8 sein|helfen|reichen|werden|haben|liegen|nuetzen|lohnen|schaden|gehen|klappen|bringen',
    'koennte es|das|man|der|die|ein|eine|auch|noch',
    'soll|sollen|sollte|sollten|muss|muessen|duerfen|darf|wollen ich|wir|man|der|die|das|es|sie|vielleicht',
    'was meinst|meinen|denkst|denken|tun|nun|jetzt|haltet|haelt',
    '!pruefe|pruefen|wissen|fragt|nachfragen|fragen|mitteilen|klaeren|pruefe|erkundigt ob',
    'ob ..9 @wieder',
    'wenn|bedarf|ggfs',
    'kann|mag|koennt ..2 sein',
    'lohnt|lohnen',
    'nach ruecksprache|absprache|klaerung|freigabe|zustimmung|zahlung|bestaetigung|pruefung',
    'in absprache|ruecksprache',
    'tendiere|tendieren|neige|tippe',
    'vorbehaltlich|abhaengig|bedingung',
    'vorher|zuerst|erst ..3 klaeren|pruefen|fragen|abklaeren|nachfragen|bestaetigen|ruecksprache',
    'nach moeglichkeit',
    'macht|machen|haette|ergibt ..3 sinn',
    '@wieder ~6 oder',
    'oder ~4 @wieder',
    'ueberlege|ueberlegen|erwaegen|abwaegen|grueble',
    'frage mich|ob',
    'falls|sofern|soweit|vorausgesetzt|insofern',
    'es sei denn',
    'sobald|solange',
    'je nach|nachdem',
    'haengt ..3 ab|davon',
    'entweder ..8 oder',
    'oder nicht|doch|so|lieber|vielleicht|eher|auch|etwa|abwarten|warten',
    'mal sehen|schauen|gucken',
    'im zweifel|zweifelsfall',
    'nach ihrem|deinem|eurem|eigenem ermessen',
    'nur wenn|falls|dann|sofern|nach',
    'entscheiden|entscheide|entscheidet|entscheidest sie|selbst|du|ihr|bitte',
    'zweifel*',
    'ausser wenn|der|die|es|das',
    'scheint|scheinbar|anscheinend ..6 @wieder',
    // Spanish
    'quiza|quizas|acaso|posiblemente|probablemente|seguramente|supuestamente|presumiblemente|eventualmente|igual|talvez',
    'tal vez',
    'a lo mejor',
    'puede ser|que',
    'es|sea|seria posible|probable|conveniente que',
    'no ..1 estoy|estamos|esta ..1 segur*|clar*|convencid*',
    'no ..1 se|sabemos|sabria|tengo|tenemos ..1 si|claro|clara|idea|seguro|bien|que|cual|como $',
    'no lo ..1 se|sabemos|tengo',
    'no se ..1 si|que|cual|como',
    'no queda|esta ..1 claro',
    'creo|supongo|pienso|imagino|sospecho|diria|opino|considero|calculo|entiendo|creemos|suponemos|dudo|dudamos|espero que|si|no|fue|seria',
    'creo|supongo|dudo|dudamos',
    'me|nos parece|pregunto|preguntamos',
    'podria|podrian|podriamos|pudiera|pudiese ..1 ser|haber|ayudar|servir|bastar|funcionar|convenir|deberse|tratarse|valer|hacer|que',
    'convenga|convendria|convenia|seria|serviria|ayudaria|bastaria|deberia|deberiamos|debemos|debo|valdria',
    'en caso de|que|contrario',
    'siempre que|cuando|y',
    'a menos|no que|ser',
    'salvo|excepto que|si|cuando',
    'solo|solamente|unicamente|pero si|cuando|despues|en',
    'depende|dependiendo|segun',
    'duda|dudas|dudoso|dudosa|incierto|incierta',
    'o ..1 no|mejor|quiza|quizas|esperar|esperamos|tal|bien|si',
    'cuando|una ..1 vez|el|la|haya|este|esten ..5 haya|este|esten|confirme|responda|vuelva|disponible|hayan|pague|acepte',
    'una vez que',
    'habria|tendria|tendriamos|hubiera|tocaria que',
    'a ver',
    '@hacer ~6 o',
    'o ..1 @hacer',
    'previa|previo ..2 consulta|confirmacion|autorizacion|aprobacion|acuerdo|pago',
    'tras|despues ..1 de ..1 consultar|confirmar|hablar|acordar|confirmacion',
    'a|en la espera de',
    'pendiente de',
    'sujeto a',
    'me inclino',
    'en principio|teoria',
    'no ..2 queda|esta ..1 claro|seguro|confirmado',
    'vale|valga|merece la ..1 pena',
    'usted|tu|ustedes|vosotros decid*|vera|veran|dira',
    'decida|decide usted|tu',
    'que opina|opinas|hago|hacemos|piensa|recomienda|recomiendan|sugiere|cree|crees|tal',
    'como vea|veas|quiera|prefiera|crea|considere|le',
  ],
  LISTS,
);

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
    'right correct ok okay yes or wise sense sensible worth nochmal nochmals noch senden starten anstossen aufrufen ' +
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
