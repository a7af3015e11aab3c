import { randomBytes } from 'node:crypto';
import type { BackendAnswer, BackendCall } from '../../src/backends/port.ts';
import { createAutomation } from '../../src/commands/automation.ts';
import { createCaseStore } from '../../src/commands/caseStore.ts';
import { addNote, type CommandEnvelope, changeCaseState } from '../../src/commands/changeCase.ts';
import { type DriveDependencies, driveTask } from '../../src/commands/driveTask.ts';
import { type OpenCase, openCase } from '../../src/commands/openCase.ts';
import { outcomeOf, type SubmitTask, submitTask } from '../../src/commands/submitTask.ts';
import { createTaskRunner } from '../../src/commands/taskRunner.ts';
import type { Actor, CaseEvent, Recorded } from '../../src/domain/events.ts';
import { caseStream } from '../../src/domain/identifiers.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { CaseState } from '../../src/domain/vocabulary.ts';
import { createEventLog } from '../../src/eventstore/log.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import type { EventStore } from '../../src/eventstore/port.ts';
import type { Recommendation, RecommendationRequest } from '../../src/recommender/port.ts';
import { createMemoryKeyStore } from '../../src/vault/memory.ts';
import type { KeyStore } from '../../src/vault/port.ts';
import { createVault } from '../../src/vault/vault.ts';
import { CASE, playbook, policy, uuid } from './builders.ts';
import { createFakeClock, type FakeClock } from './clock.ts';
import {
  modelSays,
  recordingLogger,
  recordingObserver,
  scriptedBackend,
  scriptedRecommender,
  succeeded,
} from './scripted.ts';
import { watchedStore } from './watchedStore.ts';

const ANYBODY: Actor = { kind: 'anonymous', id: 'anonymous', roles: [], authMethod: 'none' };
/** A text that raises no signal. */
export const TEXT = 'Partner API failed again with timeout, please retry for policy 4711';

/** What outlives a process. */
export type Outside = {
  readonly store: EventStore;
  readonly keys: KeyStore;
  readonly clock: FakeClock;
  readonly newId: () => string;
};

/** A log, keys and a clock of their own. */
export function createOutside(): Outside {
  let ids = 0;
  return {
    store: createMemoryEventStore(),
    keys: createMemoryKeyStore(),
    clock: createFakeClock(),
    newId: () => uuid(++ids),
  };
}

export type Script = {
  /** Instead of the default policy. */
  readonly policy?: Policy;
  /** A candidate beside it; without it none. */
  readonly shadow?: Policy;
  readonly model?: (
    request: RecommendationRequest,
    call: number,
    signal: AbortSignal,
  ) => Recommendation | Promise<Recommendation>;
  readonly backend?: (request: BackendCall, call: number) => BackendAnswer | Promise<BackendAnswer>;
  /** What the backend is declared to be; idempotent without it. */
  readonly idempotent?: boolean;
  readonly lookUp?: (request: BackendCall, call: number) => BackendAnswer | Promise<BackendAnswer>;
  readonly available?: () => boolean;
  /** Longest time that `submit` waits for the outcome. */
  readonly waitMs?: number;
};

type Waiting = { readonly waitMs?: number };

export type Process = ReturnType<typeof startProcess>;

/** One process with the default policy and playbook: everything below the API, on the given outside. */
export function startProcess(script: Script = {}, outside: Outside = createOutside()) {
  const { keys, clock, newId } = outside;
  const shutdown = new AbortController();
  const ending = new AbortController();
  const store = watchedStore(outside.store);
  const log = createEventLog(store, newId);
  const observer = recordingObserver();
  const logger = recordingLogger();
  const vault = createVault(keys, randomBytes);
  const cases = createCaseStore(log, clock, observer, shutdown.signal);
  const recommender = scriptedRecommender(script.model ?? (() => modelSays()));
  const { lookUp, available = () => true, idempotent = true } = script;
  let lookUps = 0;
  const partner = scriptedBackend('PARTNER_API', script.backend ?? (() => succeeded), {
    available,
    idempotent,
    lookUp: lookUp ? async (request) => lookUp(request, ++lookUps) : null,
  });
  const { policy: inForce = policy, shadow = null } = script;
  const automation = createAutomation(log, clock, {
    INTENT: Object.keys(playbook.intents),
    BACKEND: Object.keys(playbook.backends),
  });
  const deps: DriveDependencies = {
    cases,
    automation,
    vault,
    policy: inForce,
    shadow,
    playbook,
    recommender,
    backends: new Map([['PARTNER_API', partner]]),
    observer,
    clock,
    newId,
    shutdown: shutdown.signal,
    ending: ending.signal,
  };
  const runner = createTaskRunner(deps, logger);
  const commands = { cases, vault, policy: inForce, runner };
  const as = (sentKey: string | null): CommandEnvelope => ({ actor: ANYBODY, traceparent: null, sentKey });

  return {
    outside,
    store,
    log,
    clock,
    vault,
    cases,
    automation,
    runner,
    recommender,
    partner,
    told: observer.told,
    logged: logger.lines,
    shutdown: () => shutdown.abort(),
    /** Its time is over: what has not been recorded by now is not. */
    end: () => ending.abort(),
    open: (changes: Partial<OpenCase> = {}) =>
      openCase(
        { cases, vault },
        {
          caseId: CASE,
          priority: 'MEDIUM',
          lastErrorType: 'TIMEOUT',
          retryCount: 0,
          attributes: {},
          personalAttributes: {},
          ...changes,
        },
        ANYBODY,
        null,
      ),
    submit: async ({ waitMs = script.waitMs ?? 30_000, ...changes }: Partial<SubmitTask> & Waiting = {}) => {
      const submitted = await submitTask(commands, {
        caseId: CASE,
        description: TEXT,
        channel: 'SYSTEM',
        userRole: 'OPS',
        sentKey: null,
        actor: ANYBODY,
        traceparent: null,
        ...changes,
      });
      return outcomeOf(commands, submitted, waitMs);
    },
    change: async (to: CaseState, sentKey: string | null = null) => {
      const expected = (await cases.load(CASE)).revision;
      return changeCaseState({ cases, vault }, CASE, { to, reason: 'asked for', expected }, as(sentKey));
    },
    changeAt: (to: CaseState, expected: number, sentKey: string | null = null) =>
      changeCaseState({ cases, vault }, CASE, { to, reason: 'asked for', expected }, as(sentKey)),
    note: (text = 'a note', sentKey: string | null = null) =>
      addNote({ cases, vault }, CASE, text, as(sentKey)),
    drive: (taskId: string) => driveTask(deps, CASE, taskId, null),
    reviewing: { ...deps, runner },
    events: async () => (await log.read(caseStream(CASE))) as Recorded<CaseEvent>[],
    types: async () => (await log.read(caseStream(CASE))).map((event) => event.type),
  };
}

/** A process whose case is open, with nothing else in its log. */
export async function startWithCase(
  script: Script = {},
  opened: Partial<OpenCase> = {},
  outside = createOutside(),
) {
  const process = startProcess(script, outside);
  await process.open(opened);
  process.store.appends.length = 0;
  return process;
}
