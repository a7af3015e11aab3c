import { defineConfig } from 'vitest/config';

/** The whole-system suites that every event store must pass. */
const SYSTEM = ['mainJob', 'idempotency', 'manyTasks', 'hostileModel'].map(
  (name) => `test/system/${name}.test.ts`,
);
/** Those that start services as processes of their own, which share no memory. */
const PROCESSES = ['twoProcesses', 'operations'].map((name) => `test/system/${name}.test.ts`);

/** What touches no database, no process and nothing global: its files share their modules, which halves their time. */
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
    testTimeout: 15_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'postgres',
          include: ['test/**/*.test.ts'],
          exclude: PURE,
          provide: { systemStore: 'postgres' },
        },
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
