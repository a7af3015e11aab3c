import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { modelFails, modelSays } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { createOutside, type Outside, type Script, startProcess, startWithCase } from '../support/world.ts';

type EventType = CaseEvent['type'];

/** What a process left behind that lived through this script to its end. */
async function fullHistory(script: Script) {
  const process = await startWithCase(script);
  const { task } = await process.clock.runUntil(process.submit());
  const events = await process.outside.store.readStream('case-C1001', 0, 100);
  return { taskId: task.taskId, events, outside: process.outside };
}

/** The same outside, if the process had died after the first so many events. */
async function diedAfter(outside: Outside, events: readonly ReadEvent[], count: number): Promise<Outside> {
  const fresh = createOutside();
  await fresh.store.append('case-C1001', -1, events.slice(0, count));
  let ids = 1_000_000;
  return {
    ...fresh,
    keys: outside.keys,
    newId: () => `019b0000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
  };
}

type Expected = { readonly model: number; readonly backend: number; readonly added: readonly EventType[] };

async function driveOn(script: Script, type: EventType, nth = 0) {
  const { taskId, events, outside } = await fullHistory(script);
  const index = events.map((event, at) => (event.type === type ? at : -1)).filter((at) => at >= 0)[nth] ?? -1;
  expect(index).toBeGreaterThan(0);
  const process = startProcess(script, await diedAfter(outside, events, index + 1));
  const started = process.clock.now();
  await process.clock.runUntil(process.drive(taskId));
  const current = await checkSound(process);
  return {
    process,
    task: current.tasks.get(taskId),
    added: (await process.types()).slice(index + 1),
    waitedMs: Date.parse(process.clock.now()) - Date.parse(started),
  };
}

const JUDGED = ['GuardrailEvaluated', 'ActionStarted'] as const;

describe('a task that a dead process left is driven to its end', () => {
  it.each<[EventType, Expected]>([
    ['TaskReceived', { model: 1, backend: 1, added: ['DecisionRecommended', ...JUDGED, 'ActionExecuted'] }],
    ['DecisionRecommended', { model: 0, backend: 1, added: [...JUDGED, 'ActionExecuted'] }],
    ['GuardrailEvaluated', { model: 0, backend: 1, added: [...JUDGED, 'ActionExecuted'] }],
    ['ActionExecuted', { model: 0, backend: 0, added: [] }],
  ])('after %s', async (type, { model, backend, added: expected }) => {
    const { process, task, added } = await driveOn({}, type);
    expect(added).toStrictEqual(expected);
    expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([model, backend]);
    expect(task).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' });
  });

  it('after ActionStarted: the backend is not called, the deadline awaited, and a person has it', async () => {
    const { process, task, added, waitedMs } = await driveOn({}, 'ActionStarted');
    expect(added).toStrictEqual(['ActionExecuted', 'RoutedToManual']);
    expect(process.partner.calls).toStrictEqual([]);
    expect(task).toMatchObject({
      outcome: 'AUTO_FAILED',
      attempts: [{ executed: { result: 'UNKNOWN', errorType: 'DEADLINE_PASSED' } }],
      manual: { codes: ['ACTION_OUTCOME_UNKNOWN'] },
    });
    // The backend's own time-out of 5 s, and a margin to record what it brought.
    expect(waitedMs).toBeGreaterThanOrEqual(6_000);
    expect(waitedMs).toBeLessThan(7_000);
  });

  const refused: Script = { model: () => modelSays({ confidence: 0.1 }) };
  it.each<[string, Script, EventType, Expected]>([
    [
      'a verdict that refuses',
      refused,
      'GuardrailEvaluated',
      { model: 0, backend: 0, added: ['GuardrailEvaluated', 'RoutedToManual'] },
    ],
    ['its routing', refused, 'RoutedToManual', { model: 0, backend: 0, added: [] }],
    [
      'a fallback',
      { model: () => modelFails('AI_TIMEOUT') },
      'DecisionRecommended',
      { model: 0, backend: 0, added: ['GuardrailEvaluated', 'RoutedToManual'] },
    ],
  ])('after %s', async (_, script, type, { model, backend, added: expected }) => {
    const { process, task, added } = await driveOn(script, type);
    expect(added).toStrictEqual(expected);
    expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([model, backend]);
    expect(task).toMatchObject({ status: 'IN_REVIEW', outcome: 'MANUAL' });
  });

  it('after a failed attempt that may be tried again: it is, under the same key', async () => {
    const script: Script = {
      idempotent: false,
      model: () => modelSays({ retryStrategy: 'IMMEDIATE' }),
      backend: () => ({ result: 'FAILED', errorType: 'HTTP_503', responseDigest: null, durationMs: 1 }),
    };
    const { process, task } = await driveOn(script, 'ActionExecuted', 0);
    expect(process.partner.calls.map((call) => call.attempt)).toStrictEqual([2, 3]);
    const keys = [
      ...process.partner.calls.map((call) => call.idempotencyKey),
      task?.attempts[0]?.started.idempotencyKey,
    ];
    expect(new Set(keys).size).toBe(1);
    expect(task).toMatchObject({ outcome: 'AUTO_FAILED' });
  });

  it('after the start of the second attempt: the first’s result does not pass for its own', async () => {
    const script: Script = {
      idempotent: false,
      model: () => modelSays({ retryStrategy: 'IMMEDIATE' }),
      backend: () => ({ result: 'FAILED', errorType: 'HTTP_503', responseDigest: null, durationMs: 1 }),
    };
    const { process, task } = await driveOn(script, 'ActionStarted', 1);
    expect(process.partner.calls).toStrictEqual([]);
    expect(task?.attempts.map((attempt) => attempt.executed?.result)).toStrictEqual(['FAILED', 'UNKNOWN']);
  });

  it('by two processes at once, without anything twice', async () => {
    const { taskId, events, outside } = await fullHistory({});
    const left = await diedAfter(outside, events, 3);
    const [one, two] = [startProcess({}, left), startProcess({}, left)];
    await left.clock.runUntil(Promise.all([one.drive(taskId), two.drive(taskId)]));
    expect(one.partner.calls.length + two.partner.calls.length).toBe(1);
    expect(await one.types()).toStrictEqual(events.map((event) => event.type));
    await checkSound(one);
  });

  it('while another task of the case waits for it: that one gets its turn after the deadline', async () => {
    const { taskId, events, outside } = await fullHistory({});
    const process = startProcess({}, await diedAfter(outside, events, 5));
    const waiting = process.submit({ sentKey: 'waiting' });
    const [answer] = await process.clock.runUntil(Promise.all([waiting, process.drive(taskId)]));
    expect(answer.task.outcome).toBe('AUTO_SUCCESS');
    expect(process.partner.calls).toHaveLength(1);
    await checkSound(process);
  });
});
