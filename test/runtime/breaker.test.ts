import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Breaker, createBreaker, type Health } from '../../src/runtime/breaker.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { createFakeClock, idle } from '../support/clock.ts';
import { readMetrics } from '../support/metrics.ts';
import { recordingLogger, recordingObserver } from '../support/scripted.ts';

const OPEN_MS = 1_000;

function breakerOf(failures = 3) {
  const clock = createFakeClock();
  const logger = recordingLogger();
  const observer = recordingObserver();
  const settings = { dependency: 'PARTNER_API', failures, openMs: OPEN_MS };
  const breaker = createBreaker({ ...settings, clock, watch: { logger, observer } });
  const call = (health: Health | 'refused'): Promise<Health | 'refused'> =>
    breaker.guard(
      async () => health,
      (result) => (result === 'refused' ? 'unjudged' : result),
      'refused',
    );
  const calls = async (...healths: Health[]) => {
    const results = [];
    for (const health of healths) results.push(await call(health));
    return results;
  };
  return { breaker, clock, logger, told: observer.told, call, calls };
}

/** Work whose end the test decides. */
function pending(breaker: Breaker) {
  const { promise, resolve, reject } = Promise.withResolvers<Health | 'refused'>();
  const work = vi.fn(() => promise);
  const judge = (result: Health | 'refused'): Health => (result === 'refused' ? 'unjudged' : result);
  const ended = breaker.guard<Health | 'refused'>(work, judge, 'refused');
  return { work, ended, resolve, reject };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a closed circuit', () => {
  it('opens after so many failures in a row', async () => {
    const { breaker, calls } = breakerOf();
    expect(await calls('down', 'down', 'up', 'down', 'down')).not.toContain('refused');
    expect(breaker.available()).toBe(true);
    expect(await calls('down', 'down', 'up')).toEqual(['down', 'refused', 'refused']);
    expect(breaker.available()).toBe(false);
  });

  it('counts neither for nor against what says nothing of the dependency', async () => {
    const { breaker, calls } = breakerOf();
    await calls('down', 'down', 'unjudged', 'unjudged', 'unjudged');
    expect(breaker.available()).toBe(true);
    await calls('down');
    expect(breaker.available()).toBe(false);
  });

  it('lets an error of the work through and counts nothing', async () => {
    const { breaker, calls } = breakerOf(1);
    const failing = breaker.guard(
      () => Promise.reject(new Error('broken')),
      () => 'down',
      null,
    );
    await expect(failing).rejects.toThrow('broken');
    expect(breaker.available()).toBe(true);
    expect(await calls('down', 'down')).toEqual(['down', 'refused']);
  });
});

describe('an open circuit', () => {
  it('does no work until its time is over, whatever the wall clock does', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-06-01') });
    const { breaker, clock, calls } = breakerOf(1);
    await calls('down');
    vi.setSystemTime(new Date('2036-06-01'));
    expect(pending(breaker).work).not.toHaveBeenCalled();
    clock.advance(OPEN_MS - 1);
    expect(breaker.available()).toBe(false);
    vi.setSystemTime(new Date('2016-06-01'));
    clock.advance(1);
    expect(breaker.available()).toBe(true);
    expect(await calls('up', 'up')).toEqual(['up', 'up']);
  });

  it('says yes to one of those who ask then, and after a while to another, if that one does not come', async () => {
    const { breaker, clock, calls } = breakerOf(1);
    await calls('down');
    clock.advance(OPEN_MS);
    const ask = (): boolean[] => [breaker.available(), breaker.available(), breaker.mayCall()];
    expect(ask()).toEqual([true, false, true]);
    clock.advance(1_999);
    expect(ask()).toEqual([false, false, true]);
    clock.advance(1);
    expect(ask()).toEqual([true, false, true]);
    expect(await calls('up')).toEqual(['up']);
    expect([breaker.available(), breaker.available()]).toEqual([true, true]);
  });

  it('lets one call through then, and refuses others at once', async () => {
    const { breaker, clock, calls } = breakerOf(1);
    await calls('down');
    clock.advance(OPEN_MS);
    const probe = pending(breaker);
    const others = [pending(breaker), pending(breaker)];
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual(['refused', 'refused']);
    expect(breaker.available()).toBe(false);
    probe.resolve('up');
    expect(await probe.ended).toBe('up');
    expect(others.map(({ work }) => work.mock.calls.length)).toEqual([0, 0]);
    expect(breaker.available()).toBe(true);
  });

  it('stays open for as long again when that call fails, and forgets old failures when it succeeds', async () => {
    const { breaker, clock, calls } = breakerOf(2);
    await calls('down', 'down');
    clock.advance(OPEN_MS);
    expect(await calls('down', 'up')).toEqual(['down', 'refused']);
    clock.advance(OPEN_MS - 1);
    expect(breaker.available()).toBe(false);
    clock.advance(1);
    expect(await calls('up', 'down')).toEqual(['up', 'down']);
    expect(breaker.available()).toBe(true);
  });

  it('lets the next one try when that call says nothing, or throws', async () => {
    const { breaker, clock, calls } = breakerOf(1);
    await calls('down');
    clock.advance(OPEN_MS);
    await calls('unjudged');
    const thrown = pending(breaker);
    thrown.reject(new Error('broken'));
    await expect(thrown.ended).rejects.toThrow('broken');
    expect(breaker.available()).toBe(true);
    expect(await calls('down', 'up')).toEqual(['down', 'refused']);
  });

  it('is not judged by what was begun before it opened', async () => {
    const { breaker, clock, calls } = breakerOf(2);
    const [good, bad, badToo, alsoBad] = [1, 2, 3, 4].map(() => pending(breaker));
    await calls('down', 'down');
    good?.resolve('up');
    await good?.ended;
    expect(breaker.available()).toBe(false);
    clock.advance(OPEN_MS);
    const probe = pending(breaker);
    bad?.resolve('down');
    await bad?.ended;
    probe.resolve('up');
    await probe.ended;
    for (const late of [badToo, alsoBad]) late?.resolve('down');
    await Promise.all([badToo?.ended, alsoBad?.ended]);
    expect(breaker.available()).toBe(true);
  });
});

it('tells of every change, with the name of the dependency', async () => {
  const { told, logger, clock, calls } = breakerOf(2);
  await calls('down', 'down');
  clock.advance(OPEN_MS);
  await calls('down');
  clock.advance(OPEN_MS);
  await calls('up');
  const states = ['closed', 'open', 'halfOpen', 'open', 'halfOpen', 'closed'];
  expect(told).toEqual(states.map((state) => `circuit PARTNER_API ${state}`));
  const fails = {
    level: 'warn',
    dependency: 'PARTNER_API',
    openMs: OPEN_MS,
    message: 'a dependency fails: for a while nothing is sent to it',
  };
  const tried = {
    level: 'info',
    dependency: 'PARTNER_API',
    message: 'a dependency that failed is tried with one call',
  };
  const works = { level: 'info', dependency: 'PARTNER_API', message: 'a dependency works again' };
  expect(logger.lines).toEqual([fails, tried, fails, tried, works]);
});

it('is a gauge in the metrics: 1 while calls are held back', async () => {
  const clock = createFakeClock();
  const { observer, scrape } = createMetrics(recordingLogger());
  const settings = { failures: 1, openMs: OPEN_MS, clock, watch: { logger: recordingLogger(), observer } };
  const model = createBreaker({ ...settings, dependency: 'model' });
  createBreaker({ ...settings, dependency: 'PARTNER_API' });
  const gauges = async () => {
    const zero = async () => 0;
    const { text } = await scrape({
      tasksInFlight: () => 0,
      projectionLag: zero,
      parkedCases: zero,
      pauses: zero,
      queues: async () => [],
      seals: async () => null,
      verification: async () => null,
    });
    return ['model', 'PARTNER_API'].map((name) =>
      readMetrics(text).get(`case_orchestrator_circuit_open{dependency="${name}"}`),
    );
  };
  expect(await gauges()).toEqual([0, 0]);
  const failing = pending(model);
  failing.resolve('down');
  await failing.ended;
  expect(await gauges()).toEqual([1, 0]);
  clock.advance(OPEN_MS);
  const probe = pending(model);
  expect(await gauges()).toEqual([1, 0]);
  probe.resolve('up');
  await probe.ended;
  expect(await gauges()).toEqual([0, 0]);
});

type Step =
  | { readonly kind: 'begin' | 'settle' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'end'; readonly which: number; readonly health: Health };

/** Takes steps one by one; calls end one at a time or, until the next `settle`, several at once. */
function startWalk() {
  const { breaker, clock, told, calls } = breakerOf(2);
  const isClosed = (): boolean => told.at(-1) === 'circuit PARTNER_API closed';
  let open: (ReturnType<typeof pending> & { readonly probe: boolean })[] = [];
  const take = async (step: Step): Promise<void> => {
    if (step.kind === 'wait') clock.advance(step.ms);
    if (step.kind === 'settle') await idle();
    if (step.kind === 'end') open.splice(step.which, 1)[0]?.resolve(step.health);
    if (step.kind !== 'begin') return;
    const probe = !isClosed();
    const begun = pending(breaker);
    if (begun.work.mock.calls.length > 0) open.push({ ...begun, probe });
  };
  const finish = async () => {
    for (const left of open) left.resolve('down');
    open = [];
    await idle();
    clock.advance(OPEN_MS);
    return calls('up', 'up');
  };
  return { take, finish, isClosed, probes: () => open.filter(({ probe }) => probe).length };
}

it('never lets two through at a time before one has succeeded, in whatever order calls begin and end', async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constantFrom('begin' as const, 'settle' as const) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, OPEN_MS) }),
    fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(5),
      health: fc.constantFrom<Health[]>('up', 'down', 'unjudged'),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const walk = startWalk();
      for (const next of steps) {
        await walk.take(next);
        expect(walk.probes()).toBeLessThanOrEqual(1);
      }
      expect(await walk.finish()).toEqual(['up', 'up']);
      expect(walk.isClosed()).toBe(true);
    }),
    { numRuns: 200 },
  );
});
