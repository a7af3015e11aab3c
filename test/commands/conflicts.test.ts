import { describe, expect, it } from 'vitest';
import { modelFails, modelSays } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { type AppendCall, typesOf, unavailable } from '../support/watchedStore.ts';
import { startProcess, startWithCase } from '../support/world.ts';

const STEPS = [
  'TaskReceived',
  'DecisionRecommended + GuardrailEvaluated + ActionStarted',
  'ActionExecuted',
] as const;
const step = (call: AppendCall): string => typesOf(call.events);

/** A process, and a rival process that changes the case just before an append. */
async function withRival(script: Parameters<typeof startWithCase>[0] = {}) {
  const process = await startWithCase(script);
  const rival = startProcess({}, process.outside);
  let meetings = 0;
  return {
    process,
    rival,
    meetings: () => meetings,
    /** Before an append of these events the rival acts, as often as told. */
    meet: (at: string, act: () => Promise<unknown>, times = 1) => {
      process.store.hooks.before = async (call) => {
        if (step(call) !== at || meetings === times) return;
        meetings += 1;
        await act();
      };
    },
  };
}

describe('a conflict between load and append', () => {
  it.each(STEPS.flatMap((at) => [1, 3].map((times) => [at, times] as const)))(
    'at %s, %i times, keeps what the effect brought',
    async (at, times) => {
      const { process, rival, meet, meetings } = await withRival();
      meet(at, () => rival.note(), times);
      const { task } = await process.clock.runUntil(process.submit());
      expect(meetings()).toBe(times);
      expect(task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
      expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([1, 1]);
      const types = (await process.types()).filter((type) => type !== 'CaseNoteAdded');
      expect(types).toStrictEqual(['CaseOpened', ...STEPS.join(' + ').split(' + ')]);
      expect(process.told.filter((line) => line === 'conflict')).toHaveLength(times);
      await checkSound(process);
    },
  );

  it('computes the verdict again from the case as it is now', async () => {
    const { process, rival, meet } = await withRival();
    meet(STEPS[1], () => rival.change('SUSPENDED'));
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({
      outcome: 'MANUAL',
      verdicts: [{ verdict: 'ROUTE_TO_MANUAL', facts: { case: { state: 'SUSPENDED' } } }],
      manual: { codes: ['CASE_NOT_OPEN'] },
    });
    expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([1, 0]);
    await checkSound(process);
  });

  it('waits when the rival has started an action meanwhile', async () => {
    const { process, rival, meet } = await withRival();
    meet(STEPS[1], () => rival.submit({ sentKey: 'the rival’s' }));
    const { task } = await process.clock.runUntil(process.submit());
    expect(task.outcome).toBe('AUTO_SUCCESS');
    expect([process.partner.calls.length, rival.partner.calls.length]).toStrictEqual([1, 1]);
    await checkSound(process);
  });

  it('cancels what was closed meanwhile, and does not act', async () => {
    const { process, rival, meet } = await withRival();
    meet(STEPS[1], () => rival.change('CLOSED'));
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({ status: 'CANCELLED', decision: null });
    expect(process.partner.calls).toStrictEqual([]);
  });

  it('keeps a result although the case was closed meanwhile', async () => {
    const { process, rival, meet } = await withRival();
    meet(STEPS[2], () => rival.change('CLOSED'));
    expect((await process.clock.runUntil(process.submit())).task.outcome).toBe('AUTO_SUCCESS');
    expect(process.partner.calls).toHaveLength(1);
  });
});

describe('the store is away', () => {
  /** The store refuses these appends, and so many of them. */
  const away = (process: Awaited<ReturnType<typeof startWithCase>>, at: string, times: number) => {
    let left = times;
    process.store.hooks.before = (call) => {
      if (step(call) === at && left-- > 0) unavailable();
    };
  };

  it.each(STEPS.slice(1).map((at) => [at]))(
    'before %s is written: what the effect brought is kept',
    async (at) => {
      const process = await startWithCase();
      away(process, at, 12);
      const { task } = await process.clock.runUntil(process.submit());
      expect(task.outcome).toBe('AUTO_SUCCESS');
      expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([1, 1]);
      await checkSound(process);
    },
  );

  it('and a fallback is kept like any other recommendation', async () => {
    const process = await startWithCase({ model: () => modelFails('AI_RATE_LIMITED') });
    away(process, 'DecisionRecommended + GuardrailEvaluated + RoutedToManual', 5);
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({ outcome: 'MANUAL', decision: { reasonCode: 'AI_RATE_LIMITED' } });
    expect(process.recommender.calls).toHaveLength(1);
  });

  it('before the task is received: the caller is told, and nothing is half done', async () => {
    const process = await startWithCase();
    away(process, STEPS[0], 1);
    await expect(process.submit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await process.types()).toStrictEqual(['CaseOpened']);
    expect(process.recommender.calls).toStrictEqual([]);
    expect((await process.clock.runUntil(process.submit())).task.outcome).toBe('AUTO_SUCCESS');
  });

  it('for so long that the process ends: the task is resumable, and the model’s answer is lost with it', async () => {
    const process = await startWithCase();
    process.store.hooks.before = (call) => {
      if (step(call).startsWith('DecisionRecommended')) unavailable();
    };
    const answer = process.submit();
    process.store.hooks.after = (call) => {
      if (step(call) !== STEPS[0]) return;
      process.clock.sleep(10_000).then(process.shutdown);
      process.clock.sleep(20_000).then(process.end);
    };
    await process.clock.runUntil(answer);
    await process.clock.runUntil(process.runner.drain(60_000));
    expect(process.runner.inFlight()).toBe(0);
    expect(await process.types()).toStrictEqual(['CaseOpened', 'TaskReceived']);
    const { task } = await answer;
    const next = startProcess({}, process.outside);
    await next.clock.runUntil(next.drive(task.taskId));
    expect((await next.cases.load('C1001')).tasks.get(task.taskId)).toMatchObject({
      outcome: 'AUTO_SUCCESS',
    });
  });
});

describe('the store is away for a moment while the process ends', () => {
  it('what an effect has brought is recorded all the same', async () => {
    const process = await startWithCase();
    process.store.hooks.before = (call) => {
      if (step(call) !== STEPS[2] || call.number > 8) return;
      process.shutdown();
      unavailable();
    };
    await process.clock.runUntil(process.submit());
    await process.clock.runUntil(process.runner.drain(10_000));
    const { tasks } = await checkSound(process);
    expect([...tasks.values()]).toMatchObject([{ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' }]);
  });
});

describe('an answer of the store is lost', () => {
  const loseAnswer = (process: Awaited<ReturnType<typeof startWithCase>>, at: string) => {
    let lost = false;
    process.store.hooks.after = (call) => {
      if (step(call) !== at || lost) return;
      lost = true;
      unavailable();
    };
  };

  it('to the result: it is there once', async () => {
    const process = await startWithCase();
    loseAnswer(process, STEPS[2]);
    expect((await process.clock.runUntil(process.submit())).task.outcome).toBe('AUTO_SUCCESS');
    expect((await process.types()).filter((type) => type === 'ActionExecuted')).toHaveLength(1);
    await checkSound(process);
  });

  it('to the verdict that routes: it is there once', async () => {
    const process = await startWithCase({ model: () => modelSays({ confidence: 0 }) });
    loseAnswer(process, 'DecisionRecommended + GuardrailEvaluated + RoutedToManual');
    expect((await process.clock.runUntil(process.submit())).task.outcome).toBe('MANUAL');
    expect(await process.types()).toHaveLength(5);
    expect(process.recommender.calls).toHaveLength(1);
  });

  it('to the start of an action: it is known as one’s own, and done', async () => {
    const process = await startWithCase();
    loseAnswer(process, STEPS[1]);
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect(process.partner.calls).toHaveLength(1);
    expect((await process.types()).filter((type) => type === 'ActionStarted')).toHaveLength(1);
    await checkSound(process);
  });

  it('to the start of an action, until its time is over: nothing is sent, which is certain', async () => {
    const process = await startWithCase();
    process.store.hooks.after = (call) => {
      if (step(call) !== STEPS[1]) return;
      process.clock.advance(6_000);
      process.store.hooks.after = () => {};
      unavailable();
    };
    const { task } = await process.clock.runUntil(process.submit());
    expect(process.partner.calls).toStrictEqual([]);
    expect(task).toMatchObject({
      outcome: 'AUTO_FAILED',
      attempts: [{ executed: { result: 'FAILED', errorType: 'NOT_SENT_IN_TIME' } }],
      manual: { codes: ['ACTION_FAILED'] },
    });
    await checkSound(process);
  });

  it('to the task itself: it is there, a repeat does not start it again, and whoever finds it drives it', async () => {
    const process = await startWithCase({ waitMs: 1_000 });
    loseAnswer(process, STEPS[0]);
    await expect(process.submit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await process.types()).toStrictEqual(['CaseOpened', 'TaskReceived']);
    const { task } = await process.clock.runUntil(process.submit());
    expect(task.outcome).toBeNull();
    await process.clock.runUntil(process.drive(task.taskId));
    expect((await process.submit()).task.outcome).toBe('AUTO_SUCCESS');
    expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([1, 1]);
  });
});
