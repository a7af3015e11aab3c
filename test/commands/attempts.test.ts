import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/domain/policy.ts';
import { pauseMs } from '../../src/domain/retries.ts';
import { configText, playbook, policy } from '../support/builders.ts';
import { failed, modelSays, succeeded, unknown } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { type Process, type Script, startWithCase } from '../support/world.ts';

const backoff = () => modelSays({ retryStrategy: 'BACKOFF' });
const immediate = () => modelSays({ retryStrategy: 'IMMEDIATE' });

/** Submits without waiting, drives what falls due for as long as a retry is scheduled, and tells how long each pause was. */
async function driveOut(process: Process): Promise<{ taskId: string; pauses: number[] }> {
  const { task } = await process.clock.runUntil(process.submit());
  const pauses: number[] = [];
  for (;;) {
    const now = (await process.cases.load('C1001')).tasks.get(task.taskId);
    if (now?.status !== 'RETRY_SCHEDULED' || !now.retry) return { taskId: task.taskId, pauses };
    await process.drive(task.taskId);
    const left = Date.parse(now.retry.dueAt) - Date.parse(process.clock.now());
    pauses.push(left);
    process.clock.advance(left - 1);
    const before = (await process.types()).length;
    await process.drive(task.taskId);
    expect(await process.types()).toHaveLength(before);
    process.clock.advance(1);
    await process.clock.runUntil(process.drive(task.taskId));
  }
}

const taskOf = async (process: Process, taskId: string) => (await checkSound(process)).tasks.get(taskId);
const start = (script: Script) => startWithCase({ waitMs: 0, ...script });

describe('an attempt with BACKOFF', () => {
  it('is made again when its pause is over, under the same key, until the limit', async () => {
    const process = await start({ model: backoff, backend: () => failed });
    const { taskId, pauses } = await driveOut(process);
    expect(pauses).toStrictEqual([0, 1].map((n) => pauseMs(policy.retries, taskId, n)));
    expect(new Set(process.partner.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(await taskOf(process, taskId)).toMatchObject({
      status: 'IN_REVIEW',
      outcome: 'AUTO_FAILED',
      attempts: { length: 3 },
      manual: { codes: ['ACTION_FAILED', 'ATTEMPT_LIMIT_REACHED', 'RETRY_LIMIT_REACHED'] },
    });
    expect(process.recommender.calls).toHaveLength(1);
  });

  it('is not waited for where the policy says no by now: a person has it at once', async () => {
    const process = await start({
      model: backoff,
      backend: async () => {
        await process.change('SUSPENDED');
        return failed;
      },
    });
    const { taskId, pauses } = await driveOut(process);
    expect(pauses).toStrictEqual([]);
    expect(await taskOf(process, taskId)).toMatchObject({
      manual: { codes: ['ACTION_FAILED', 'CASE_NOT_OPEN'] },
    });
  });

  it('is not waited for longer than the policy gives a task', async () => {
    const text = configText('policy.yaml').replace('budgetMinutes: 60', 'budgetMinutes: 0.1');
    const short = parsePolicy(text.replace('firstPauseSeconds: 2', 'firstPauseSeconds: 5'), 'p', playbook);
    const process = await start({ policy: short, model: backoff, backend: () => failed });
    const { taskId, pauses } = await driveOut(process);
    expect(pauses).toHaveLength(1);
    expect(await taskOf(process, taskId)).toMatchObject({
      attempts: { length: 2 },
      manual: { codes: ['ACTION_FAILED', 'RETRY_BUDGET_EXHAUSTED'] },
    });
  });

  it('is not made by who comes days after its time', async () => {
    const process = await start({ model: backoff, backend: () => failed });
    const { task } = await process.clock.runUntil(process.submit());
    process.clock.advance(3 * 24 * 60 * 60_000);
    await process.drive(task.taskId);
    expect(process.partner.calls).toHaveLength(1);
    expect(await taskOf(process, task.taskId)).toMatchObject({
      outcome: 'AUTO_FAILED',
      manual: { codes: ['ACTION_FAILED', 'RETRY_BUDGET_EXHAUSTED'] },
    });
  });

  it('is made by who comes a moment after its time', async () => {
    const text = configText('policy.yaml').replace('budgetMinutes: 60', 'budgetMinutes: 0.1');
    const short = parsePolicy(text, 'p', playbook);
    const process = await start({
      policy: short,
      model: backoff,
      backend: (_, call) => (call === 1 ? failed : succeeded),
    });
    const { task } = await process.clock.runUntil(process.submit());
    process.clock.advance(30_000);
    await process.clock.runUntil(process.drive(task.taskId));
    expect(await taskOf(process, task.taskId)).toMatchObject({ outcome: 'AUTO_SUCCESS' });
  });

  it('is due by the clock as it is, also where it had jumped ahead before', async () => {
    const process = await start({ model: backoff, backend: () => failed });
    process.clock.setWall('2027-01-01T00:00:00.000Z');
    await process.note('written while the clock was a year ahead');
    process.clock.setWall('2026-01-01T00:00:00.000Z');
    const { taskId, pauses } = await driveOut(process);
    expect(pauses).toStrictEqual([0, 1].map((n) => pauseMs(policy.retries, taskId, n)));
    const task = await taskOf(process, taskId);
    expect(task?.manual?.dueBy.slice(0, 10)).toBe('2026-01-01');
  });

  it('is cancelled with its case, and never made', async () => {
    const process = await start({ model: backoff, backend: () => failed });
    const { task } = await process.clock.runUntil(process.submit());
    await process.change('CLOSED');
    process.clock.advance(60_000);
    await process.drive(task.taskId);
    expect(await taskOf(process, task.taskId)).toMatchObject({ status: 'CANCELLED', outcome: null });
    expect(process.partner.calls).toHaveLength(1);
  });
});

describe('an attempt whose outcome is unknown', () => {
  it.each([
    ['IMMEDIATE', immediate, ['UNKNOWN', 'SUCCEEDED']],
    ['BACKOFF', backoff, ['UNKNOWN', 'SUCCEEDED']],
    ['NONE', () => modelSays(), ['UNKNOWN']],
  ])('is made again with %s where the backend is idempotent', async (_, model, results) => {
    const process = await start({ model, backend: (_request, call) => (call === 1 ? unknown : succeeded) });
    const { taskId } = await driveOut(process);
    const task = await taskOf(process, taskId);
    expect(task?.attempts.map(({ executed }) => executed?.result)).toStrictEqual(results);
    expect(task?.status).toBe(results.length === 2 ? 'COMPLETED' : 'IN_REVIEW');
  });

  it('is never made again where it is not, whatever the strategy', async () => {
    const process = await start({ model: immediate, idempotent: false, backend: () => unknown });
    const { taskId } = await driveOut(process);
    expect(await taskOf(process, taskId)).toMatchObject({
      outcome: 'AUTO_FAILED',
      manual: { codes: ['ACTION_OUTCOME_UNKNOWN'], queue: 'failures' },
    });
    expect(process.partner.calls).toHaveLength(1);
  });

  it.each([
    ['it was done', succeeded, { status: 'COMPLETED', outcome: 'AUTO_SUCCESS' }, 1],
    ['it was not, and tries again', failed, { status: 'COMPLETED', outcome: 'AUTO_SUCCESS' }, 2],
  ])('is looked up first: the backend says that %s', async (_, answer, expected, calls) => {
    const process = await start({
      model: immediate,
      idempotent: false,
      backend: (_request, call) => (call === 1 ? unknown : succeeded),
      lookUp: () => answer,
    });
    const { taskId } = await driveOut(process);
    await process.clock.runUntil(process.runner.drain(60_000));
    expect(await taskOf(process, taskId)).toMatchObject({
      ...expected,
      attempts: [
        { executed: { result: 'UNKNOWN' }, resolved: { result: answer.result, source: 'LOOKUP' } },
        {},
      ].slice(0, calls),
    });
    expect(process.partner.calls).toHaveLength(calls);
  });

  it('is looked up a few times; where the backend cannot tell, a person decides', async () => {
    let asked = 0;
    const process = await start({
      model: immediate,
      idempotent: false,
      backend: () => unknown,
      lookUp: () => {
        asked += 1;
        return unknown;
      },
    });
    const { task } = await process.submit();
    await process.clock.runUntil(process.runner.drain(60_000));
    expect(asked).toBe(3);
    expect(await taskOf(process, task.taskId)).toMatchObject({
      outcome: 'AUTO_FAILED',
      attempts: [{ resolved: { result: 'UNKNOWN', source: 'LOOKUP' } }],
      manual: { codes: ['ACTION_OUTCOME_UNKNOWN'] },
    });
  });
});

describe('a backend that is known to be down', () => {
  it('lets tasks wait in the log, and gets them when it is back', async () => {
    let up = false;
    const process = await start({ available: () => up });
    const { task } = await process.submit();
    await process.clock.runUntil(process.runner.drain(1_000));
    expect(process.runner.inFlight()).toBe(0);
    expect(await taskOf(process, task.taskId)).toMatchObject({
      status: 'RETRY_SCHEDULED',
      verdicts: [],
      retry: { attempt: 1, reason: 'BACKEND_UNAVAILABLE' },
    });
    process.clock.advance(5_000);
    await process.drive(task.taskId);
    expect(await taskOf(process, task.taskId)).toMatchObject({ status: 'RETRY_SCHEDULED', pauses: 2 });
    up = true;
    process.clock.advance(10_000);
    await process.drive(task.taskId);
    expect(await taskOf(process, task.taskId)).toMatchObject({
      status: 'COMPLETED',
      outcome: 'AUTO_SUCCESS',
    });
    expect(process.partner.calls).toHaveLength(1);
  });

  it('is a reason for a person at once where the policy says so', async () => {
    const text = configText('policy.yaml').replace('whenBackendDown: WAIT', 'whenBackendDown: MANUAL');
    const process = await start({ policy: parsePolicy(text, 'p', playbook), available: () => false });
    const { task } = await process.submit();
    await process.clock.runUntil(process.runner.drain(1_000));
    expect(await taskOf(process, task.taskId)).toMatchObject({
      outcome: 'MANUAL',
      manual: { codes: ['BACKEND_UNAVAILABLE'], queue: 'failures' },
    });
  });

  it('keeps nobody from saying no: what the policy refuses is with a person at once', async () => {
    const process = await start({ available: () => false, model: () => modelSays({ confidence: 0.1 }) });
    const { task } = await process.submit();
    await process.clock.runUntil(process.runner.drain(1_000));
    expect(await taskOf(process, task.taskId)).toMatchObject({
      outcome: 'MANUAL',
      manual: { codes: ['CONFIDENCE_TOO_LOW'] },
    });
  });
});
