import { defineConfig } from 'vitest/config';

/** The whole-system suites that every event store must pass. */
const SYSTEM = ['mainJob', 'idempotency', 'manyTasks', 'hostileModel'].map(
  (name) => `test/system/${name}.test.ts`,
);
/** Those that start services as processes of their own, which share no memory. */
const PROCESSES = ['recovery', 'twoProcesses', 'operations'].map((name) => `test/system/${name}.test.ts`);

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
      {
        extends: true,
        test: { name: 'postgres', include: ['test/**/*.test.ts'], provide: { systemStore: 'postgres' } },
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
