import { describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import type { Recommendation } from '../../src/recommender/port.ts';
import { idle } from '../support/clock.ts';
import { failed, modelSays, stallingModel, succeeded } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { startProcess, startWithCase } from '../support/world.ts';

describe('shutting down', () => {
  it('while the model thinks records no fallback, and leaves the task to the next process', async () => {
    const process = await startWithCase({ model: stallingModel });
    const answer = process.submit();
    await idle();
    process.shutdown();
    const { task } = await process.clock.runUntil(answer);
    await process.clock.runUntil(process.runner.drain(1_000));
    expect(task).toMatchObject({ status: 'RECEIVED', outcome: null });
    expect(await process.types()).toStrictEqual(['CaseOpened', 'TaskReceived']);
    expect(process.told).toStrictEqual([]);
    expect(process.logged).toStrictEqual([]);
    expect(process.runner.inFlight()).toBe(0);

    const next = startProcess({}, process.outside);
    next.runner.start('C1001', task.taskId, null);
    const current = await next.clock.runUntil(next.runner.settled('C1001', task.taskId, 1_000));
    expect(current.tasks.get(task.taskId)).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect(next.recommender.calls).toHaveLength(1);
    await checkSound(next);
  });

  it('keeps a recommendation that came all the same', async () => {
    const model = Promise.withResolvers<Recommendation>();
    const process = await startWithCase({ model: () => model.promise });
    const answer = process.submit();
    await idle();
    process.shutdown();
    model.resolve(modelSays({ confidence: 0.1 }));
    await process.clock.runUntil(Promise.all([answer, process.runner.drain(1_000)]));
    // Judged by whoever goes on: a process that is ending begins nothing.
    expect((await process.types()).at(-1)).toBe('DecisionRecommended');
  });

  it('begins no further attempt, however much time is left; the next process judges anew', async () => {
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({
      model: () => modelSays({ retryStrategy: 'IMMEDIATE' }),
      backend: () => backend.promise,
    });
    const answer = process.submit();
    await idle();
    process.shutdown();
    backend.resolve(failed);
    await process.clock.runUntil(Promise.all([answer, process.runner.drain(5_000)]));
    expect((await process.types()).at(-1)).toBe('ActionExecuted');
    expect(process.partner.calls).toHaveLength(1);

    const next = startProcess({}, process.outside);
    const { task } = await next.clock.runUntil(answer);
    next.runner.start('C1001', task.taskId, null);
    const current = await next.clock.runUntil(next.runner.settled('C1001', task.taskId, 1_000));
    expect(current.tasks.get(task.taskId)).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect(next.partner.calls.map(({ attempt }) => attempt)).toStrictEqual([2]);
    await checkSound(next);
  });

  it('while the backend works records what it brought', async () => {
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({ backend: () => backend.promise });
    const answer = process.submit();
    await idle();
    process.shutdown();
    const drained = process.runner.drain(5_000);
    await idle();
    expect(process.runner.inFlight()).toBe(1);
    backend.resolve(succeeded);
    await process.clock.runUntil(Promise.all([answer, drained]));
    expect((await process.types()).at(-1)).toBe('ActionExecuted');
    expect(process.runner.inFlight()).toBe(0);
  });

  it('while a task waits for its turn leaves it to the next process', async () => {
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({ backend: () => backend.promise });
    const answers = Promise.all([process.submit({ sentKey: 'one' }), process.submit({ sentKey: 'two' })]);
    await idle();
    process.shutdown();
    backend.resolve(succeeded);
    const all = await process.clock.runUntil(answers);
    await process.clock.runUntil(process.runner.drain(5_000));
    expect(process.runner.inFlight()).toBe(0);
    expect(process.logged).toStrictEqual([]);
    const next = startProcess({}, process.outside);
    for (const { task } of all) await next.clock.runUntil(next.drive(task.taskId));
    const current = await checkSound(next);
    expect([...current.tasks.values()].map((task) => task.outcome)).toStrictEqual([
      'AUTO_SUCCESS',
      'AUTO_SUCCESS',
    ]);
    expect(process.partner.calls.length + next.partner.calls.length).toBe(2);
  });

  it('answers whoever waits at once, as far as it got', async () => {
    const process = await startWithCase({ model: () => new Promise(() => {}) });
    const answer = process.submit();
    await idle();
    const before = process.clock.monotonicMs();
    process.shutdown();
    expect((await process.clock.runUntil(answer)).task.status).toBe('RECEIVED');
    expect(process.clock.monotonicMs()).toBe(before);
  });
});

describe('the runner', () => {
  it('drives a task once, however often it is asked', async () => {
    const model = Promise.withResolvers<Recommendation>();
    const process = await startWithCase({ model: () => model.promise });
    const answer = process.submit();
    await idle();
    const taskId = [...(await process.cases.load('C1001')).tasks.keys()][0] ?? '';
    for (let n = 0; n < 5; n += 1) process.runner.start('C1001', taskId, null);
    await idle();
    expect(process.runner.inFlight()).toBe(1);
    model.resolve(modelSays());
    await process.clock.runUntil(answer);
    expect(process.recommender.calls).toHaveLength(1);
    process.runner.start('C1001', taskId, null);
    await process.clock.runUntil(process.runner.drain(1_000));
    expect(process.recommender.calls).toHaveLength(1);
    expect(await process.types()).toHaveLength(6);
  });

  it.each([0, 1, 250, 30_000])('waits %i ms for an outcome, and not longer', async (waitMs) => {
    const process = await startWithCase({ model: () => new Promise(() => {}), waitMs });
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({ status: 'RECEIVED', outcome: null });
    expect(process.clock.monotonicMs()).toBe(waitMs);
  });

  it('waits for what another process drives', async () => {
    const model = Promise.withResolvers<Recommendation>();
    const one = await startWithCase({ model: () => model.promise });
    const two = startProcess({}, one.outside);
    const first = one.submit();
    await idle();
    const second = two.submit();
    await idle();
    one.clock.advance(1_000);
    await idle();
    model.resolve(modelSays());
    const [mine, theirs] = await one.clock.runUntil(Promise.all([first, second]));
    expect(theirs.task).toStrictEqual(mine.task);
    expect(theirs.replayed).toBe(true);
    expect(two.recommender.calls).toStrictEqual([]);
  });

  it('drains no longer than it may', async () => {
    const process = await startWithCase({ model: () => new Promise(() => {}), waitMs: 0 });
    await process.submit();
    await process.clock.runUntil(process.runner.drain(700));
    expect(process.clock.monotonicMs()).toBe(700);
    expect(process.runner.inFlight()).toBe(1);
  });

  it('drains at once when nothing is in flight, and leaves nobody asleep', async () => {
    const process = await startWithCase();
    await process.submit();
    await process.runner.drain(60_000);
    expect(process.clock.monotonicMs()).toBe(0);
    expect(process.clock.sleepers()).toBe(0);
  });

  it('tells of a task that it could not drive, without its text, and goes on with others', async () => {
    const process = await startWithCase({ waitMs: 0 });
    process.runner.start('C1001', 'C1001~nothing', null);
    await process.runner.drain(1_000);
    expect(process.logged).toMatchObject([{ level: 'error', caseId: 'C1001', taskId: 'C1001~nothing' }]);
    expect(process.runner.inFlight()).toBe(0);
  });
});
