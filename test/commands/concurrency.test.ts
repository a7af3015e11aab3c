import { describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import type { Recommendation } from '../../src/recommender/port.ts';
import { idle } from '../support/clock.ts';
import { failed, modelSays, succeeded } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { createOutside, startProcess, startWithCase } from '../support/world.ts';

const submitMany = (
  process: Pick<Awaited<ReturnType<typeof startWithCase>>, 'submit'>,
  count: number,
  from = 0,
) => Array.from({ length: count }, (_, n) => process.submit({ sentKey: `key ${from + n}` }));

describe('different tasks of one case at once', () => {
  it('50 ask the model 50 times at once, and act one after the other', async () => {
    const model = Promise.withResolvers<Recommendation>();
    let inBackend = 0;
    let most = 0;
    const process = await startWithCase({
      model: () => model.promise,
      backend: async () => {
        inBackend += 1;
        most = Math.max(most, inBackend);
        await process.clock.sleep(20);
        inBackend -= 1;
        return succeeded;
      },
    });
    const answers = Promise.all(submitMany(process, 50));
    await idle();
    expect(process.recommender.calls).toHaveLength(50);
    model.resolve(modelSays());
    const all = await process.clock.runUntil(answers);
    expect(all.map((answer) => answer.task.outcome)).toStrictEqual(Array(50).fill('AUTO_SUCCESS'));
    expect(process.recommender.calls).toHaveLength(50);
    expect(process.partner.calls).toHaveLength(50);
    expect(new Set(process.partner.calls.map((call) => call.idempotencyKey)).size).toBe(50);
    expect(most).toBe(1);
    await checkSound(process);
  });

  it('see what the one before them did: failures count until the limit, the rest goes to people', async () => {
    const process = await startWithCase({ backend: () => failed });
    const all = await process.clock.runUntil(Promise.all(submitMany(process, 10)));
    const outcomes = all.map((answer) => answer.task.outcome).sort();
    expect(outcomes).toStrictEqual([...Array(3).fill('AUTO_FAILED'), ...Array(7).fill('MANUAL')]);
    expect(process.partner.calls).toHaveLength(3);
    const current = await checkSound(process);
    expect(current.retryCount).toBe(3);
  });

  it('in two processes still act one after the other', async () => {
    const outside = createOutside();
    let inBackend = 0;
    let most = 0;
    const backend = async (): Promise<BackendAnswer> => {
      inBackend += 1;
      most = Math.max(most, inBackend);
      await outside.clock.sleep(20);
      inBackend -= 1;
      return succeeded;
    };
    const one = await startWithCase({ backend }, {}, outside);
    const two = startProcess({ backend }, outside);
    const answers = Promise.all([...submitMany(one, 8), ...submitMany(two, 8, 8)]);
    const all = await outside.clock.runUntil(answers);
    expect(all.map((answer) => answer.task.outcome)).toStrictEqual(Array(16).fill('AUTO_SUCCESS'));
    expect(one.recommender.calls.length + two.recommender.calls.length).toBe(16);
    expect(one.partner.calls.length + two.partner.calls.length).toBe(16);
    expect(most).toBe(1);
    await checkSound(one);
  });

  it('go on at once when it is their turn, without any time passing', async () => {
    const first = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({ backend: (_, call) => (call === 1 ? first.promise : succeeded) });
    const answers = Promise.all(submitMany(process, 2));
    await idle();
    expect(process.partner.calls).toHaveLength(1);
    first.resolve(succeeded);
    await idle();
    expect(process.partner.calls).toHaveLength(2);
    await answers;
    expect(process.clock.monotonicMs()).toBe(0);
  });

  it('of different cases do not wait for each other', async () => {
    const held = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({
      backend: (call) => (call.caseId === 'C1001' ? held.promise : succeeded),
    });
    await process.open({ caseId: 'C2' });
    const stuck = process.submit();
    await idle();
    const free = await process.clock.runUntil(process.submit({ caseId: 'C2' }));
    expect(free.task.outcome).toBe('AUTO_SUCCESS');
    held.resolve(succeeded);
    expect((await process.clock.runUntil(stuck)).task.outcome).toBe('AUTO_SUCCESS');
  });
});

describe('the case is closed', () => {
  it('while the model thinks: the task is cancelled, and what the model says leads to nothing', async () => {
    const model = Promise.withResolvers<Recommendation>();
    const process = await startWithCase({ model: () => model.promise });
    const answer = process.submit();
    await idle();
    await process.change('CLOSED');
    model.resolve(modelSays());
    const { task } = await process.clock.runUntil(answer);
    await process.runner.drain(1_000);
    expect(task).toMatchObject({ status: 'CANCELLED', outcome: null, decision: null });
    expect(await process.types()).toStrictEqual([
      'CaseOpened',
      'TaskReceived',
      'CaseStateChanged',
      'TaskCancelled',
    ]);
    expect(process.partner.calls).toStrictEqual([]);
    expect(process.logged).toStrictEqual([]);
  });

  it('and opened again while the model thinks: the task stays cancelled', async () => {
    const model = Promise.withResolvers<Recommendation>();
    const process = await startWithCase({ model: () => model.promise });
    const answer = process.submit();
    await idle();
    await process.change('CLOSED');
    await process.change('OPEN');
    model.resolve(modelSays());
    expect((await process.clock.runUntil(answer)).task).toMatchObject({ status: 'CANCELLED' });
    expect(process.partner.calls).toStrictEqual([]);
  });

  it.each(['SUSPENDED'] as const)('is %s while the model thinks: the verdict sees it', async (state) => {
    const model = Promise.withResolvers<Recommendation>();
    const process = await startWithCase({ model: () => model.promise });
    const answer = process.submit();
    await idle();
    await process.change(state);
    model.resolve(modelSays());
    const { task } = await process.clock.runUntil(answer);
    expect(task).toMatchObject({ outcome: 'MANUAL', manual: { codes: ['CASE_NOT_OPEN'] } });
    expect(process.partner.calls).toStrictEqual([]);
    await checkSound(process);
  });

  it('while the backend works: what it did is recorded', async () => {
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({ backend: () => backend.promise });
    const answer = process.submit();
    await idle();
    await process.change('CLOSED');
    backend.resolve(succeeded);
    const { task, current } = await process.clock.runUntil(answer);
    expect(task).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' });
    expect(current.state).toBe('CLOSED');
    expect((await process.types()).slice(-2)).toStrictEqual(['CaseStateChanged', 'ActionExecuted']);
  });

  it('while the backend fails: it is not tried again, whatever the strategy', async () => {
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({
      model: () => modelSays({ retryStrategy: 'IMMEDIATE' }),
      backend: () => backend.promise,
    });
    const answer = process.submit();
    await idle();
    await process.change('CLOSED');
    backend.resolve(failed);
    const { task } = await process.clock.runUntil(answer);
    expect(task).toMatchObject({
      outcome: 'AUTO_FAILED',
      manual: { codes: ['ACTION_FAILED', 'CASE_NOT_OPEN'] },
    });
    expect(process.partner.calls).toHaveLength(1);
    await checkSound(process);
  });

  it('while another task waits for its turn: that one is cancelled and never acts', async () => {
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({ backend: () => backend.promise });
    const answers = Promise.all(submitMany(process, 3));
    await idle();
    expect(process.partner.calls).toHaveLength(1);
    await process.change('CLOSED');
    backend.resolve(succeeded);
    const all = await process.clock.runUntil(answers);
    expect(all.map((answer) => answer.task.status).sort()).toStrictEqual([
      'CANCELLED',
      'CANCELLED',
      'COMPLETED',
    ]);
    expect(process.partner.calls).toHaveLength(1);
    await checkSound(process);
  });
});
