import { describe, expect, it } from 'vitest';
import { AT, CASE, later, playbook, policy } from '../support/builders.ts';
import { checkSound } from '../support/soundness.ts';
import { typesOf } from '../support/watchedStore.ts';
import { startWithCase, TEXT } from '../support/world.ts';

const HAPPY = ['TaskReceived', 'DecisionRecommended + GuardrailEvaluated + ActionStarted', 'ActionExecuted'];

describe('a task that passes', () => {
  it('is three appends, and its answer says everything', async () => {
    const process = await startWithCase();
    const { task, idempotencyKey, replayed, current } = await process.submit();
    expect(process.store.appends.map((append) => typesOf(append.events))).toStrictEqual(HAPPY);
    expect(process.store.appends.every((append) => append.result === 'appended')).toBe(true);
    expect({ replayed, idempotencyKey }).toStrictEqual({
      replayed: false,
      // sha256 of `C1001|partner api failed again with timeout, please retry for policy 4711`
      idempotencyKey: '1ec848ae2d3e27a4e8c789f09b29617a08a78c7fff7300acef47d16b9a7df3bf',
    });
    expect(task).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS', revision: 5 });
    expect(current).toMatchObject({ revision: 5, retryCount: 0, lastErrorType: null });
    await checkSound(process);
  });

  it('asks the model about the text and the case, and nothing else', async () => {
    const process = await startWithCase({}, { retryCount: 1, priority: 'HIGH' });
    await process.submit({ description: `  ${TEXT}\n`, channel: 'EMAIL', userRole: 'SUPERVISOR' });
    expect(process.recommender.calls).toStrictEqual([
      {
        task: { description: TEXT, channel: 'EMAIL', userRole: 'SUPERVISOR' },
        case: { caseState: 'OPEN', retryCount: 1, lastErrorType: 'TIMEOUT', priority: 'HIGH' },
      },
    ]);
  });

  it('calls the backend once, with the action’s key and the case’s attributes', async () => {
    const process = await startWithCase(
      {},
      { attributes: { policy: '4711', amount: 12 }, personalAttributes: { name: 'Ada' } },
    );
    const { task } = await process.submit();
    const actionId = task.attempts[0]?.started.actionId;
    expect(process.partner.calls).toStrictEqual([
      {
        actionId,
        idempotencyKey: actionId,
        caseId: CASE,
        taskId: task.taskId,
        intent: 'RETRY_EXTERNAL_CALL',
        attempt: 1,
        attributes: { policy: '4711', amount: 12, name: 'Ada' },
        deadlineMs: 6_000,
      },
    ]);
  });

  it('records who, why and under what', async () => {
    const process = await startWithCase();
    const { task } = await process.submit({ traceparent: 'trace-1' });
    const [opened, received, recommended, evaluated, started, executed] = await process.events();
    expect(received?.metadata).toMatchObject({
      actor: { kind: 'anonymous', authMethod: 'none' },
      correlationId: task.taskId,
      causationId: null,
      traceparent: 'trace-1',
    });
    const causes = [recommended, evaluated, started, executed].map((event) => event?.metadata.causationId);
    expect(causes).toStrictEqual([received?.id, recommended?.id, evaluated?.id, started?.id]);
    for (const event of [recommended, evaluated, started, executed]) {
      expect(event?.metadata).toMatchObject({
        actor: { kind: 'system', id: 'orchestrator', authMethod: 'internal' },
        correlationId: task.taskId,
        traceparent: 'trace-1',
      });
    }
    expect(opened?.metadata.correlationId).toBeNull();
    expect(evaluated?.data).toMatchObject({ policyHash: policy.hash, playbookHash: playbook.hash });
  });

  it('keeps the text out of everything but the ciphertext', async () => {
    const process = await startWithCase({}, { personalAttributes: { name: 'CANARY-name' } });
    const { task } = await process.submit({
      description: 'CANARY-text: partner API timed out, please retry',
    });
    await process.note('CANARY-note');
    const stored = await process.outside.store.readAll(null, 100);
    expect(JSON.stringify(stored.map(({ data, metadata }) => data + metadata))).not.toContain('CANARY');
    expect(JSON.stringify([process.logged, process.told])).not.toContain('CANARY');
    const vault = await process.vault.of(CASE);
    expect(vault?.open('TaskReceived.description', task.description)).toContain('CANARY-text');
  });

  it('tells the observer what an operator counts', async () => {
    const process = await startWithCase();
    await process.submit();
    await process.runner.drain(0);
    expect(process.told).toStrictEqual([
      'recommended model',
      'called PARTNER_API SUCCEEDED',
      'settled AUTO_SUCCESS',
    ]);
    expect(process.logged).toStrictEqual([]);
    expect(process.runner.inFlight()).toBe(0);
  });

  it('counts its deadline from the stream’s time where the clock has gone back', async () => {
    const process = await startWithCase();
    process.clock.setWall('2025-12-31T23:00:00.000Z');
    const { task } = await process.submit();
    expect(task.outcome).toBe('AUTO_SUCCESS');
    const times = (await process.events()).map((event) => event.metadata.recordedAt);
    expect(new Set(times)).toStrictEqual(new Set([AT]));
    expect(task.attempts[0]?.started.deadlineAt).toBe(later(6_000));
  });

  it('leaves nobody asleep', async () => {
    const process = await startWithCase();
    await process.submit();
    await process.runner.drain(10_000);
    expect(process.clock.sleepers()).toBe(0);
  });
});

describe('what is refused', () => {
  it.each([
    ['an unknown channel', { channel: 'FAX' }, 'INVALID_INPUT', 'channel'],
    ['an unknown role', { userRole: 'ADMIN' }, 'INVALID_INPUT', 'user_role'],
    ['an unknown case', { caseId: 'C9' }, 'CASE_NOT_FOUND', 'case_id'],
  ])('%s, before anything is written', async (_, changes, code, field) => {
    const process = await startWithCase();
    await expect(process.submit(changes)).rejects.toMatchObject({ code, field });
    expect(process.store.appends).toStrictEqual([]);
    expect(process.recommender.calls).toStrictEqual([]);
  });
});
