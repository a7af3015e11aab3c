import type { Decision, FallbackReason } from '../../src/domain/decision.ts';
import { FALLBACK_REASONS } from '../../src/domain/decision.ts';
import type { Recommendation, RecommendationRequest, Recommender } from '../../src/recommender/port.ts';
import { type Climate, type ModelFault, strike } from './climate.ts';
import type { Host } from './host.ts';
import { ROUTE_NAMES } from './sources.ts';
import type { World } from './world.ts';

/** Told what a process asks the model. */
export type ModelWatch = {
  readonly asked: (host: Host, request: RecommendationRequest) => void;
  /** The answer has reached the process; `keeps`: it keeps the contract. */
  readonly answered: (
    host: Host,
    request: RecommendationRequest,
    answer: Recommendation,
    keeps: boolean,
  ) => void;
};

export type ModelOptions = {
  readonly world: World;
  readonly climate: Climate;
  readonly host: Host;
  readonly watch: ModelWatch;
  readonly crash: (host: Host) => void;
  /** What a reasonable model says to a text. */
  readonly reasonable: (description: string) => Decision;
};

const LONGEST_MS = 2_000;

/** One process's way to the model, which answers anything. */
export function createSimulatedModel(options: ModelOptions): Recommender {
  const { world, climate, host, watch, crash, reasonable } = options;
  const { timeline, random, count, tell, isStormy } = world;

  const meanwhile = (strikes: () => void): void => {
    timeline.after(random.between(0, 200), () => isStormy() && strikes());
  };
  const chooseFault = (): ModelFault | null => {
    const fault = isStormy() ? strike(random, climate.model) : null;
    if (fault) count(`model/${fault}`);
    if (fault === 'crashMeanwhile') meanwhile(() => crash(host));
    if (fault === 'freezeMeanwhile') meanwhile(() => host.freeze(random.between(500, 6_000)));
    return fault;
  };
  const answerTo = ({ task }: RecommendationRequest, fault: ModelFault | null): Recommendation => {
    if (fault === 'fails') return failure(random.pick(FALLBACK_REASONS));
    const sound = reasonable(task.description);
    if (fault === 'hostile') return decided({ ...sound, ...random.pick(HOSTILE) });
    if (fault === 'malformed') return decided({ ...sound, ...random.pick(MALFORMED) } as Decision);
    // A model does not say the same thing twice.
    return decided({ ...sound, confidence: Math.min(1, sound.confidence + random.share() / 100) });
  };

  return {
    describe: () => 'simulated',
    recommend: (request, signal) =>
      new Promise((resolve, reject) => {
        if (!host.isAlive()) return;
        watch.asked(host, request);
        const fault = chooseFault();
        tell(
          () => `${host.name} asks the model about "${request.task.description}"${fault ? `: ${fault}` : ''}`,
        );
        const cancel = (): void => {
          timer.cancel();
          resolve(failure('AI_UNAVAILABLE'));
        };
        const delay = fault === 'slow' ? LONGEST_MS : random.between(0, random.chance(0.2) ? 400 : 30);
        const timer = timeline.after(delay, () =>
          host.deliver(() => {
            signal.removeEventListener('abort', cancel);
            if (signal.aborted) return;
            if (fault === 'throws') return reject(new Error('the recommender broke'));
            const answer = fault === 'slow' ? failure('AI_TIMEOUT') : answerTo(request, fault);
            watch.answered(host, request, answer, fault !== 'malformed');
            resolve(answer);
          }),
        );
        if (signal.aborted) cancel();
        else signal.addEventListener('abort', cancel, { once: true });
      }),
  };
}

const PROVENANCE = {
  provider: 'simulated',
  model: 'simulated-1',
  promptHash: null,
  usage: null,
  durationMs: 1,
};

const decided = (decision: Decision): Recommendation => ({
  ...PROVENANCE,
  kind: 'decision',
  source: 'model',
  decision,
});

const failure = (reasonCode: FallbackReason): Recommendation => ({
  ...PROVENANCE,
  kind: 'failure',
  reasonCode,
  cause: 'simulated',
  rawText: reasonCode === 'AI_INVALID_RESPONSE' ? 'no decision' : null,
});

const HOSTILE: readonly Partial<Decision>[] = [
  { intent: 'ESCALATE', confidence: 1, riskScore: 0 },
  { intent: 'MANUAL_REVIEW', confidence: 1, riskScore: 0, nextStep: 'AUTOMATED_EXECUTION' },
  { confidence: 0.799_999_999, riskScore: 0 },
  { confidence: 1, riskScore: 0.300_000_001 },
  ...ROUTE_NAMES.map((routeTarget) => ({ routeTarget, retryStrategy: 'IMMEDIATE' as const })),
  { nextStep: 'MANUAL_REVIEW' },
];

const MALFORMED: readonly Record<string, unknown>[] = [
  { confidence: Number.NaN },
  { confidence: 2 },
  { riskScore: -1 },
  { intent: '__proto__' },
  { routeTarget: 'ELSEWHERE' },
  { retryStrategy: 'FOREVER' },
  { extra: 'key' },
  { intent: undefined },
  { reasonCode: 'AI_TIMEOUT' },
  { routeTarget: '\ud800' },
];
