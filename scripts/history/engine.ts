import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { createBackends } from '../../src/backends/backends.ts';
import { createPostgresCoordinator } from '../../src/coordination/postgres.ts';
import type { Playbook } from '../../src/domain/playbook.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { type Engine, startEngine } from '../../src/engine.ts';
import { createPostgresEventStore } from '../../src/eventstore/postgres/postgresEventStore.ts';
import { createPostgresRowStore } from '../../src/projections/postgresRowStore.ts';
import { createLocalRecommender } from '../../src/recommender/local/localRecommender.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { createPostgresKeyStore } from '../../src/vault/postgres.ts';

export type HistorySources = {
  readonly playbook: Playbook;
  readonly policy: Policy;
  readonly shadow: Policy | null;
};

/** The engine of a service with everything real but the backends, which are simulated. */
export async function startHistoryEngine(pool: Pool, sources: HistorySources): Promise<Engine> {
  const clock = systemClock;
  const logger = pino({ level: 'warn' });
  const { observer } = createMetrics(logger);
  const coordinator = createPostgresCoordinator(pool, uuidv7());
  await coordinator.declareOthersDead();
  return startEngine({
    ...sources,
    store: createPostgresEventStore({ pool }),
    rowStore: createPostgresRowStore(pool),
    keys: createPostgresKeyStore(pool),
    coordinator,
    recommender: createLocalRecommender(sources.playbook, clock),
    backends: createBackends(sources.playbook, {
      clock,
      resolveSecret: () => undefined,
      watch: { logger, observer },
    }),
    clock,
    logger,
    observer,
    newId: uuidv7,
    randomBytes,
    onCommit: () => {},
    startPaused: false,
  });
}
