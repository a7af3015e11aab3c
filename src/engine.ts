import { type Automation, createAutomation } from './commands/automation.ts';
import { type CaseStore, createCaseStore } from './commands/caseStore.ts';
import type { DriveDependencies } from './commands/driveTask.ts';
import type { ReviewDependencies } from './commands/reviews.ts';
import { createSources, type Sources } from './commands/sources.ts';
import { beat, sweep } from './commands/sweep.ts';
import { createTaskRunner, type TaskRunner } from './commands/taskRunner.ts';
import type { Coordinator } from './coordination/port.ts';
import { ORCHESTRATOR } from './domain/actors.ts';
import { caseIdOfStream } from './domain/identifiers.ts';
import { codec } from './eventstore/codec.ts';
import { identifyLog } from './eventstore/identity.ts';
import { createEventLog } from './eventstore/log.ts';
import type { EventStore } from './eventstore/port.ts';
import { refuseForeignLog } from './foreignLog.ts';
import { createLeadership } from './projections/leadership.ts';
import { fingerprintOf, READ_MODELS } from './projections/readModels.ts';
import type { RowStore } from './projections/rowStore.ts';
import { type RunnerStatus, startRunner } from './projections/runner.ts';
import type { Logger } from './runtime/logger.ts';
import type { KeyStore } from './vault/port.ts';
import { createVault, type Vault } from './vault/vault.ts';

/** What the engine stands on. Everything that is slow, shared or random enters here, so that a simulation can stand in for it. */
export type EngineParts = Omit<
  DriveDependencies,
  'cases' | 'automation' | 'vault' | 'shutdown' | 'ending'
> & {
  readonly store: EventStore;
  readonly rowStore: RowStore;
  readonly keys: KeyStore;
  readonly coordinator: Coordinator;
  readonly logger: Logger;
  /** So many bytes of randomness. */
  readonly randomBytes: (size: number) => Buffer;
  /** To be told when this process has projected a batch. */
  readonly onCommit: () => void;
  /** Whether everything is paused before anything is driven. */
  readonly startPaused: boolean;
};

/** One process below its API: cases and their tasks, what drives them on, and the read models. */
export type Engine = {
  readonly logId: string;
  readonly cases: CaseStore;
  readonly vault: Vault;
  readonly sources: Sources;
  readonly automation: Automation;
  readonly runner: TaskRunner;
  /** What reviewers' commands work with. */
  readonly reviewing: ReviewDependencies;
  readonly projections: () => RunnerStatus;
  /** From now on no step begins: what is in flight finishes, or goes on from its stream elsewhere. */
  readonly windDown: () => void;
  /** Lets what is in flight finish, for so many milliseconds at most, and ends. */
  readonly stop: (milliseconds: number) => Promise<void>;
};

/**
 * Puts the engine together over a store, and starts it: it projects where no other process does, and takes up what nobody drives.
 *
 * @throws ForeignLogError when store and read models do not belong together, and what either throws
 */
export async function startEngine(parts: EngineParts): Promise<Engine> {
  const { store, rowStore, coordinator, clock, logger, observer, newId, playbook } = parts;
  const shutdown = new AbortController();
  const ending = new AbortController();
  const log = createEventLog(store, newId);
  await rowStore.prepare(READ_MODELS);
  await refuseForeignLog(log, rowStore);
  const logId = await identifyLog(log, ORCHESTRATOR, newId(), clock.now());
  const sources = createSources(log);
  await sources.register(parts, clock.now());
  const automation = createAutomation(log, clock, {
    INTENT: Object.keys(playbook.intents),
    BACKEND: Object.keys(playbook.backends),
  });
  if (parts.startPaused) await automation.startPaused(ORCHESTRATOR);

  const vault = createVault(parts.keys, parts.randomBytes);
  const cases = createCaseStore(log, clock, observer, shutdown.signal);
  const driving = { ...parts, cases, automation, vault, shutdown: shutdown.signal, ending: ending.signal };
  const runner = createTaskRunner(driving, logger);
  const projections = startRunner(
    {
      store,
      codec,
      rowStore,
      projections: READ_MODELS,
      logId,
      fingerprint: fingerprintOf(store.kind),
      lead: createLeadership(coordinator, clock),
      clock,
      logger,
      onCommit: parts.onCommit,
    },
    ending.signal,
  );
  const parkedCases = async (): Promise<string[]> =>
    (await rowStore.parked()).flatMap(({ stream }) => caseIdOfStream(stream) ?? []);
  const positions = async () => {
    const [newest, checkpoint] = await Promise.all([store.lastPosition(), rowStore.checkpoint()]);
    return { log: newest, readModels: checkpoint?.position ?? null };
  };
  const beating = beat({ coordinator, runner, clock, logger }, ending.signal);
  const swept = sweep(
    { coordinator, runner, cases, parkedCases, positions, clock, logger, observer },
    shutdown.signal,
  );

  return {
    logId,
    cases,
    vault,
    sources,
    automation,
    runner,
    reviewing: { ...driving, runner },
    projections: projections.status,
    windDown: () => shutdown.abort(),
    stop: async (milliseconds) => {
      shutdown.abort();
      await runner.drain(milliseconds);
      ending.abort();
      await Promise.all([projections.ended, beating, swept]);
      await coordinator.leave().catch((error: unknown) => {
        logger.warn({ err: error }, 'other processes wait until the leases of this one run out');
      });
    },
  };
}
