import { randomBytes } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { buildApp } from './api/app.ts';
import { closeApp } from './api/closeApp.ts';
import { createPositionTokens } from './api/positions.ts';
import { createBackends } from './backends/backends.ts';
import type { Backend } from './backends/port.ts';
import { type CaseStore, createCaseStore } from './commands/caseStore.ts';
import { type DriveDependencies, ORCHESTRATOR } from './commands/driveTask.ts';
import { recoverTasks } from './commands/recoverTasks.ts';
import { createSources } from './commands/sources.ts';
import { createTaskRunner, type TaskRunner } from './commands/taskRunner.ts';
import { type Config, kurrentDbUrlOf } from './config.ts';
import type { Database } from './database.ts';
import { caseIdOfStream } from './domain/identifiers.ts';
import type { Playbook } from './domain/playbook.ts';
import type { Policy } from './domain/policy.ts';
import { codec } from './eventstore/codec.ts';
import { identifyLog } from './eventstore/identity.ts';
import { createEventLog } from './eventstore/log.ts';
import { openServiceLog } from './eventstore/openLog.ts';
import type { EventStore } from './eventstore/port.ts';
import { refuseForeignLog } from './foreignLog.ts';
import { tryToLead } from './projections/leadership.ts';
import { createPostgresRowStore } from './projections/postgresRowStore.ts';
import { createReadModels, type ReadModels } from './projections/queries.ts';
import { fingerprintOf, READ_MODELS } from './projections/readModels.ts';
import { startRunner } from './projections/runner.ts';
import type { Recommender } from './recommender/port.ts';
import { createRecommender } from './recommender/recommender.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { createMetrics } from './runtime/metrics.ts';
import { createPostgresKeyStore } from './vault/postgres.ts';
import { createVault, type Vault } from './vault/vault.ts';

export type ServiceOptions = {
  readonly config: Config;
  readonly playbook: Playbook;
  readonly policy: Policy;
  readonly database: Database;
  readonly logger: FastifyBaseLogger;
  readonly version: string;
  /** What stands in for the real parts, in tests. */
  readonly overrides?: Partial<{
    readonly store: EventStore;
    readonly clock: Clock;
    readonly recommender: Recommender;
    readonly backends: ReadonlyMap<string, Backend>;
    readonly waitMs: number;
    readonly maxInFlight: number;
  }>;
};

/** A running service. */
export type Service = {
  readonly url: string;
  readonly logId: string;
  readonly store: EventStore;
  /** Where the event log is, without secrets. */
  readonly description: string;
  readonly recommender: Recommender;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly cases: CaseStore;
  readonly vault: Vault;
  readonly readModels: ReadModels;
  /** Whether no case was in the log before this start. */
  readonly holdsNoCase: boolean;
  /** Stops taking requests, lets what is in flight finish or leaves it resumable, and ends the projections. */
  readonly stop: () => Promise<void>;
};

const WAIT_MS = 30_000;
const MAX_IN_FLIGHT = 2_000;
/** What a task may wait for others of its case, besides its own recommendation and attempt. */
const ABANDONED_MARGIN_MS = 60_000;
/** How long a stop waits for answers under way, before it cuts their connections. */
const CLOSE_MS = 10_000;
/** How long a stop waits for effects in flight. What takes longer goes on from its stream at the next start. */
const DRAIN_MS = 10_000;

/** Puts all parts together over a database, and listens. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, playbook, policy, database, logger, overrides = {} } = options;
  const clock = overrides.clock ?? systemClock;
  const shutdown = new AbortController();
  const projecting = new AbortController();
  const metrics = createMetrics(logger);

  const { store, description, close } = overrides.store
    ? { store: overrides.store, description: overrides.store.kind, close: overrides.store.close }
    : await openServiceLog(database, kurrentDbUrlOf(config));
  const log = createEventLog(store, uuidv7);
  const holdsNoCase = (await store.readAll(null, 50)).every(({ stream }) => caseIdOfStream(stream) === null);
  const rowStore = createPostgresRowStore(database.pool);
  await rowStore.prepare(READ_MODELS);
  await refuseForeignLog(log, rowStore);
  const logId = await identifyLog(log, ORCHESTRATOR, uuidv7(), clock.now());
  const sources = createSources(log);
  await sources.register(policy, playbook, clock.now());

  const vault = createVault(createPostgresKeyStore(database.pool), randomBytes);
  const cases = createCaseStore(log, clock, metrics.observer, shutdown.signal);
  const recommender = overrides.recommender ?? createRecommender(config, playbook, clock);
  const backends =
    overrides.backends ?? createBackends(playbook, { clock, resolveSecret: (name) => process.env[name] });
  const drive: DriveDependencies = {
    cases,
    vault,
    policy,
    playbook,
    clock,
    recommender,
    backends,
    newId: uuidv7,
    observer: metrics.observer,
    shutdown: shutdown.signal,
    abandonedAfterMs:
      config.MODEL_TIMEOUT_MS +
      Math.max(0, ...[...backends.values()].map(({ timeoutMs }) => timeoutMs)) +
      ABANDONED_MARGIN_MS,
  };
  const runner = createTaskRunner(drive, logger);
  const readModels = createReadModels(database.pool, clock);
  const startedAt = await store.lastPosition();

  const projections = startRunner(
    {
      store,
      codec,
      rowStore,
      projections: READ_MODELS,
      logId,
      fingerprint: fingerprintOf(store.kind),
      lead: () => tryToLead(database.url),
      clock,
      logger,
      onLead: () => void recover(runner, readModels, startedAt, logger, shutdown.signal),
      onCommit: readModels.committed,
    },
    projecting.signal,
  );

  const app = await buildApp(
    {
      cases,
      vault,
      sources,
      runner,
      policy,
      playbook,
      store,
      readModels,
      projections: projections.status,
      positions: createPositionTokens(`${store.kind}/${logId}`),
      waitMs: overrides.waitMs ?? WAIT_MS,
      maxInFlight: overrides.maxInFlight ?? MAX_IN_FLIGHT,
      metrics: () =>
        metrics.scrape({
          tasksInFlight: runner.inFlight,
          projectionLag: async () =>
            Number(((await store.lastPosition()) ?? 0n) - ((await readModels.position()) ?? 0n)),
          parkedCases: readModels.parkedCases,
        }),
    },
    {
      logger,
      newRequestId: uuidv7,
      allowedHosts: [config.HOST, ...config.ALLOWED_HOSTS],
      version: options.version,
    },
  );
  const url = await app.listen({ host: config.HOST, port: config.PORT });

  return {
    url,
    logId,
    store,
    description,
    recommender,
    backends,
    cases,
    vault,
    readModels,
    holdsNoCase,
    stop: async () => {
      shutdown.abort();
      await closeApp(app, CLOSE_MS);
      await runner.drain(DRAIN_MS);
      projecting.abort();
      await projections.ended;
      await close();
    },
  };
}

/** Drives on what was unfinished when this process started, once the read models know of it. */
async function recover(
  runner: TaskRunner,
  readModels: ReadModels,
  startedAt: bigint | null,
  logger: FastifyBaseLogger,
  signal: AbortSignal,
): Promise<void> {
  if (startedAt === null) return;
  try {
    while (!signal.aborted && !(await readModels.caughtUp(startedAt, 1_000))) {}
    const rows = await readModels.unfinished(startedAt);
    const unfinished = rows.map((row) => ({
      caseId: row.case_id,
      taskId: row.task_id,
      executing: row.status === 'EXECUTING',
    }));
    await recoverTasks(runner, unfinished, logger, signal);
  } catch (error) {
    logger.error({ err: error }, 'unfinished tasks could not be driven on; they will be at the next start');
  }
}
