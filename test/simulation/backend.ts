import type { Backend, BackendAnswer, BackendCall } from '../../src/backends/port.ts';
import { type Breaker, createBreaker, type Health } from '../../src/runtime/breaker.ts';
import type { Observer } from '../../src/runtime/observer.ts';
import { type BackendFault, type Climate, strike } from './climate.ts';
import type { Host } from './host.ts';
import type { Outside } from './outside.ts';
import { ROUTES, type Route } from './sources.ts';
import type { World } from './world.ts';

/** Told what a process does with its backends. */
export type BackendWatch = {
  readonly called: (host: Host, route: Route, call: BackendCall) => void;
  readonly sent: (host: Host, call: BackendCall) => void;
  /** The answer has reached the process. */
  readonly answered: (host: Host, call: BackendCall, answer: BackendAnswer, lookup: boolean) => void;
};

export type BackendOptions = {
  readonly world: World;
  readonly climate: Climate;
  readonly host: Host;
  readonly route: Route;
  readonly timeoutMs: number;
  readonly outside: Outside;
  readonly watch: BackendWatch;
  readonly crash: (host: Host) => void;
  readonly observer: Pick<Observer, 'circuit'>;
};

const ONLY_IDEMPOTENT: readonly BackendFault[] = ['liesFailure', 'deliveredTwice'];
const CIRCUIT = { failures: 2, openMs: 1_500 };
const DIGEST = 'd'.repeat(64);

/** One process's way to one backend: an adapter that keeps its port, over a network and a backend that keep nothing. */
export function createSimulatedWay(options: BackendOptions): Backend {
  const { world, climate, host, route, timeoutMs, outside, watch, crash } = options;
  const { timeline, random, count, tell, isStormy } = world;
  const { clock } = host;
  const breaker: Breaker = createBreaker({
    dependency: route,
    ...CIRCUIT,
    clock,
    watch: { observer: options.observer, logger: { info: () => {}, warn: () => {} } },
  });

  const meanwhile = (strikes: () => void): void => {
    timeline.after(random.between(0, 300), () => isStormy() && strikes());
  };
  const chooseFault = (): BackendFault | null => {
    if (!isStormy()) return null;
    const fault = strike(random, climate.backend);
    if (!fault || (ONLY_IDEMPOTENT.includes(fault) && !ROUTES[route].idempotent)) return null;
    count(`backend/${fault}`);
    if (fault === 'crashMeanwhile') meanwhile(() => crash(host));
    if (fault === 'freezeMeanwhile') meanwhile(() => host.freeze(random.between(500, 6_000)));
    return fault;
  };
  const answerOf = (
    began: number,
    result: BackendAnswer['result'],
    errorType: string | null,
  ): BackendAnswer => ({
    result,
    errorType,
    responseDigest: result === 'SUCCEEDED' ? DIGEST : null,
    durationMs: clock.monotonicMs() - began,
  });

  /** Sends, and waits no longer than the call may take. */
  const exchange = async (call: BackendCall, fault: BackendFault | null): Promise<BackendAnswer> => {
    const began = clock.monotonicMs();
    const end = Math.min(began + timeoutMs, call.deadlineMs);
    if (random.chance(0.2)) await clock.sleep(random.between(1, timeoutMs));
    if (clock.monotonicMs() >= end) return answerOf(began, 'FAILED', 'QUEUE_TIMEOUT');
    if (fault === 'cannotConnect') {
      await clock.sleep(random.between(0, 50));
      return answerOf(began, 'FAILED', 'CONNECTION_REFUSED');
    }
    const answered = new AbortController();
    let answer = answerOf(began, 'UNKNOWN', 'TIMEOUT');
    watch.sent(host, call);
    outside.send({ ...call, route, key: call.idempotencyKey, from: host }, fault, (reply) => {
      host.deliver(() => {
        if (reply) answer = answerOf(began, reply.result, reply.errorType);
        answered.abort();
      });
    });
    if (fault === 'throwsAfter') throw new Error('the adapter broke after it had sent');
    await clock.sleep(end - clock.monotonicMs(), answered.signal);
    return answer;
  };

  const wait = <T>(): Promise<T> => new Promise(() => {});
  const lookUp = async (call: BackendCall): Promise<BackendAnswer> => {
    if (!host.isAlive()) return wait();
    const began = clock.monotonicMs();
    const isSilent = isStormy() && random.chance(climate.lookupSilent);
    if (isSilent) count('backend/lookupSilent');
    await clock.sleep(random.between(0, isSilent ? timeoutMs : 50));
    const result = isSilent ? 'UNKNOWN' : outside.truth(route, call.idempotencyKey);
    tell(() => `${host.name} asks ${route} about …${call.taskId.slice(-6)}: ${result}`);
    const answer = answerOf(began, result, result === 'FAILED' ? 'NOT_FOUND' : null);
    watch.answered(host, call, answer, true);
    return answer;
  };
  return {
    route,
    kind: 'http',
    idempotent: ROUTES[route].idempotent,
    timeoutMs,
    available: breaker.available,
    describe: () => `${route}: simulated`,
    call: async (call) => {
      if (!host.isAlive()) return wait();
      watch.called(host, route, call);
      tell(() => `${host.name} calls ${route} for …${call.taskId.slice(-6)} attempt ${call.attempt}`);
      const fault = chooseFault();
      if (fault) tell(() => `${host.name} ${route}: ${fault}`);
      if (fault === 'throwsBefore') throw new Error('the adapter broke');
      const otherwise = answerOf(clock.monotonicMs(), 'FAILED', 'CIRCUIT_OPEN');
      const answer = await breaker.guard(() => exchange(call, fault), healthOf, otherwise);
      watch.answered(host, call, answer, false);
      return answer;
    },
    lookUp: ROUTES[route].lookup ? lookUp : null,
  };
}

const healthOf = ({ result, errorType }: BackendAnswer): Health => {
  if (result === 'UNKNOWN' || errorType === 'CONNECTION_REFUSED') return 'down';
  return errorType === 'QUEUE_TIMEOUT' ? 'unjudged' : 'up';
};
