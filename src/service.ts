import { randomBytes } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { buildApp } from './api/app.ts';
import { closeApp } from './api/closeApp.ts';
import { createPositionTokens } from './api/positions.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { createPostgresApiKeyFinder } from './auth/postgres.ts';
import { createBackends } from './backends/backends.ts';
import type { Backend } from './backends/port.ts';
import type { Automation } from './commands/automation.ts';
import type { CaseStore } from './commands/caseStore.ts';
import { type Config, kurrentDbUrlOf } from './config.ts';
import { createPostgresCoordinator } from './coordination/postgres.ts';
import type { Database } from './database.ts';
import { ORCHESTRATOR } from './domain/actors.ts';
import { caseIdOfStream } from './domain/identifiers.ts';
import type { Playbook } from './domain/playbook.ts';
import type { Policy } from './domain/policy.ts';
import { startEngine } from './engine.ts';
import { openServiceLog } from './eventstore/openLog.ts';
import type { EventStore } from './eventstore/port.ts';
import { createMakeEvidence } from './evidence/makeEvidence.ts';
import { createPostgresRowStore } from './projections/postgresRowStore.ts';
import { createReadModels, type ReadModels } from './projections/queries.ts';
import { queueReadings } from './projections/reviewQueries.ts';
import type { Recommender } from './recommender/port.ts';
import { createRecommender } from './recommender/recommender.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { createMetrics } from './runtime/metrics.ts';
import { describeSealing, readSealSettings, startSealing } from './sealing.ts';
import { createPostgresKeyStore } from './vault/postgres.ts';
import type { Vault } from './vault/vault.ts';
import { startVerifying } from './verifying.ts';

export type ServiceOptions = {
  readonly config: Config;
  readonly playbook: Playbook;
  readonly policy: Policy;
  /** A candidate that is evaluated beside it and never acted on; null without one. */
  readonly shadow: Policy | null;
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
  readonly automation: Automation;
  readonly vault: Vault;
  readonly readModels: ReadModels;
  /** Whether no case was in the log before this start. */
  readonly holdsNoCase: boolean;
  /** What is sealed and where, in words. */
  readonly seals: string;
  /** Stops taking requests, lets what is in flight finish or leaves it resumable, and ends the projections. */
  readonly stop: () => Promise<void>;
};

const WAIT_MS = 30_000;
const MAX_IN_FLIGHT = 2_000;
/** How long a stop waits for answers under way, before it cuts their connections. */
const CLOSE_MS = 10_000;
/** How long a stop waits for effects in flight. What takes longer goes on from its stream at the next start. */
const DRAIN_MS = 10_000;

/** Puts all parts together over a database, and listens. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, playbook, policy, shadow, database, logger, overrides = {} } = options;
  const clock = overrides.clock ?? systemClock;
  const metrics = createMetrics(logger);
  const sealSettings = await readSealSettings(config, true);

  const { store, description, close } = overrides.store
    ? { store: overrides.store, description: overrides.store.kind, close: overrides.store.close }
    : await openServiceLog(database, kurrentDbUrlOf(config));
  const holdsNoCase = (await store.readAll(null, 50)).every(({ stream }) => caseIdOfStream(stream) === null);
  const watch = { logger, observer: metrics.observer };
  const recommender = overrides.recommender ?? createRecommender(config, playbook, clock, watch);
  const backends =
    overrides.backends ??
    createBackends(playbook, { clock, resolveSecret: (name) => process.env[name], watch });
  const coordinator = createPostgresCoordinator(database.coordinationPool, uuidv7());
  // An embedded Postgres is locked to this process: whoever it remembers is gone, and need not be waited for.
  if (config.DATABASE_URL === undefined) await coordinator.declareOthersDead();
  const readModels = createReadModels(database.pool, clock);
  const engine = await startEngine({
    store,
    rowStore: createPostgresRowStore(database.projectionPool),
    keys: createPostgresKeyStore(database.pool),
    coordinator,
    policy,
    shadow,
    playbook,
    recommender,
    backends,
    clock,
    logger,
    observer: metrics.observer,
    newId: uuidv7,
    randomBytes,
    onCommit: readModels.committed,
    startPaused: config.AUTOMATION === 'paused',
  });
  const { logId, cases, vault, sources, automation, runner } = engine;
  const sealing = startSealing(sealSettings, {
    store,
    logId,
    actor: ORCHESTRATOR,
    newId: uuidv7,
    leads: () => engine.projections().leads,
    everyMs: config.SEAL_EVERY_SECONDS * 1_000,
    clock,
    logger,
  });

  const verifying = startVerifying(config, {
    store,
    pool: database.pool,
    logId,
    leads: () => engine.projections().leads,
    clock,
    logger,
  });

  const app = await buildApp(
    {
      cases,
      vault,
      sources,
      automation,
      runner,
      reviewing: engine.reviewing,
      policy,
      shadow,
      playbook,
      store,
      readModels,
      projections: engine.projections,
      lastVerification: verifying.last,
      evidence:
        sealing.sealNow &&
        sealSettings.key &&
        createMakeEvidence({ store, logId, vault, sealNow: sealing.sealNow, clock }, sealSettings.key),
      positions: createPositionTokens(`${store.kind}/${logId}`),
      clock,
      waitMs: overrides.waitMs ?? WAIT_MS,
      maxInFlight: overrides.maxInFlight ?? MAX_IN_FLIGHT,
      metrics: () =>
        metrics.scrape({
          tasksInFlight: runner.inFlight,
          projectionLag: async () =>
            Number(((await store.lastPosition()) ?? 0n) - ((await readModels.position()) ?? 0n)),
          parkedCases: readModels.parkedCases,
          pauses: async () => (await automation.current()).pauses.length,
          queues: async () => queueReadings(policy, await readModels.reviewCounts(clock.now())),
          seals: sealing.readings,
          verification: verifying.reading,
        }),
    },
    {
      logger,
      newRequestId: uuidv7,
      allowedHosts: [config.HOST, ...config.ALLOWED_HOSTS],
      version: options.version,
      authenticate: createAuthenticate(config, {
        keys: createPostgresApiKeyFinder(database.pool),
        knownRoles: policy.roles,
        clock,
      }),
      requestsPerMinute: config.RATE_LIMIT_PER_MINUTE,
      trustedProxies: config.TRUSTED_PROXIES,
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
    automation,
    vault,
    readModels,
    holdsNoCase,
    seals: describeSealing(sealSettings),
    stop: async () => {
      engine.windDown();
      await closeApp(app, CLOSE_MS);
      await engine.stop(DRAIN_MS);
      await verifying.stop();
      await sealing.stop();
      await close();
    },
  };
}
