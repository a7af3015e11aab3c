import { isDisguised } from './disguise.ts';
import { INSTRUCTION_LISTS } from './instructionWords.ts';
import { compilePhrases } from './pattern.ts';
import type { Token } from './tokens.ts';

const ORDERS = compilePhrases(
  [
    // Setting rules aside
    '@override ~6 @control',
    '@override ~4 previous|prior|above|earlier|preceding|everything|anything|foregoing|bisherig*|vorherig*|obig*|anterior*|previas|previos|precedent* ..3 @control|context|text|said|told|messages|input|data|you|wurde|gesagt|texto',
    '@override ..1 everything|anything|all|alles|todo ..2 above|before|previous|earlier|prior|you|bisher|davor|vorher|anterior',
    'ignore|bypass|override|disregard|overrule|violate|umgehe*|ignoriere*|ignora|ignore ..3 policy|politica|system $',
    'ignore|bypass|override|disregard|overrule ..2 policy|system and|or|engine|layer|check',
    'do|does|must|should|shall|will|need not ..2 follow|obey|apply|adhere|comply|respect|enforce|listen|consult',
    '@control ..6 do|does|are|is|have|has|were|was|can|will|must|no|should ..2 not|no|disabled|off|suspended|lifted|removed|waived|bypassed|void|inactive|ignored|overridden|revoked|skipped|unnecessary|cancelled|changed|obsolete ..2 apply|applies|longer|needed|required|necessary|valid|active|for|$',
    '@control ..4 disabled|off|suspended|lifted|waived|bypassed|inactive|overridden|skipped|deactivated',
    '@control ..5 gelten|gilt|gelte|greifen|greift|entfallen|entfaellt|aufgehoben|ausgesetzt|deaktiviert|abgeschaltet|ausgeschaltet',
    '@control ..4 no ..1 se|aplica|aplican|rigen|rige|valen|importan|son|es|cuenta',
    '@control ..4 desactivad*|suspendid*|anulad*|levantad*',
    'no|not|without ..2 @control|review ..1 needed|required|necessary|wanted|apply|applies',
    'keine|kein|nicht ..2 pruefung|freigabe|kontrolle|genehmigung|regeln|regel ..2 noetig|notwendig|erforderlich|mehr|gilt|gelten',
    'no ..2 necesita|requiere|hace|aplique*|sigas|siga|respetes|respete|pidas|pida|consultes|consulte ..3 @review|@control',
    'without|skipping|sin|ohne|sans|senza|sem|zonder|minus|avoiding ..3 @review',
    'exempt|exempted|exemption|exception|excluded|immune|unrestricted|uncensored|unfiltered|unlimited|ausgenommen|exento|exenta ..4 @control|policy|@model',
    'unrestricted|uncensored|unfiltered|jailbreak*|jailbroken|uneingeschraenkt*|unzensiert*',
    'sin|ohne|no|without ..1 limites|restricciones|filtros|einschraenkungen|beschraenkungen|restrictions|limits|limitations|censura',
    'regardless|irrespective of|what|whatever',
    'unconditional*|bedingungslos|incondicional*',
    'no questions asked',
    'no|not ..1 need ..3 @review',
    'leite|leiten|sende|senden|schicke|schicken|gib|geben|lege|vorlegen|route ..3 nicht ..4 mensch|menschen|pruefung|manuellen|person|sachbearbeiter|freigabe',
    'repeat after me',
    'comes|come|coming|from|by|here|vom|von|del|soy ..2 system|sistema|systemadministrator ..1 administrator|admin|administrador|speaking',
    'never|not|nicht|niemals|no|nunca|keinesfalls ..4 route|send|forward|hand|escalate|leite|leiten|sende|senden|schicke|gib|lass|mandes|envies|pases|mande|envie|pase ..6 human|person|manual|review|mensch|menschen|pruefung|manuellen|revision|humano|persona|reviewer|sachbearbeiter',
    'no human|person|reviewer|manual|approval|review|check|checks',
    'not ..3 to|for|by|into|go|send|route|involve|ask ..2 human|person|manual|review|reviewer|anyone|people|approval',
    'auto approv*|execut*|accept*|routing|process*|approve',
    'autoapprov*|automatisch genehmig*|freigeb*|ausfuehren|bewillig*',
    'automatically|automatisch|automaticamente|autonomously ..2 approv*|execut*|genehmig*|apruebe|aprueba|ejecuta|ejecute|ausfuehr*|fuehre|freigeb*|accept',
    'fuehre ..8 automatisch aus|durch',
    'approve|accept|execute|allow|grant ..1 every|all|any|everything|anything|whatever',
    'force|forcing|erzwinge*|fuerza|fuerce ..3 execut*|approv*|ausfuehr*|ejecu*|automat*|success|route',
    'override|overriding|overruled|sudo|superuser|backdoor|godmode|bypass|bypassing|jailbreak',
    'god|admin|administrator|developer|debug|maintenance|test|sudo|root|unrestricted|dan|wartungs|entwickler mode|modus|modo|override|access|rights|privileges',
    'modo ..1 desarrollador|administrador|mantenimiento|dios|debug|libre|prueba',
    'entwicklermodus|wartungsmodus|adminmodus|testmodus|debugmodus',
    'as safe|low|harmless|approved|trusted|automatable|executable ..3 automate|automated|execute|risk|risiko|$',
    'as ..1 safe ..2 automate|execute|run',
    'stell|stellt|stellen ..1 dir|euch|sich vor',
    'haz|haga|hagan ..1 caso omiso',
    'pasa|pase ..2 por alto',
    'vergiss|vergessen|vergesst|ignoriere|ignorier|missachte ..1 alles|alle|bisherige|vorherige|das|sie',
    'vom|von|durch|by|por ..2 vorstand|chef|leitung|geschaeftsfuehrung|board|management|ceo|compliance|director|direccion|gerencia|jefe|vorgesetzten|abteilungsleiter|supervisor|management ..2 genehmigt|freigegeben|angeordnet|approved|authorized|authorised|cleared|aprobado|autorizado|abgesegnet|bewilligt',
    'approved|authorized|authorised|cleared|signed|sanctioned|aprobado|autorizado ..1 by|off|por ..3 board|management|ceo|compliance|director|legal|head|boss|direccion|gerencia|jefe|supervisor|security|audit|cto|manager|owner|the|us|me|all',
    // Claims of authority
    'as|als|como ..2 head|chief|director|ceo|cto|cio|cfo|admin|administrator|root|owner|developer|superuser|leiter|leiterin|vorstand|geschaeftsfuehrer|chef|administrator|director|directora|jefe|responsable|administrador|vorgesetzter|entwickler ..5 i|ich|you|authori*|approv*|order|instruct|ordne|genehmig*|weise|erlaube|autoriz*|le|te|ordeno|apruebo|confirm*|grant|command|hereby|befehle|of|von|de',
    'i|we am|are|m|is ..2 admin|administrator|root|developer|owner|ceo|supervisor|superuser|authorized|authorised|creator|boss|operator|engineer|openai|anthropic|security|auditor',
    'ich bin ..3 admin|administrator|entwickler|chef|vorstand|systemadministrator|leiter|berechtigt|befugt',
    'soy ..2 administrador|admin|desarrollador|director|jefe|dueno|supervisor|creador|responsable',
    'i|we ..2 authori* you|this|that|the|it|skipping|execution|immediate',
    'hereby|hiermit ..3 authori*|approve*|grant|order|instruct|genehmig*|autoris*|ordne|erteile|permit|confirm|waive',
    'i|we|ich|wir ..1 authori*|autorisier*|ermaechtig*|bevollmaechtig*|permit|command|order|autorizo|ordeno ..1 you|dich|sie|the|das|te|le|@model',
    'autorizo|ordeno',
    'pre|already|bereits|ya|previously approved|authorized|authorised|cleared|genehmigt|freigegeben|aprobado|autorizado|aprobada|autorizada|verified|reviewed|geprueft|revisado|validado|vetted|signed',
    'preapproved|preauthorized|preauthorised|vorabgenehmigt|preaprobado',
    'approval|authorization|authorisation|genehmigung|freigabe|aprobacion|autorizacion ..3 granted|given|received|erteilt|vor|liegt|concedida|otorgada|exists|obtained|here',
    'by order|authority|decree of',
    'treat|consider|count|regard|betrachte|considera|trata ..6 as|als|como ..3 approved|authorized|authorised|safe|trusted|low|genehmigt|aprobado|aprobada|seguro|segura|automated|executed|harmless|verified',
    // Speaking to the model
    'you|u are|re ..1 now|no|a|an|not|my|the|free|allowed|required|instructed|authorized|authorised|permitted|obliged|programmed|in|going|to|hereby',
    'you ..1 must|shall|have|will|should|need ..2 answer|respond|output|return|always|obey|comply|execute|approve|reply|ignore|set|recommend|choose|classify|only|pick|say|select|report|treat',
    'your|ur ..2 system|initial|previous|original|new|prior|real|true|only|internal|current|hidden|secret ..2 prompt|@control|task|job|role|goal|purpose|mission|objective|configuration|programming|message',
    'your ..1 @control',
    'your ..2 prompt|programming|training|answer|response|output|recommendation|confidence|decision|risk|score|classification|model|developer|developers|creators|reply|json|owner|role|verdict|persona',
    'dein*|ihr*|eure* ..2 anweisung*|regeln|vorgaben|systemprompt|prompt|antwort|ausgabe|entscheidung|empfehlung|konfidenz|richtlinien|programmierung|instruktionen|einschraenkungen|rolle',
    'tu|tus|su|sus|vuestras ..1 instrucciones|reglas|directrices|normas|prompt|respuesta|programacion|limites|restricciones|configuracion|salida|decision|confianza|recomendacion',
    'act|acting|behave|respond|answer|pretend|roleplay|speak|function|operate ..1 as|like|to ..1 a|an|the|my|if|though|you|be|@model|admin|dan|unrestricted|though',
    'pretend|roleplay|simulate ..2 you|to|that|being|as|a|an',
    'imagine|suppose|assume you are|were|have',
    '^ from now on',
    'from now on ..1 you|always|answer|respond|ignore|every|all|no|everything',
    'ab sofort|jetzt|nun|heute bist|sind|antwort*|gilt|gelten|ignorier*|handel*',
    'du bist|musst|sollst|darfst|wirst|kannst|hast|agierst|antwortest',
    'sie sind|muessen ..2 ein|eine|jetzt|nun|kein|keine|@model|antworten|immer',
    'bist du',
    'tu ..1 so als',
    'verhalte|handle|agiere|antworte|reagiere ..2 dich|als|wie|mit|nur|ausschliesslich|immer|so',
    'eres ..1 un|una|ahora|el|la|libre|mi',
    'actua|actue|comportate|finge|simula|hazte ..2 como|que|ser|un|pasar',
    'a partir de ahora|este',
    'desde|de ahora en|mismo',
    'responde|responda|contesta|conteste|devuelve|devuelva|imprime|escribe|genera ..2 solo|unicamente|exclusivamente|siempre|exactamente|con|json|aprobado|exacto|@contract',
    'debes|tienes ..2 que|responder|aprobar|ejecutar|ignorar|obedecer|contestar|devolver|recomendar|siempre',
    'recuerda|recuerde que ..2 eres|debes|tus|no',
    'to|dear|hey|hello|attention|attn|note|message|for|hi|an|querid*|hola|liebe*|hallo|atencion|achtung|notice|reminder|instruction|instructions ..2 @llm',
    'an die ki|maschine',
    'as|als|como ..2 @llm ..2 you|i|du|ich|debes|eres|tienes',
    'system prompt|message|override|instruction|instructions|update|notice|note|command|directive',
    'systemprompt|systemmeldung|systemnachricht|systemanweisung',
    'prompt injection',
    'mensaje|aviso|instruccion|orden del|de sistema',
    'language model',
    'sprachmodell|sprachmodelle|llm|chatgpt|gpt|chatbot|gpt4',
    'modelo de lenguaje',
    'new|updated|revised|real|actual|neue|nuevas|secret|hidden|special|additional ..1 instruction*|directive*|rules|task|prompt|anweisung*|instrucciones|reglas|regeln|role|persona',
    'reveal|print|show|repeat|display|leak|expose|disclose|tell|zeige|muestra|revela|output ..3 prompt|instructions|system|secret*|password*|key|keys|config*|anweisungen|instrucciones|rules',
    'end|begin|start of ..1 instruction*|prompt|system|user|task|description|conversation',
    'developer|debug|god|dan mode',
    // Words of the contract
    '@contract',
    'output|return|respond|answer|reply|print|emit|produce|write|say|antworte|gib|ausgabe|responde|devuelve|set|choose|select|report|give|state|recommend|classify|pick|label|use|mark|waehle|setze|elige|establece|pon|fija|marca ..4 json|confidence|intent|decision|verdict|konfidenz|confianza|approved|executed|success|genehmigt|aprobado|risk|risiko|riesgo|score|execute|nextstep|output|certainty',
    'output|respond|answer|reply|antworte|antworten|responde ..1 only|exactly|always|nur|immer|genau|with|just|exakt|strictly|verbatim',
    '@score ..3 @amount',
    '@amount ..1 @score',
    'risk|risiko|riesgo|risikowert|risikoscore ..4 0|zero|none|low|null|niedrig|cero|bajo|nil|lowest|minimal|minimum|minimo|0.0|0.1|1',
    'low|zero|no|minimal|niedriges|kein|bajo|lowest|niedrigem risk|risiko|riesgo',
    'confidence|konfidenz|confianza|risiko|risk ..1 score|value|level|wert|is|must|to|auf|de|al|ist|muss|should|of|at|equals',
    'konfidenz',
    'intent|nextstep|decision|verdict|outcome|classification|entscheidung ..2 is|must|to|be|equals|as|muss|ist|auf|should|: ',
    'route|send|forward|direct ..3 to|into|directly ..2 auto|automatic|automated|automation|execution|straight',
    'classify|label|categorize|categorise|tag|klassifizier*|clasific* ..4 as|als|como|intent',
    'automated|automatic|automatische execution|approval|ausfuehrung',
    'ejecucion|aprobacion automatica|automatizada',
    'mark ..3 as approved|safe|executed|automated|trusted|verified|low',
    'guardrail*|leitplanken|guardrails ..6 @override|off|not|no|disabled|pass|passed|green|ok|satisfied|met|always|do|are|is|for',
    'pass|passes|passed|passing|satisfy|satisfies|satisfied ..3 guardrail*|@control',
    // Orders in languages that the other signals do not read
    'ne|n ..1 tenez|tiens|suivez|respectez ..1 pas|compte|aucun*',
    'sans|senza|sem|zonder ..2 controle|verification|validation|approbation|controllo|approvazione|revisao|aprovacao|controle|goedkeuring',
    'ignorez|oubliez|negeer|zignoruj|ignorare|dimentica|esqueca',
    // Code
    'drop|truncate|alter table|tables|database',
    'delete|select ..3 from ..2 where|users|policies|cases|customers|events|table|@contract',
    'rm rf',
    'script alert',
  ],
  INSTRUCTION_LISTS,
);

/** Marks by which chat formats tell roles and instructions apart, and JSON or templates meant as an answer. */
const MARKUP = [
  /<\/?(?:system|assistant|user|instruction|instructions|prompt|admin|tool|im_start|im_end|task|description|script)\b/i,
  /<\|/,
  /\[\/?(?:INST|SYS|SYSTEM|ADMIN|ASSISTANT|OVERRIDE)\b/i,
  /## ?(?:system|instruction|assistant|user|new|end|task|response|override|admin)/i,
  /--- ?(?:end|begin|system|new|start)/i,
  /\{ ?["'][a-z_]+["'] ?:/i,
  /\{\{|\$\{|<%/,
];
const ROLE =
  /^(?:system|assistant|developer|admin|administrator|operator|sistema|asistente|ai|ki|ia|llm|bot|model|override|instruction|instructions|prompt|root|agent|guardrails|orchestrator)$/;

/** Whether a text speaks to the machine that reads it: sets its rules aside, claims authority over it, gives its answer. */
export function instructsReader(text: string, tokens: readonly Token[]): boolean {
  return (
    isDisguised(text, tokens) ||
    MARKUP.some((mark) => mark.test(text)) ||
    ORDERS(tokens).length > 0 ||
    speaksInARole(tokens)
  );
}

/** "SYSTEM: ..." at the beginning of a clause. */
function speaksInARole(tokens: readonly Token[]): boolean {
  return tokens.some((token, at) => {
    const begins = at === 0 || tokens[at - 1]?.kind !== 'word';
    return begins && ROLE.test(token.stripped) && tokens[at + 1]?.kind === ':';
  });
}
