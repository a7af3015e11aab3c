import { describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import type { Recommendation } from '../../src/recommender/port.ts';
import { idle } from '../support/clock.ts';
import { failed, modelFails, modelSays, succeeded } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { createOutside, startProcess, startWithCase, TEXT } from '../support/world.ts';

const ONCE = [
  'CaseOpened',
  'TaskReceived',
  'DecisionRecommended',
  'GuardrailEvaluated',
  'ActionStarted',
  'ActionExecuted',
];

describe('the same task', () => {
  it('200 times at once is received, recommended, executed once, and answered alike', async () => {
    const model = Promise.withResolvers<Recommendation>();
    const backend = Promise.withResolvers<BackendAnswer>();
    const process = await startWithCase({ model: () => model.promise, backend: () => backend.promise });
    const answers = Promise.all(Array.from({ length: 200 }, () => process.submit()));
    await idle();
    expect(process.recommender.calls).toHaveLength(1);
    model.resolve(modelSays());
    await idle();
    expect(process.partner.calls).toHaveLength(1);
    backend.resolve(succeeded);
    const all = await process.clock.runUntil(answers);
    expect(await process.types()).toStrictEqual(ONCE);
    expect(all.filter((answer) => !answer.replayed)).toHaveLength(1);
    for (const answer of all) {
      expect(answer.task).toStrictEqual(all[0]?.task);
      expect(answer.idempotencyKey).toBe(all[0]?.idempotencyKey);
    }
    expect(all[0]?.task).toMatchObject({ outcome: 'AUTO_SUCCESS' });
    expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([1, 1]);
    await checkSound(process);
  });

  it('in two processes at once is recommended and executed once', async () => {
    const outside = createOutside();
    const one = await startWithCase({}, {}, outside);
    const two = startProcess({}, outside);
    const submits = [one, two, one, two].map((process) => process.submit());
    const answers = await one.clock.runUntil(Promise.all(submits));
    expect(await one.types()).toStrictEqual(ONCE);
    for (const answer of answers) expect(answer.task).toStrictEqual(answers[0]?.task);
    expect(one.recommender.calls.length + two.recommender.calls.length).toBe(1);
    expect(one.partner.calls.length + two.partner.calls.length).toBe(1);
  });

  it.each([
    ['after it succeeded', modelSays(), succeeded, 'AUTO_SUCCESS', 1],
    ['after it failed', modelSays(), failed, 'AUTO_FAILED', 1],
    ['after it was routed', modelSays({ confidence: 0.2 }), succeeded, 'MANUAL', 0],
    ['after a fallback', modelFails('AI_TIMEOUT'), succeeded, 'MANUAL', 0],
  ] as const)('later, %s, gets what was recorded', async (_, recommendation, answer, outcome, calls) => {
    const process = await startWithCase({ model: () => recommendation, backend: () => answer });
    const first = await process.submit();
    const before = await process.types();
    const again = await process.submit({ description: ` ${TEXT.toUpperCase()}  ` });
    expect(again.task).toStrictEqual(first.task);
    expect(again).toMatchObject({ replayed: true, task: { outcome } });
    expect(await process.types()).toStrictEqual(before);
    expect([process.recommender.calls.length, process.partner.calls.length]).toStrictEqual([1, calls]);
  });

  it('gets it from another process, long after, too', async () => {
    const one = await startWithCase();
    const first = await one.submit();
    const two = startProcess({}, one.outside);
    one.clock.advance(365 * 24 * 3_600_000);
    expect((await two.submit()).task).toStrictEqual(first.task);
    expect([two.recommender.calls.length, two.partner.calls.length]).toStrictEqual([0, 0]);
  });
});

describe('idempotency keys', () => {
  it('ask the same text anew', async () => {
    const process = await startWithCase();
    const derived = await process.submit();
    const one = await process.submit({ sentKey: 'one' });
    const two = await process.submit({ sentKey: 'two' });
    expect(new Set([derived, one, two].map((answer) => answer.task.taskId)).size).toBe(3);
    expect(two).toMatchObject({ replayed: false, idempotencyKey: 'two' });
    expect(process.partner.calls).toHaveLength(3);
  });
  it('that were sent never meet those that were derived', async () => {
    const process = await startWithCase();
    const derived = await process.submit();
    const sent = await process.submit({ sentKey: derived.idempotencyKey, channel: 'EMAIL' });
    expect(sent.replayed).toBe(false);
    expect(sent.task.taskId).not.toBe(derived.task.taskId);
  });
  it('are taken as they are: another case of a letter is another key', async () => {
    const process = await startWithCase();
    await process.submit({ sentKey: 'key' });
    expect((await process.submit({ sentKey: 'KEY' })).replayed).toBe(false);
  });
  it('count within a case', async () => {
    const process = await startWithCase();
    await process.open({ caseId: 'C2' });
    await process.submit({ sentKey: 'key' });
    expect((await process.submit({ sentKey: 'key', caseId: 'C2' })).replayed).toBe(false);
  });
  it.each([
    ['description', { description: 'Another text, please retry the call' }],
    ['channel', { channel: 'EMAIL' }],
    ['user_role', { userRole: 'AGENT' }],
  ])('of another %s are refused', async (field, changes) => {
    const process = await startWithCase();
    await process.submit({ sentKey: 'key' });
    await expect(process.submit({ sentKey: 'key', ...changes })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      field,
    });
    expect(process.recommender.calls).toHaveLength(1);
  });
  it('of the same normalised text are a repeat', async () => {
    const process = await startWithCase();
    await process.submit({ sentKey: 'key' });
    expect((await process.submit({ sentKey: 'key', description: `\t${TEXT.toLowerCase()}` })).replayed).toBe(
      true,
    );
  });
  it('are nowhere in the log in clear', async () => {
    const process = await startWithCase();
    const { idempotencyKey } = await process.submit();
    await process.submit({ sentKey: 'SECRET-KEY' });
    const stored = (await process.outside.store.readAll(null, 100)).map(({ data }) => data).join();
    expect(stored).not.toContain('SECRET-KEY');
    expect(stored).not.toContain(idempotencyKey);
  });
});

describe('commands on a case', () => {
  it('open it once, however often the same is sent at once', async () => {
    const process = startProcess();
    const answers = await Promise.all(Array.from({ length: 20 }, () => process.open({ retryCount: 2 })));
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(await process.types()).toStrictEqual(['CaseOpened']);
    await expect(process.open({ retryCount: 3 })).rejects.toMatchObject({ code: 'CASE_EXISTS' });
    await expect(process.open({ retryCount: 2, personalAttributes: { name: 'x' } })).rejects.toThrow();
  });
  it('opened by two processes at once with other content: one wins, the other is told', async () => {
    const outside = createOutside();
    const [one, two] = [startProcess({}, outside), startProcess({}, outside)];
    const answers = await Promise.allSettled([one.open({ retryCount: 1 }), two.open({ retryCount: 2 })]);
    expect(answers.map((answer) => answer.status).sort()).toStrictEqual(['fulfilled', 'rejected']);
    expect(await one.types()).toStrictEqual(['CaseOpened']);
  });
  it('note a text once under one key, and answer a repeat with where it was recorded', async () => {
    const process = await startWithCase();
    const first = await process.note('text', 'key');
    await process.note('another', 'other');
    const again = await process.note('text', 'key');
    expect(again).toMatchObject({ replayed: true, revision: first.revision, position: first.position });
    await expect(process.note('changed', 'key')).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await process.types()).toStrictEqual(['CaseOpened', 'CaseNoteAdded', 'CaseNoteAdded']);
  });
  it('close it once under one key, and answer a repeat with the same revision, tasks cancelled or not', async () => {
    const process = await startWithCase({ model: () => modelSays({ confidence: 0.1 }) });
    await process.submit({ sentKey: 'one' });
    await process.submit({ sentKey: 'two' });
    const { revision } = await process.cases.load('C1001');
    const first = await process.changeAt('CLOSED', revision, 'key');
    expect(first.revision).toBe(revision + 3);
    const again = await process.changeAt('CLOSED', revision, 'key');
    expect(again).toMatchObject({ replayed: true, revision: first.revision, position: first.position });
  });
  it('refuse a stale revision', async () => {
    const process = await startWithCase();
    await process.note();
    await expect(process.changeAt('CLOSED', 0)).rejects.toMatchObject({ code: 'REVISION_STALE' });
  });
  it('refuse a case that is not there', async () => {
    const process = startProcess();
    await expect(process.note()).rejects.toMatchObject({ code: 'CASE_NOT_FOUND' });
    await expect(process.changeAt('CLOSED', 0)).rejects.toMatchObject({ code: 'CASE_NOT_FOUND' });
  });
});
