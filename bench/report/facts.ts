import { rounded } from './numbers.ts';
import { type Run, strangersOf } from './run.ts';

const GIB = 1_073_741_824;

/** What a reader must know to judge the figures: name and text. */
export function factsOf(run: Run): readonly (readonly [string, string])[] {
  const { machine, postgres, options, rounds, startedAt, minutes } = run;
  const settings = Object.entries(postgres.settings).map(([name, value]) => `${name} ${value}`);
  const strangers = strangersOf(run);
  return [
    [
      'Machine',
      `${machine.processor}, ${machine.cores} cores, ${rounded(machine.memoryBytes / GIB)} GiB; everything runs on it: contestant, Postgres, stubs and load generator`,
    ],
    [
      'System',
      `Linux ${machine.kernel}, Node ${machine.node}; data on ${machine.onDisk ? 'a disk' : 'A FILE SYSTEM IN MEMORY: commits cost nothing, no figure counts'}`,
    ],
    ['Postgres', `${postgres.version}, its defaults: ${settings.join(', ')}`],
    [
      'Run',
      `${startedAt.toISOString()}, ${rounded(minutes)} minutes; ${rounds} of ${options.rounds} rounds, contestants in turn within each; ${options.seconds} s measured in each scenario, after a warm-up`,
    ],
    ['Figures', `medians of the rounds, the outermost in brackets; tasks spread over ${options.cases} cases`],
    [
      'Quiet?',
      `others took ${(strangers * 100).toFixed(0)} % of the processors while it was measured${strangers > 0.1 ? ': NOT QUIET ENOUGH, only ratios within a round mean something' : ''}; load before: ${machine.loadBefore.map(rounded).join(', ')}`,
    ],
  ];
}
