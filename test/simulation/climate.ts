import type { Random } from './random.ts';

/** What may befall one call to a shared part. */
export const CALL_FAULTS = [
  /** It never gets there, and an error comes back. */
  'refused',
  /** It is done, and an error comes back. */
  'lostReply',
  /** It is done, and from then on nothing gets through to this part for a while. */
  'cutAfter',
  /** An error comes back, and it is done a while later all the same. */
  'lateArrival',
  /** It takes much longer than usual. */
  'slowCall',
  /** The process dies before it has left. */
  'crashBefore',
  /** The process dies when it is done, before the answer. */
  'crashAfter',
  /** The process stalls when it is done, and goes on later as if nothing had been. */
  'freezeAfter',
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

export const MODEL_FAULTS = [
  'slow',
  'fails',
  /** Keeps the contract and asks for what nobody may have. */
  'hostile',
  /** Breaks the contract, which its adapter must not let through. */
  'malformed',
  'throws',
  /** The process dies while it waits for the answer. */
  'crashMeanwhile',
  /** The process stalls while it waits for the answer. */
  'freezeMeanwhile',
] as const;
export type ModelFault = (typeof MODEL_FAULTS)[number];

export const BACKEND_FAULTS = [
  /** Surely not done. */
  'refuses',
  /** Done, and no answer. */
  'doneUnanswered',
  /** Not done, and no answer. */
  'lostOnTheWay',
  /** Done after the call has ended without an answer. */
  'doneLate',
  /** The answer comes when it is late, but in time. */
  'slow',
  /** Said to be done, and it is not. */
  'liesSuccess',
  /** Only where declared idempotent: said to have failed, and it is done. */
  'liesFailure',
  /** Only where declared idempotent: the request is delivered twice. */
  'deliveredTwice',
  'cannotConnect',
  'throwsBefore',
  'throwsAfter',
  'crashMeanwhile',
  'freezeMeanwhile',
] as const;
export type BackendFault = (typeof BACKEND_FAULTS)[number];

/** How much of what goes wrong in one run; every run has its own mixture, and leaves some of it out altogether. */
export type Climate = {
  /** How many calls take no time, and how many milliseconds the others take at most. */
  readonly latency: { readonly none: number; readonly most: number };
  readonly calls: Readonly<Record<CallFault, number>>;
  readonly model: Readonly<Record<ModelFault, number>>;
  readonly backend: Readonly<Record<BackendFault, number>>;
  /** How many lookups cannot tell. */
  readonly lookupSilent: number;
};

export function createClimate(random: Random): Climate {
  const rates = <K extends string>(kinds: readonly K[], share: number, choices: readonly number[]) =>
    Object.fromEntries(
      kinds.map((kind) => [kind, random.chance(share) ? random.pick(choices) : 0]),
    ) as Record<K, number>;
  return {
    latency: { none: random.pick([0.3, 0.6, 0.9]), most: random.pick([5, 40, 300]) },
    calls: rates(CALL_FAULTS, 0.4, [0.01, 0.03, 0.1]),
    model: rates(MODEL_FAULTS, 0.4, [0.05, 0.15, 0.4]),
    backend: rates(BACKEND_FAULTS, 0.4, [0.05, 0.15, 0.4]),
    lookupSilent: random.pick([0, 0.3, 0.9]),
  };
}

/** One fault of several, or none. */
export function strike<K extends string>(random: Random, rates: Readonly<Record<K, number>>): K | null {
  let left = random.share();
  for (const [kind, rate] of Object.entries(rates) as [K, number][]) {
    left -= rate;
    if (left < 0) return kind;
  }
  return null;
}
