import type { BackendAnswer, BackendCall } from '../../../src/backends/port.ts';
import type { ActionExecuted, ActionOutcomeResolved } from '../../../src/domain/events.ts';
import type { BackendWatch } from '../backend.ts';
import type { Host } from '../host.ts';
import type { Effect, Outside } from '../outside.ts';
import type { Route } from '../sources.ts';
import type { World } from '../world.ts';
import type { Book } from './book.ts';
import { type Committed, knownResult, type LedgerAttempt } from './ledger.ts';
import { placeOf } from './streamRules.ts';
import { attemptMs } from './taskRules.ts';

/** What a backend's adapter told a process. */
type Heard = {
  readonly host: Host;
  readonly taskId: string;
  readonly attempt: number;
  readonly result: BackendAnswer['result'];
  readonly key: string;
  readonly lookup: boolean;
};

export type BackendRules = BackendWatch & {
  /** A process has read revisions of a case that it did not know. */
  readonly learnt: (host: Host, caseId: string, before: number, now: number) => void;
  readonly effect: (effect: Effect, before: readonly Effect[]) => void;
  /** Holds a result that is about to be recorded against what was heard. */
  readonly recorded: (event: Committed & (ActionExecuted | ActionOutcomeResolved)) => void;
  /** At the end of a run: whatever a process heard that lived on is in the log, and what is in the log is so. */
  readonly checkKept: (outside: Outside) => void;
};

/** What a process says of an attempt that it made itself, without hearing it from a backend. */
const OWN_WORDS = ['NOT_SENT_IN_TIME', 'NO_BACKEND', 'ATTRIBUTES_UNREADABLE', 'BACKEND_BROKEN'];

/** From learning of an attempt to making it: a few calls to shared parts, in milliseconds. */
const TO_SEND_MS = 1_000;

export function createBackendRules(world: World, book: Book): BackendRules {
  const { timeline, violate } = world;
  const heard: Heard[] = [];
  /** Attempts whose process knew in time that it had started them. */
  const toMake: { readonly host: Host; readonly attempt: LedgerAttempt }[] = [];
  const attemptOf = (taskId: string, attempt: number): LedgerAttempt | undefined =>
    book.task(taskId)?.attempts[attempt - 1];

  const checkTime = (host: Host, { taskId, attempt }: BackendCall, does: string): void => {
    const made = attemptOf(taskId, attempt);
    if (!made) return;
    const late = timeline.now() - (made.committedAt + attemptMs(made));
    if (late >= 0)
      violate('nothing is sent after the deadline', `${host.name} ${does} ${taskId} ${late} ms late`);
  };

  return {
    called: (host, route: Route, call) => {
      const { taskId, attempt, actionId, idempotencyKey } = call;
      const what = `${host.name} calls ${route} for ${taskId} attempt ${attempt}`;
      const made = attemptOf(taskId, attempt);
      if (!made || made.started.actionId !== actionId || made.started.backend !== route) {
        return violate('intent before effect', `${what}, which is not recorded`);
      }
      if (made.started.idempotencyKey !== idempotencyKey) violate('one key for all attempts', what);
      if (made.by !== host.name) violate('who starts an attempt makes it', `${what}, started by ${made.by}`);
      made.calls += 1;
      if (made.calls > 1) violate('one call an attempt', `${what} again`);
      if (made.executed !== null) violate('one call an attempt', `${what}, which is over`);
      checkTime(host, call, 'calls');
    },
    learnt: (host, caseId, before, now) => {
      for (const { attempts } of book.cases.get(caseId)?.tasks.values() ?? []) {
        for (const attempt of attempts) {
          if (attempt.by !== host.name || attempt.revision <= before || attempt.revision > now) continue;
          attempt.knownAt = timeline.now();
          toMake.push({ host, attempt });
        }
      }
    },
    sent: (host, call) => checkTime(host, call, 'sends'),
    answered: (host, { taskId, attempt, idempotencyKey }, { result }, lookup) => {
      heard.push({ host, taskId, attempt, result, key: idempotencyKey, lookup });
    },
    effect: ({ route, taskId }, before) => {
      if (before.length > 0) violate('no effect twice', `${route} did ${taskId} ${before.length + 1} times`);
    },
    recorded: (event) => {
      const { taskId, attempt, result, errorType } = event.data;
      if (event.type === 'ActionOutcomeResolved' && event.data.source === 'REVIEWER') return;
      if (errorType === 'DEADLINE_PASSED' || errorType === 'LOOKUP_FAILED') return;
      const isOwnWord = errorType !== null && OWN_WORDS.includes(errorType);
      if (isOwnWord && attemptOf(taskId, attempt)?.by === event.by) return;
      const isHeard = heard.some(
        (one) =>
          one.host.name === event.by &&
          one.taskId === taskId &&
          one.attempt === attempt &&
          one.result === result,
      );
      if (!isHeard) violate('results are what the backend said', `${placeOf(event)} ${result} ${errorType}`);
    },
    checkKept: (outside) => {
      for (const one of heard) checkHeard(one, outside);
      for (const { host, attempt } of toMake) checkMade(host, attempt);
      for (const { taskId, attempts } of book.tasks()) {
        for (const attempt of attempts) checkTruth(taskId, attempt, outside);
      }
    },
  };

  function checkHeard({ host, taskId, attempt, result, key, lookup }: Heard, outside: Outside): void {
    const made = attemptOf(taskId, attempt);
    if (result === 'UNKNOWN' || !made || !host.isAccountable()) return;
    const recorded = knownResult(made);
    // A lookup is answered by key, so it may see a later attempt.
    const isKept = lookup || outside.liedAbout.has(key) ? recorded !== 'UNKNOWN' : recorded === result;
    if (isKept && recorded !== null) return;
    // What a person has found done stays done, whatever is heard later of one attempt at it.
    if (recorded === 'SUCCEEDED' && made.resolvedBy === 'REVIEWER') return;
    violate(
      'no result is thrown away',
      `${host.name} heard ${result} of ${taskId} attempt ${attempt}, not ${recorded}`,
    );
  }

  /** Who starts an attempt, learns of it in time and is well, makes it. */
  function checkMade(host: Host, attempt: LedgerAttempt): void {
    const { knownAt, sentAt, calls, started } = attempt;
    if (knownAt === null || calls > 0 || !host.isAccountable() || host.troubledAt() >= knownAt) return;
    if (knownAt + TO_SEND_MS > sentAt + attemptMs(attempt)) return;
    violate('what is started is sent', `${host.name} started ${started.taskId} attempt ${started.attempt}`);
  }

  function checkTruth(taskId: string, attempt: LedgerAttempt, { effects, liedAbout }: Outside): void {
    const { idempotencyKey, attempt: number } = attempt.started;
    if (liedAbout.has(idempotencyKey)) return;
    const result = knownResult(attempt);
    const done = effects.filter(({ key }) => key === idempotencyKey);
    const isTrue =
      result === 'SUCCEEDED'
        ? done.length > 0
        : result !== 'FAILED' || done.every((one) => one.attempt !== number);
    if (!isTrue) violate('what is recorded is so', `${taskId} attempt ${number} is recorded as ${result}`);
  }
}
