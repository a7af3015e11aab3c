import { describe, expect, it } from 'vitest';
import type { BackendAnswer } from '../../src/backends/port.ts';
import { ERASE_COMMAND, eraseCase } from '../../src/commands/eraseCase.ts';
import { openCase } from '../../src/commands/openCase.ts';
import { claimReview, decideReview } from '../../src/commands/reviews.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import { CASE } from '../support/builders.ts';
import { idle } from '../support/clock.ts';
import { modelFails, modelSays, succeeded } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { typesOf } from '../support/watchedStore.ts';
import { type Process, startProcess, startWithCase } from '../support/world.ts';

const erase = ({ cases, vault }: Process, sentKey: string | null = null) =>
  eraseCase({ cases, vault }, CASE, 'SUBJECT_REQUEST', { actor: ERASE_COMMAND, traceparent: null, sentKey });
const KEY_DESTROYED = { code: 'CASE_KEY_DESTROYED' };
const uncertain = () => modelSays({ confidence: 0.5 });
const BY_ANN = {
  actor: { kind: 'person', id: 'ann', roles: ['OPS'], authMethod: 'oidc' },
  traceparent: null,
  sentKey: null,
} as const;

describe('an erasure', () => {
  it('closes the case, cancels its reviews and destroys its key, by the command and nobody else', async () => {
    const process = await startWithCase({ model: uncertain }, { personalAttributes: { holder: 'somebody' } });
    const { task } = await process.clock.runUntil(process.submit());
    expect(task.status).toBe('IN_REVIEW');
    const { erased, replayed, current } = await erase(process);
    expect(replayed).toBe(false);
    expect(current).toMatchObject({ state: 'CLOSED', erased });
    const events = await process.events();
    expect(events.slice(-3)).toMatchObject([
      { type: 'CaseStateChanged', data: { from: 'OPEN', to: 'CLOSED', reason: 'CASE_ERASED' } },
      { type: 'TaskCancelled', data: { taskId: task.taskId, reason: 'CASE_ERASED' } },
      { type: 'CaseErased', data: { reason: 'SUBJECT_REQUEST', command: null } },
    ]);
    for (const { metadata } of events.slice(-3)) expect(metadata.actor).toEqual(ERASE_COMMAND);
    expect(erased.revision).toBe(events.at(-1)?.revision);
    expect(await process.vault.of(CASE)).toBeNull();
    await checkSound(process);
  });

  it('again, by whomever and under whatever key, is answered as erased and writes nothing', async () => {
    const process = await startWithCase();
    const first = await erase(process, 'key');
    const before = await process.types();
    for (const key of ['key', 'another', null]) {
      const again = await erase(startProcess({}, process.outside), key);
      expect(again).toMatchObject({ replayed: true, erased: first.erased });
    }
    expect(await process.types()).toStrictEqual(before);
  });

  it('is refused of a case that nobody opened, and under the key of another command', async () => {
    const process = startProcess();
    await expect(erase(process)).rejects.toMatchObject({ code: 'CASE_NOT_FOUND' });
    await process.open();
    await process.note('a note', 'key');
    await expect(erase(process, 'key')).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await process.vault.of(CASE)).not.toBeNull();
  });

  it('of a case whose key was lost closes what nobody could decide', async () => {
    const process = await startWithCase({ model: uncertain });
    const { task } = await process.clock.runUntil(process.submit());
    await process.outside.keys.destroy(CASE);
    await expect(process.note()).rejects.toMatchObject(KEY_DESTROYED);
    const { current } = await erase(process, 'key');
    expect(current.tasks.get(task.taskId)?.status).toBe('CANCELLED');
  });
});

describe('a crash between the event and the key', () => {
  async function halfErased() {
    const process = await startWithCase({ model: uncertain });
    const { task } = await process.clock.runUntil(process.submit());
    const vault = { ...process.vault, destroy: () => Promise.reject(new Error('the process is gone')) };
    await expect(erase({ ...process, vault })).rejects.toThrow('the process is gone');
    return { process, taskId: task.taskId };
  }

  it('lets nobody use the key that is still there', async () => {
    const { process, taskId } = await halfErased();
    const before = await process.types();
    expect(before.at(-1)).toBe('CaseErased');
    expect(await process.vault.of(CASE)).not.toBeNull();
    const asked = {
      resolution: 'REJECTED',
      reasonCode: 'NOT_JUSTIFIED',
      note: 'x',
      reviewedHash: '',
      reviewedRevision: 0,
      overrides: [],
      action: null,
    } as const;
    for (const command of [
      () => process.open(),
      () => process.submit(),
      () => process.submit({ description: 'another one' }),
      () => process.note(),
      () => process.change('OPEN'),
      () => claimReview(process.reviewing, taskId, false, BY_ANN),
      () => decideReview(process.reviewing, taskId, asked, BY_ANN),
    ])
      await expect(command()).rejects.toMatchObject(KEY_DESTROYED);
    expect(await process.types()).toStrictEqual(before);
  });

  it('is mended by saying it again', async () => {
    const { process } = await halfErased();
    const before = await process.types();
    expect(await erase(startProcess({}, process.outside))).toMatchObject({ replayed: true });
    expect(await process.vault.of(CASE)).toBeNull();
    expect(await process.types()).toStrictEqual(before);
  });
});

describe('an erasure between load and append', () => {
  /** Before an append of these events a rival erases the case, once. */
  async function meeting(at: string, script: Parameters<typeof startWithCase>[0] = {}) {
    const process = await startWithCase(script);
    const rival = startProcess({}, process.outside);
    const met: unknown[] = [];
    process.store.hooks.before = async ({ events }) => {
      if (typesOf(events) !== at || met.length > 0) return;
      met.push(null);
      met.push(await erase(rival).catch((error: unknown) => error));
    };
    return { process, met: () => met[1] };
  }
  const ERASED = { replayed: false };

  it.each<[string, string, (process: Process) => Promise<unknown>]>([
    ['a note', 'CaseNoteAdded', (process) => process.note()],
    ['a task', 'TaskReceived', (process) => process.submit()],
    ['a change', 'CaseStateChanged', (process) => process.change('SUSPENDED')],
  ])('refuses %s, whose text was sealed already', async (_, at, command) => {
    const { process, met } = await meeting(at);
    await expect(command(process)).rejects.toMatchObject(KEY_DESTROYED);
    expect(met()).toMatchObject(ERASED);
    expect(await process.types()).toStrictEqual(['CaseOpened', 'CaseStateChanged', 'CaseErased']);
  });

  it.each([
    ['asks no backend', modelSays()],
    ['keeps no text of the model', modelFails('AI_INVALID_RESPONSE', 'not JSON', 'Sure!')],
  ])('ends the drive of a task: %s', async (_, recommendation) => {
    const at =
      recommendation.kind === 'decision'
        ? 'DecisionRecommended + GuardrailEvaluated + ActionStarted'
        : 'DecisionRecommended + GuardrailEvaluated + RoutedToManual';
    const { process, met } = await meeting(at, { model: () => recommendation });
    const { task } = await process.clock.runUntil(process.submit());
    expect(met()).toMatchObject(ERASED);
    expect(task).toMatchObject({ status: 'CANCELLED', outcome: null });
    expect(process.partner.calls).toEqual([]);
    expect((await process.types()).slice(2)).toStrictEqual([
      'CaseStateChanged',
      'TaskCancelled',
      'CaseErased',
    ]);
    await checkSound(process);
  });

  it('is refused while a backend is called, and what that brings is recorded', async () => {
    const { process, met } = await meeting('ActionExecuted');
    const { task } = await process.clock.runUntil(process.submit());
    expect(met()).toBeInstanceOf(RefusedError);
    expect(met()).toMatchObject({ code: 'ACTION_OPEN' });
    expect(task).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' });
    expect(await erase(process)).toMatchObject(ERASED);
    await checkSound(process);
  });

  it('that comes second sees what came first', async () => {
    const process = await startWithCase({ model: uncertain });
    const rival = startProcess({ model: uncertain }, process.outside);
    let meetings = 0;
    process.store.hooks.before = async ({ events }) => {
      if (!typesOf(events).endsWith('CaseErased') || meetings > 0) return;
      meetings += 1;
      await rival.clock.runUntil(rival.submit());
    };
    const { current } = await erase(process);
    expect(meetings).toBe(1);
    expect([...current.tasks.values()].map(({ status }) => status)).toEqual(['CANCELLED']);
    await checkSound(process);
  });
});

it('opening a case while it is opened and erased by others makes no second key', async () => {
  const process = startProcess();
  const rival = startProcess({}, process.outside);
  const { create } = process.vault;
  const vault = {
    ...process.vault,
    create: async (caseId: string) => {
      await rival.open();
      await erase(rival);
      return create(caseId);
    },
  };
  const content = {
    caseId: CASE,
    priority: 'LOW',
    lastErrorType: null,
    retryCount: 0,
    attributes: {},
    personalAttributes: { holder: 'somebody' },
  } as const;
  await expect(openCase({ cases: process.cases, vault }, content, BY_ANN.actor, null)).rejects.toMatchObject(
    KEY_DESTROYED,
  );
  expect(await process.vault.of(CASE)).toBeNull();
  expect(await process.types()).toStrictEqual(['CaseOpened', 'CaseStateChanged', 'CaseErased']);
});

it('an answer that comes after the erasure is recorded, and changes nothing else', async () => {
  const backend = Promise.withResolvers<BackendAnswer>();
  const slow = await startWithCase({ idempotent: false, backend: () => backend.promise });
  const answer = slow.submit();
  await idle();
  const [taskId = ''] = (await slow.cases.load(CASE)).tasks.keys();
  const other = startProcess({ idempotent: false }, slow.outside);
  await expect(erase(other)).rejects.toMatchObject({ code: 'ACTION_OPEN' });
  await other.clock.runUntil(other.drive(taskId));
  await erase(other);
  const before = await other.types();
  backend.resolve(succeeded);
  await slow.clock.runUntil(answer);
  await slow.clock.runUntil(slow.runner.drain(1_000));
  expect((await slow.types()).slice(before.length)).toStrictEqual(['ActionOutcomeResolved']);
  const current = await checkSound(slow);
  expect(current.tasks.get(taskId)).toMatchObject({
    status: 'CANCELLED',
    outcome: 'AUTO_FAILED',
    attempts: [{ resolved: { result: 'SUCCEEDED', source: 'LATE_ANSWER' } }],
  });
});
