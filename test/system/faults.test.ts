import { expect, it } from 'vitest';
import type { ActionName } from '../faults/actions.ts';
import { countKinds } from '../faults/journal.ts';
import { type RunOptions, runFaults } from '../faults/run.ts';
import { severalAtOnce } from '../faults/storm.ts';

/** Of what `npm run test:faults` draws by lot. What takes longest to heal comes first. */
const ROUNDS: readonly (readonly ActionName[])[] = [
  ['killEverything'],
  ['silenceThenDelivery', 'killProcess'],
  ['freeze', 'failWrites', 'backendDown'],
];
const SCALE = 0.15;
const SEED = process.env.FAULTS_SEED ?? 'short';
/** So that a run which hangs still cleans up after itself. */
const LONGEST_MS = 80_000;

it('two processes on one Postgres, killed, frozen and cut off under load: nothing is lost, nothing done twice', async () => {
  const said = [`seed ${SEED}`];
  const options: RunOptions = {
    seed: SEED,
    pace: {
      backendTimeout: 500,
      modelTimeout: 1_000,
      firstPauseSeconds: 0.2,
      longestPauseSeconds: 1,
      budgetMinutes: 0.1,
    },
    tasksPerSecond: 15,
    settleMs: 30_000,
    keep: false,
    say: (line) => said.push(line),
    storm: async (stage, random) => {
      for (const names of ROUNDS) await severalAtOnce(stage, random, names, SCALE);
    },
  };
  const result = await runFaults(options, AbortSignal.timeout(LONGEST_MS));
  expect(result.violations, said.join('\n')).toEqual([]);
  expect(countKinds(result.faults)).toMatchObject({
    'kill -9 of a process': 3,
    'kill -9 of Postgres': 1,
    'process frozen': 1,
    'silence, then all is delivered': 1,
  });
  expect(result.tasks.told).toBe(result.tasks.sent);
  expect(result.tasks.outcomes.AUTO_SUCCESS).toBeGreaterThan(0);
  expect(result.effects.effects.core).toBeGreaterThan(0);
}, 90_000);
