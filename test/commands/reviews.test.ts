import { describe, expect, it } from 'vitest';
import { claimReview, type DecisionAsked, decideReview, recordOutcome } from '../../src/commands/reviews.ts';
import type { Actor } from '../../src/domain/events.ts';
import { reviewed, reviewedHash } from '../../src/domain/reviewed.ts';
import { CASE, calm, context } from '../support/builders.ts';
import { modelSays, succeeded, unknown } from '../support/scripted.ts';
import { checkSound } from '../support/soundness.ts';
import { type AppendCall, typesOf, unavailable } from '../support/watchedStore.ts';
import { type Process, startProcess, startWithCase } from '../support/world.ts';

const person = (id: string): Actor => ({ kind: 'person', id, roles: ['OPS'], authMethod: 'oidc' });
const by = (id: string, sentKey: string | null = null) => ({ actor: person(id), traceparent: null, sentKey });
const APPROVAL = 'ReviewDecided + GuardrailEvaluated + ActionStarted';
const step = (call: AppendCall): string => typesOf(call.events);

/** A process with a task that waits for a person and that ann has claimed. */
async function withClaim(script: Parameters<typeof startWithCase>[0] = {}) {
  const process = await startWithCase({ model: () => modelSays({ confidence: 0.5 }), ...script });
  const { task } = await process.clock.runUntil(process.submit());
  expect(task.status).toBe('IN_REVIEW');
  await claimReview(process.reviewing, task.taskId, false, by('ann'));
  return { process, taskId: task.taskId };
}

/** What is there to be decided on now. */
async function seen(process: Process, taskId: string) {
  const current = await process.cases.load(CASE);
  const task = current.tasks.get(taskId);
  if (!task) throw new Error('the task is gone');
  const parts = reviewed(current, task, context({ signals: calm }));
  return { reviewedHash: reviewedHash(parts), reviewedRevision: current.revision };
}

const approval = async (process: Process, taskId: string): Promise<DecisionAsked> => ({
  ...(await seen(process, taskId)),
  resolution: 'APPROVED',
  reasonCode: 'CONFIRMED',
  note: null,
  overrides: ['confidence'],
  action: null,
});

const ended = (process: Process, taskId: string) => process.clock.runUntil(process.runner.ended(taskId));
const statusOf = async (process: Process, taskId: string) =>
  (await process.cases.load(CASE)).tasks.get(taskId)?.status;

describe('an approval', () => {
  it('is answered as soon as it is recorded, and executed by who has recorded it', async () => {
    const { promise, resolve } = Promise.withResolvers<typeof succeeded>();
    const { process, taskId } = await withClaim({ backend: () => promise });
    const asked = await approval(process, taskId);
    const { current } = await decideReview(process.reviewing, taskId, asked, by('ann'));
    expect(current.tasks.get(taskId)?.status).toBe('EXECUTING');
    resolve(succeeded);
    await ended(process, taskId);
    expect(await statusOf(process, taskId)).toBe('COMPLETED');
    expect(process.partner.calls).toHaveLength(1);
    const actors = (await process.events()).slice(-5).map(({ type, metadata }) => [type, metadata.actor.id]);
    expect(actors).toStrictEqual([
      ['ReviewClaimed', 'ann'],
      ['ReviewDecided', 'ann'],
      ['GuardrailEvaluated', 'ann'],
      ['ActionStarted', 'ann'],
      ['ActionExecuted', 'orchestrator'],
    ]);
    await checkSound(process);
  });

  it('whose answer is lost is known as one’s own, and executed once', async () => {
    const { process, taskId } = await withClaim();
    let lost = false;
    process.store.hooks.after = (call) => {
      if (step(call) !== APPROVAL || lost) return;
      lost = true;
      unavailable();
    };
    const asked = await approval(process, taskId);
    await process.clock.runUntil(decideReview(process.reviewing, taskId, asked, by('ann')));
    await ended(process, taskId);
    expect(lost).toBe(true);
    expect(await statusOf(process, taskId)).toBe('COMPLETED');
    expect(process.partner.calls).toHaveLength(1);
    await checkSound(process);
  });

  it('while the store is away is answered in time, and not recorded when the store is back later', async () => {
    const { process, taskId } = await withClaim();
    process.store.hooks.before = (call) => {
      if (step(call) === APPROVAL) unavailable();
    };
    const asked = await approval(process, taskId);
    const first = decideReview(process.reviewing, taskId, asked, by('ann', 'k'));
    await expect(process.clock.runUntil(first)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    process.store.hooks.before = () => {};
    await ended(process, taskId);
    expect([await statusOf(process, taskId), process.partner.calls.length]).toStrictEqual(['IN_REVIEW', 0]);
    const { replayed } = await decideReview(process.reviewing, taskId, asked, by('ann', 'k'));
    await ended(process, taskId);
    expect([replayed, process.partner.calls.length]).toStrictEqual([false, 1]);
  });

  it('that may still land is not refused before it is known', async () => {
    const { process, taskId } = await withClaim();
    const rival = startProcess({}, process.outside);
    let late: (() => Promise<unknown>) | null = null;
    process.store.hooks.before = async (call) => {
      if (step(call) !== APPROVAL || late) return;
      late = () => process.outside.store.append(call.stream, call.expectedRevision, call.events);
      // The next try would refuse it, but for what is on its way.
      await rival.automation.pause({ target: { scope: 'ALL', name: null }, reason: 'TEST', ...by('ben') });
      process.clock.sleep(500).then(() => late?.());
      unavailable();
    };
    const asked = await approval(process, taskId);
    const { current } = await process.clock.runUntil(
      decideReview(process.reviewing, taskId, asked, by('ann')),
    );
    expect(current.tasks.get(taskId)?.status).toBe('EXECUTING');
    await ended(process, taskId);
    expect([await statusOf(process, taskId), process.partner.calls.length]).toStrictEqual(['COMPLETED', 1]);
  });

  it('at a revision that it was not shown at is refused', async () => {
    const { process, taskId } = await withClaim();
    const asked = { ...(await approval(process, taskId)), reviewedRevision: 0 };
    await expect(decideReview(process.reviewing, taskId, asked, by('ann'))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'reviewedRevision',
    });
  });

  it('meets a change between look and append: it is refused, and nothing is half done', async () => {
    const { process, taskId } = await withClaim();
    const rival = startProcess({}, process.outside);
    let met = false;
    process.store.hooks.before = async (call) => {
      if (step(call) !== APPROVAL || met) return;
      met = true;
      await rival.note();
    };
    const asked = await approval(process, taskId);
    const refused = process.clock.runUntil(decideReview(process.reviewing, taskId, asked, by('ann')));
    await expect(refused).rejects.toMatchObject({ code: 'REVIEW_STALE', details: { changed: ['notes'] } });
    expect(process.partner.calls).toStrictEqual([]);
    expect(await statusOf(process, taskId)).toBe('IN_REVIEW');
    expect(process.logged).toStrictEqual([]);
  });

  it('by two processes at once is recorded and executed once', async () => {
    const { process, taskId } = await withClaim();
    const rival = startProcess({}, process.outside);
    const asked = await approval(process, taskId);
    const both = await process.clock.runUntil(
      Promise.allSettled(
        [process, rival].map(({ reviewing }) => decideReview(reviewing, taskId, asked, by('ann'))),
      ),
    );
    expect(both.map(({ status }) => status).sort()).toStrictEqual(['fulfilled', 'rejected']);
    const refused = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({ code: 'REVIEW_NOT_OPEN' });
    await process.clock.runUntil(Promise.all([process, rival].map(({ runner }) => runner.ended(taskId))));
    expect(process.partner.calls.length + rival.partner.calls.length).toBe(1);
  });

  it('asks once whether the backend is available: the answer may be the one call that it is probed with', async () => {
    let asks = 0;
    const { process, taskId } = await withClaim({ available: () => ++asks === 1 });
    const asked = await approval(process, taskId);
    await decideReview(process.reviewing, taskId, asked, by('ann'));
    await ended(process, taskId);
    expect([asks, await statusOf(process, taskId)]).toStrictEqual([1, 'COMPLETED']);
  });

  it('while the backend is down is refused, and may be given again', async () => {
    let isUp = false;
    const { process, taskId } = await withClaim({ available: () => isUp });
    const asked = await approval(process, taskId);
    const refused = decideReview(process.reviewing, taskId, asked, by('ann'));
    await expect(process.clock.runUntil(refused)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    isUp = true;
    await decideReview(process.reviewing, taskId, asked, by('ann'));
    await ended(process, taskId);
    expect(await statusOf(process, taskId)).toBe('COMPLETED');
  });

  it('while automation is paused is refused like any other verdict', async () => {
    const { process, taskId } = await withClaim();
    const asked = await approval(process, taskId);
    const pause = { target: { scope: 'ALL', name: null }, reason: 'TEST', ...by('ben') } as const;
    await process.automation.pause(pause);
    await expect(decideReview(process.reviewing, taskId, asked, by('ann'))).rejects.toMatchObject({
      code: 'REVIEW_STALE',
    });
  });
});

describe('an unknown outcome', () => {
  it('that turns out as failed lets the same action be approved again, with its key', async () => {
    let answers = [unknown, succeeded];
    const script = {
      model: () => modelSays(),
      backend: () => answers.shift() ?? succeeded,
      idempotent: false,
    };
    const { process, taskId } = await withClaim(script);
    const again = { ...(await approval(process, taskId)), overrides: [] };
    await expect(decideReview(process.reviewing, taskId, again, by('ann'))).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    });
    const grounds = {
      ...(await seen(process, taskId)),
      reasonCode: 'CHECKED_WITH_BACKEND',
      note: 'asked them',
    };
    await recordOutcome(process.reviewing, taskId, { ...grounds, attempt: 1, result: 'FAILED' }, by('ann'));
    answers = [succeeded];
    const asked = { ...(await approval(process, taskId)), overrides: [] };
    await decideReview(process.reviewing, taskId, asked, by('ann'));
    await ended(process, taskId);
    expect(await statusOf(process, taskId)).toBe('COMPLETED');
    expect(new Set(process.partner.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    await checkSound(process);
  });
});
