import { defineConfig } from 'vitest/config';

/** The whole-system suites that every event store must pass. */
const SYSTEM = ['mainJob', 'idempotency', 'manyTasks', 'hostileModel'].map(
  (name) => `test/system/${name}.test.ts`,
);
/** Those that start services as processes of their own, which share no memory. */
const PROCESSES = ['twoProcesses', 'operations'].map((name) => `test/system/${name}.test.ts`);

/**
 * What changes its process, or measures it: each of these files has a process of its own. All others share the process of their
 * worker and the modules in it, which a third of their time was spent on.
 */
const ALONE = [
  'test/auth/{checkApiKey,issuerKeys}.test.ts',
  'test/docs/adapt.test.ts',
  'test/eventstore/kurrentdb/{connectionString,slowConsumer}.test.ts',
  'test/recommender/openai.test.ts',
  'test/system/overload.test.ts',
];

/** What touches no database and no process. */
const PURE = [
  'test/{api,commands,config,domain,runtime}/**/*.test.ts',
  'test/vault/cipher.test.ts',
  'test/config.test.ts',
  'test/coordination/memory.test.ts',
  'test/eventstore/{chain,codec,memory}.test.ts',
  'test/projections/{leadership,reviewRows,rows,watch}.test.ts',
  'test/simulation/*.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: ['test/support/globalSetup.ts'],
    // Processes, not threads: some tests end processes and change their own environment.
    pool: 'forks',
    maxWorkers: 2,
    isolate: false,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE } },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: ['test/**/*.test.ts'],
          exclude: [...PURE, ...ALONE],
          provide: { systemStore: 'postgres' },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, isolate: true, provide: { systemStore: 'postgres' } },
      },
      {
        extends: true,
        test: {
          name: 'kurrentdb',
          include: [...SYSTEM, ...PROCESSES],
          provide: { systemStore: 'kurrentdb' },
        },
      },
      { extends: true, test: { name: 'memory', include: SYSTEM, provide: { systemStore: 'memory' } } },
    ],
  },
});
