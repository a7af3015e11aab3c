import { parseArgs } from 'node:util';

/** The scenarios, in the order in which a visit goes through them. */
export const SCENARIOS = ['saturation', 'half', 'inflight', 'hot'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export type Options = {
  /** Names of contestants; empty: all. */
  readonly only: readonly string[];
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  /** How long each scenario is measured, after its warm-up. */
  readonly seconds: number;
  /** No visit is begun that would probably end after so long. */
  readonly minutes: number;
  /** How many connections saturation is tried with; the later rounds use the best of the first. */
  readonly connections: readonly number[];
  /** How many cases the tasks are spread over. */
  readonly cases: number;
  /** The stubs' delays at half load. */
  readonly modelMs: number;
  readonly backendMs: number;
  /** The model's delay, and the requests at a time, with many in flight. */
  readonly slowModelMs: number;
  readonly inFlight: number;
  /** Whether contestants write processor profiles, which makes them slower. */
  readonly profile: boolean;
};

const HELP = `npm run bench -- [options]

  --only NAME,…        contestants (ours1, ours2, floor, restate, dbos, langgraph); default all
  --scenarios NAME,…   ${SCENARIOS.join(', ')}; default all. half needs saturation
  --rounds N           default 3
  --seconds N          measured in each scenario, after a warm-up; default 7
  --minutes N          no visit is begun that would end later than this; default 20
  --connections N,…    tried for saturation in the first round; default 64,128,256
  --cases N            that tasks are spread over; default 2000
  --model-ms N, --backend-ms N   the stubs' delays at half load; default 20 and 10
  --slow-model-ms N, --in-flight N   default 800 and 1000
  --profile            contestants write processor profiles to bench/out/profiles; makes them slower
`;

/**
 * Reads the command line; null: help was asked for, and printed.
 *
 * @throws TypeError naming a flag that is not known or has no usable value
 */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      scenarios: { type: 'string', default: SCENARIOS.join(',') },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '7' },
      minutes: { type: 'string', default: '20' },
      connections: { type: 'string', default: '64,128,256' },
      cases: { type: 'string', default: '2000' },
      'model-ms': { type: 'string', default: '20' },
      'backend-ms': { type: 'string', default: '10' },
      'slow-model-ms': { type: 'string', default: '800' },
      'in-flight': { type: 'string', default: '1000' },
      profile: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  const number = (name: 'rounds' | 'seconds' | 'minutes' | 'cases' | 'in-flight'): number =>
    positive(name, values[name]);
  return {
    only: words(values.only),
    scenarios: words(values.scenarios).map(scenarioOf),
    rounds: number('rounds'),
    seconds: number('seconds'),
    minutes: number('minutes'),
    connections: words(values.connections).map((text) => positive('connections', text)),
    cases: number('cases'),
    modelMs: positive('model-ms', values['model-ms']),
    backendMs: positive('backend-ms', values['backend-ms']),
    slowModelMs: positive('slow-model-ms', values['slow-model-ms']),
    inFlight: number('in-flight'),
    profile: values.profile,
  };
}

const words = (text: string): readonly string[] => text.split(',').filter((word) => word !== '');

function scenarioOf(word: string): Scenario {
  const scenario = SCENARIOS.find((each) => each === word);
  if (scenario === undefined) throw new TypeError(`--scenarios: ${word} is none of ${SCENARIOS.join(', ')}`);
  return scenario;
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new TypeError(`--${name}: must be a whole number above 0`);
}
