import { describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import { idle } from '../support/clock.ts';
import { failed, modelSays, succeeded, unknown } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { type Script, startProcess, startWithCase } from '../support/world.ts';

/** A process that waits for its backend, another one that has run out of patience with it, and the answer to come. */
async function overtaken(script: Omit<Script, 'backend'> = {}, idempotent = false) {
  const backend = Promise.withResolvers<BackendAnswer>();
  const slow = await startWithCase({ ...script, idempotent, backend: () => backend.promise });
  const answer = slow.submit();
  await idle();
  const [taskId = ''] = (await slow.cases.load('C1001')).tasks.keys();
  const other = startProcess({ ...script, idempotent }, slow.outside);
  await other.clock.runUntil(other.drive(taskId));
  const after = await other.types();
  return { slow, other, taskId, answer, after, arrive: backend.resolve };
}

describe('an answer that comes after somebody recorded the attempt as unknown', () => {
  it('resolves the outcome: done is done, though the task had been told to be with a person', async () => {
    const { slow, answer, after, arrive } = await overtaken();
    expect(after.slice(-2)).toStrictEqual(['ActionExecuted', 'RoutedToManual']);
    arrive(succeeded);
    const { task } = await slow.clock.runUntil(answer);
    expect(task).toMatchObject({ outcome: 'AUTO_FAILED', manual: { codes: ['ACTION_OUTCOME_UNKNOWN'] } });
    await slow.clock.runUntil(slow.runner.drain(1_000));
    const current = await checkSound(slow);
    expect((await slow.types()).slice(after.length)).toStrictEqual(['ActionOutcomeResolved']);
    expect([...current.tasks.values()]).toMatchObject([
      {
        status: 'COMPLETED',
        outcome: 'AUTO_FAILED',
        attempts: [
          { executed: { result: 'UNKNOWN' }, resolved: { result: 'SUCCEEDED', source: 'LATE_ANSWER' } },
        ],
      },
    ]);
    expect(current).toMatchObject({ retryCount: 0, lastErrorType: null });
    expect(slow.told).toContain('resolved LATE_ANSWER SUCCEEDED');
  });

  it('tells the person that it failed', async () => {
    const { slow, answer, after, arrive } = await overtaken();
    arrive(failed);
    await slow.clock.runUntil(answer);
    await slow.clock.runUntil(slow.runner.drain(1_000));
    const current = await checkSound(slow);
    expect((await slow.types()).slice(after.length)).toStrictEqual(['ActionOutcomeResolved']);
    expect([...current.tasks.values()]).toMatchObject([{ status: 'IN_REVIEW', outcome: 'AUTO_FAILED' }]);
    expect(current).toMatchObject({ retryCount: 1, lastErrorType: 'HTTP_503' });
  });

  it('is nothing new where it is unknown, too', async () => {
    const { slow, answer, after, arrive } = await overtaken();
    arrive(unknown);
    await slow.clock.runUntil(answer);
    await slow.clock.runUntil(slow.runner.drain(1_000));
    expect(await slow.types()).toStrictEqual(after);
  });

  it('ends the wait for a retry', async () => {
    const { slow, other, taskId, answer, after, arrive } = await overtaken(
      { model: () => modelSays({ retryStrategy: 'BACKOFF' }) },
      true,
    );
    expect(after.slice(-2)).toStrictEqual(['ActionExecuted', 'RetryScheduled']);
    arrive(succeeded);
    expect((await slow.clock.runUntil(answer)).task).toMatchObject({
      status: 'COMPLETED',
      outcome: 'AUTO_SUCCESS',
    });
    other.clock.advance(10_000);
    await other.clock.runUntil(other.drive(taskId));
    expect(other.partner.calls).toStrictEqual([]);
    expect((await slow.types()).slice(after.length)).toStrictEqual(['ActionOutcomeResolved']);
    await checkSound(slow);
  });
});
