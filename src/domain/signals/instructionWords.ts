import { wordList } from './pattern.ts';

/** Word lists of the phrases that speak to the machine; phrases name them with `@`. */
export const INSTRUCTION_LISTS = {
  /** To set a control aside. */
  override: wordList(
    'ignore ignoring disregard* forget forgetting bypass* override overriding overrule* skip skipping circumvent* disable ' +
      'disabling deactivat* suspend* omit omitting evade neglect* sidestep* dismiss discard remove removing lift drop ' +
      'dropping break violate disobey overlook switch turn avoid relax loosen remove erase clear reset waive waiving ' +
      'ignorier* vergiss vergesst vergessen missacht* umgeh* ueberspring* uebergeh* uebergehe aushebel* deaktivier* ' +
      'abschalt* ausschalt* ausblend* verwirf schalte hebe setze lass lasse beachte* ' +
      'ignora ignore* ignoren olvid* omit* omita salt* saltate saltese desactiv* descart* desoy* desobed* pasa pase ' +
      'ignorez oubliez contourn* desactivez ignorez negeer vergeet esquec* dimentica* zignoruj',
  ),
  /** What keeps the system in bounds. */
  control: wordList(
    'instruction* rule rules guardrail* guideline* restriction* safeguard* filter* limit limits limitation* prompt ' +
      'prompts directive* constraint* safety control controls threshold* validation* verification* approval* review* ' +
      'compliance protection* programming training governance gating gate gates check checks checking oversight policies ' +
      'protocol* safeties moderation sandbox human humans ' +
      'anweisung* regel regeln vorgabe* richtlinie* leitplanke* beschraenkung* schutz* sicherheits* pruefung* freigabe* ' +
      'genehmigung* kontrolle* kontrollen instruktion* einschraenkung* schwelle* regelwerk* leitlinie* ' +
      'instruccion* regla* norma* directriz directrices directiva* restriccion* control* validacion* revision* ' +
      'aprobacion* limitacion* politica* barrera* salvaguard* ' +
      'consigne* regles regle instrucoes regras istruzioni regole regels instructies',
  ),
  /** What must not be left out. */
  review: wordList(
    'review* approval* check checks checking human humans manual verification verifying validation oversight supervision ' +
      'guardrail* permission authorisation authorization questions asking hesitation scrutiny safeguard* policy rules ' +
      'sign limits restrictions involvement intervention person reviewer consent ' +
      'pruefung* freigabe* kontrolle* genehmigung* nachfrage* zustimmung* mensch* pruefen freigeben ruecksprache ' +
      'manuell* einschraenkung* regeln ueberpruefung* rueckfrage* ' +
      'revision* aprobacion* validacion* control* comprobacion* supervision autorizacion verificacion* revisar preguntar ' +
      'limites restricciones consultar intervencion humano permiso validar comprobar filtros reglas ' +
      'controle verification approbation validacao revisao verifica controllo approvazione',
  ),
  /** Words of the decision contract and of this system's answers. */
  contract: wordList(
    'riskscore risk_score nextstep next_step routetarget route_target retrystrategy retry_strategy reasoncode ' +
      'reason_code automated_execution automatedexecution manual_review manualreview retry_external_call ' +
      'retryexternalcall auto_success autosuccess auto_approve autoapprove auto_execute route_to_manual userrole ' +
      'user_role transient_timeout_pattern confidencescore confidence_score',
  ),
  score: wordList(
    'confidence konfidenz confianza certainty probability score zuversicht sicherheit confiance',
  ),
  amount: wordList(
    '0 1 100 99 10 one zero full maximum max highest high 1.0 0.99 0.9 95 level null hundert eins maximal maximale ' +
      'voll hoechste hoch uno cero maxima alta cien maximo',
  ),
  model: wordList(
    'ai llm gpt chatgpt chatbot bot assistant model agent claude gemini copilot neural classifier recommender ki ' +
      'sprachmodell assistent modell ia asistente modelo robot orchestrator orchestrierer automat automation machine maschine system',
  ),
  /** What a text may call the reader that it speaks to. */
  llm: wordList(
    'ai llm gpt chatgpt chatbot bot assistant model claude gemini copilot classifier recommender ki sprachmodell assistent modell ia asistente modelo orchestrator robot',
  ),
};
