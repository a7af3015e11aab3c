import { wordList } from './pattern.ts';

/** Word lists that several signals share; phrases name them with `@`. A word that ends in `*` is a stem. */
export const LISTS = {
  /** To do once more, English: verbs in their base and -ing forms, and nouns. */
  again: wordList(
    'retry* retries rerun* resend* repeat repeating repeats restart restarting retrigger* reattempt* redo redoing ' +
      'replay* reprocess reprocessing relaunch* retransmit* redeliver redelivering resubmit resubmitting ' +
      'resubmission* reissue reissuing reinvoke re-invoke reexecute* resync* recall requeue* redrive repetition*',
  ),
  /** What one may be told not to do, English base and -ing forms. */
  act: wordList(
    'retry retrying rerun rerunning resend resending repeat repeating restart restarting retrigger* reattempt* redo ' +
      'redoing replay* reprocess reprocessing relaunch* retransmit* redeliver redelivering resubmit resubmitting ' +
      'reissue send sending run running execute executing trigger triggering start starting process processing call ' +
      'calling try trying attempt submit submitting push pushing kick launch launching transmit touch do act proceed ' +
      'go perform fire invoke issue bother automate continue make hit ping contact transfer deliver forward release ' +
      'pay refund close cancel change update take initiate schedule queue approve reopen let keep put want need',
  ),
  /** The same as participles. */
  acted: wordList(
    'retried rerun resent repeated restarted retriggered reattempted redone replayed reprocessed relaunched ' +
      'retransmitted redelivered resubmitted reissued sent run executed triggered started processed called tried ' +
      'attempted submitted pushed launched transmitted touched done performed fired invoked issued automated made',
  ),
  /** To do once more, German: infinitives, imperatives and nouns. */
  wieder: wordList(
    'wiederhol* neustart* retry* erneut* nochmal* neuversuch* wiederanlauf* zweitversuch* resend* rerun* nachsenden',
  ),
  /** What one may be told not to do, German: infinitives, also with zu, and nouns made of them. */
  tun: wordList(
    'wiederholen wiederhole wiederholung* senden sende schicken schicke versenden uebermitteln uebertragen anstossen ' +
      'anzustossen starten starte neustarten ausfuehren auszufuehren ausloesen aufrufen aufzurufen versuchen versuche ' +
      'probieren machen tun unternehmen veranlassen einreichen abschicken abzuschicken abzusenden triggern ' +
      'retry* neuversuch* resenden rerun* absenden laufen durchfuehren durchzufuehren anfassen beruehren ' +
      'weitermachen weiterleiten anrufen kontaktieren bearbeiten zustellen nachsenden verarbeiten neu erneut* ' +
      'nochmal nochmals aktion* massnahme* schritte',
  ),
  getan: wordList(
    'wiederholt gesendet geschickt versendet uebermittelt uebertragen angestossen gestartet ausgefuehrt ausgeloest ' +
      'aufgerufen versucht nachgeholt verarbeitet durchgelaufen durchgegangen durch angekommen geklappt funktioniert ' +
      'erledigt erfolgreich abgeschlossen nachgesendet zugestellt abgesendet abgeschickt durchgefuehrt behoben ' +
      'eingereicht bearbeitet verbucht gebucht geloest nachgereicht',
  ),
  /** What one may be told not to do, Spanish: infinitives and subjunctives. */
  hacer: wordList(
    'reintentar* reintente* reintento* reenviar* reenvie* repetir* repita* ejecutar* ejecute* enviar* envie* ' +
      'mandar* mande* lanzar* lance* relanzar* relance* volver vuelva* volvais hacer* haga* procesar procese* ' +
      'reiniciar reinicie* llamar* llame* llames intentar* intente* proceder proceda* seguir siga* activar active ' +
      'insistir insista* tocar toque* transmitir transmita* reprocesar reprocese* tramitar tramite continuar continue',
  ),
  hecho: wordList(
    'reenvio envio proceso hizo resolvio soluciono completo repitio ejecuto reintento reenviado enviado procesado ' +
      'resuelto solucionado realizado completado repetido ejecutado reintentado hecho confirmado recibido funciono ' +
      'tramitado reprocesado',
  ),
} as const;

/** Words by which a text says that the case may be closed: there, "no action needed" negates nothing. */
export const CLOSING = wordList(
  'close closed closing archive archived finalize finalise complete file shut tick ' +
    'schliessen abschliessen geschlossen abgeschlossen archivieren archiviert ablegen cerrar cierre cierra archivar ' +
    'finalizar terminar terminate renew kuendigen cancelar',
);

/** Words by which a text asks for something to be done once more, in any of the three languages. */
export const AGAIN_ANYHOW = wordList(
  'retry* retries retried rerun* resend* resent repeat* restart* retrigger* reattempt* redo replay* reprocess* ' +
    'retransmit* redeliver* resubmi* rerunning wiederhol* erneut* nochmal* neuversuch* reintent* reenv* repetir ' +
    'repita repite relanz*',
);
