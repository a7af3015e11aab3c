import { describe, expect, it } from 'vitest';
import type { PauseTarget } from '../../src/domain/automation.ts';
import type { Actor } from '../../src/domain/events.ts';
import { AUTOMATION_STREAM } from '../../src/domain/identifiers.ts';
import { createMemoryEventStore } from '../../src/eventstore/memory.ts';
import { StoreUnavailableError } from '../../src/eventstore/port.ts';
import { failed, modelSays, succeeded } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { typesOf } from '../support/watchedStore.ts';
import { createOutside, type Process, type Script, startProcess, startWithCase } from '../support/world.ts';

const ERIKA: Actor = { kind: 'person', id: 'erika', roles: ['SUPERVISOR'], authMethod: 'oidc' };
const EXECUTE = 'DecisionRecommended + GuardrailEvaluated + ActionStarted';
const ROUTE = ['DecisionRecommended', 'GuardrailEvaluated', 'RoutedToManual'];

const order = (process: Process, verb: 'pause' | 'resume', target: PauseTarget = ALL) =>
  process.automation[verb]({ target, reason: 'BECAUSE', actor: ERIKA, traceparent: null, sentKey: null });
const ALL: PauseTarget = { scope: 'ALL', name: null };

/** A process whose case is open, and another one on the same log, where somebody pauses. */
async function startWithRival(script: Script = {}, outside = createOutside()) {
  const process = await startWithCase(script, {}, outside);
  const rival = startProcess({}, outside);
  return { process, rival };
}

const typesAfterReceipt = async (process: Process): Promise<string[]> =>
  (await process.types()).filter((type) => !['CaseOpened', 'TaskReceived', 'CaseNoteAdded'].includes(type));

describe('while automation is paused', () => {
  it('a task is recommended, judged and routed to a person, by the fact that the verdict records', async () => {
    const { process, rival } = await startWithRival();
    await order(rival, 'pause');
    const { task } = await process.submit();
    expect(task).toMatchObject({ outcome: 'MANUAL', manual: { codes: ['AUTOMATION_PAUSED'] } });
    expect(process.partner.calls).toHaveLength(0);
    const [verdict] = (await process.events()).flatMap((event) =>
      event.type === 'GuardrailEvaluated' ? [event.data] : [],
    );
    expect(verdict).toMatchObject({ verdict: 'ROUTE_TO_MANUAL', facts: { automation: { paused: true } } });
    expect(verdict?.guardrails.filter(({ passed }) => !passed)).toMatchObject([
      { name: 'automation-running', code: 'AUTOMATION_PAUSED', overridable: false },
    ]);
    await checkSound(process);
  });

  it.each<[PauseTarget, string]>([
    [{ scope: 'INTENT', name: 'RETRY_EXTERNAL_CALL' }, 'MANUAL'],
    [{ scope: 'BACKEND', name: 'PARTNER_API' }, 'MANUAL'],
    [{ scope: 'INTENT', name: 'ESCALATE' }, 'AUTO_SUCCESS'],
    [{ scope: 'BACKEND', name: 'CORE_SYSTEM' }, 'AUTO_SUCCESS'],
  ])('for %o, a retry over PARTNER_API ends as %s', async (target, outcome) => {
    const { process, rival } = await startWithRival();
    await order(rival, 'pause', target);
    expect((await process.submit()).task).toMatchObject({ outcome });
  });

  it('an attempt that was open is finished, and not made again when it failed', async () => {
    const { process, rival } = await startWithRival({
      model: () => modelSays({ retryStrategy: 'IMMEDIATE' }),
      backend: async () => {
        await order(rival, 'pause');
        return failed;
      },
    });
    const { task } = await process.submit();
    expect(task).toMatchObject({
      outcome: 'AUTO_FAILED',
      manual: { codes: ['ACTION_FAILED', 'AUTOMATION_PAUSED'] },
    });
    expect(process.partner.calls).toHaveLength(1);
    await checkSound(process);
  });

  it('an attempt that was open and succeeds is a success', async () => {
    const { process, rival } = await startWithRival({
      backend: async () => {
        await order(rival, 'pause');
        return succeeded;
      },
    });
    expect((await process.submit()).task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
  });

  it('a retry that falls due goes to a person', async () => {
    const { process, rival } = await startWithRival({
      waitMs: 0,
      model: () => modelSays({ retryStrategy: 'BACKOFF' }),
      backend: () => failed,
    });
    const { task } = await process.clock.runUntil(process.submit());
    await process.clock.runUntil(process.runner.drain(60_000));
    const waiting = (await process.cases.load('C1001')).tasks.get(task.taskId);
    expect(waiting).toMatchObject({ status: 'RETRY_SCHEDULED' });
    await order(rival, 'pause');
    process.clock.advance(Date.parse(waiting?.retry?.dueAt ?? '') - Date.parse(process.clock.now()));
    await process.clock.runUntil(process.drive(task.taskId));
    expect((await checkSound(process)).tasks.get(task.taskId)).toMatchObject({
      outcome: 'AUTO_FAILED',
      manual: { codes: ['ACTION_FAILED', 'AUTOMATION_PAUSED'] },
    });
    expect(process.partner.calls).toHaveLength(1);
  });

  it('what was routed to a person stays there after the end of the pause; what comes then is executed', async () => {
    const { process, rival } = await startWithRival();
    await order(rival, 'pause');
    await process.submit({ sentKey: 'one' });
    await order(process, 'resume');
    expect((await process.submit({ sentKey: 'one' })).task).toMatchObject({ outcome: 'MANUAL' });
    expect((await process.submit({ sentKey: 'two' })).task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
  });
});

describe('a pause that comes while a verdict is made', () => {
  it('is seen where the verdict has to be made anew: after a conflict', async () => {
    const { process, rival } = await startWithRival();
    process.store.hooks.before = async ({ events }) => {
      if (typesOf(events) !== EXECUTE) return;
      await order(rival, 'pause');
      await rival.note();
    };
    expect((await process.submit()).task).toMatchObject({ outcome: 'MANUAL' });
    expect(await typesAfterReceipt(process)).toStrictEqual(ROUTE);
    expect(process.partner.calls).toHaveLength(0);
    expect(process.recommender.calls).toHaveLength(1);
  });

  it('is seen where the verdict waits for the store, and for its turn', async () => {
    const { process, rival } = await startWithRival();
    let tries = 0;
    process.store.hooks.before = async ({ events }) => {
      if (typesOf(events) !== EXECUTE) return;
      tries += 1;
      await order(rival, 'pause');
      throw new StoreUnavailableError('away', null);
    };
    const { task } = await process.clock.runUntil(process.submit());
    expect([task.outcome, tries]).toStrictEqual(['MANUAL', 1]);
    expect(await typesAfterReceipt(process)).toStrictEqual(ROUTE);
  });

  it('is not seen by an append that is on its way: what it permits is done, once', async () => {
    const { process, rival } = await startWithRival();
    process.store.hooks.before = async ({ events }) => {
      if (typesOf(events) === EXECUTE) await order(rival, 'pause');
    };
    expect((await process.submit({ sentKey: 'one' })).task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect((await process.submit({ sentKey: 'two' })).task).toMatchObject({ outcome: 'MANUAL' });
  });
});

describe('where the pauses cannot be read', () => {
  /** An outside whose stream of pauses cannot be read while `away` says so. */
  const unreadable = (away: () => boolean) => {
    const store = createMemoryEventStore();
    let refused = 0;
    return {
      refused: () => refused,
      outside: {
        ...createOutside(),
        store: {
          ...store,
          readStream: async (...args: Parameters<typeof store.readStream>) => {
            if (args[0] === AUTOMATION_STREAM && away()) {
              refused += 1;
              throw new StoreUnavailableError('away', null);
            }
            return store.readStream(...args);
          },
        },
      },
    };
  };

  it('nothing is judged; the recommendation is kept and the model is not asked again', async () => {
    let away = false;
    const { outside, refused } = unreadable(() => away && refused() < 5);
    const process = await startWithCase(
      {
        model: () => {
          away = true;
          return modelSays();
        },
      },
      {},
      outside,
    );
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect([refused(), process.recommender.calls.length]).toStrictEqual([5, 1]);
    await checkSound(process);
  });

  it('what a backend did is recorded when they can be read again, and it is not called twice', async () => {
    let away = false;
    const { outside, refused } = unreadable(() => away && refused() < 5);
    const process = await startWithCase(
      {
        backend: () => {
          away = true;
          return failed;
        },
      },
      {},
      outside,
    );
    const { task } = await process.clock.runUntil(process.submit());
    expect(task).toMatchObject({ outcome: 'AUTO_FAILED', manual: { codes: ['ACTION_FAILED'] } });
    expect([refused(), process.partner.calls.length]).toStrictEqual([5, 1]);
    await checkSound(process);
  });
});
