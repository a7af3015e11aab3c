import { beforeAll, describe, expect, it } from 'vitest';
import { claimReview, decideReview, recordOutcome } from '../../src/commands/reviews.ts';
import type { Actor } from '../../src/domain/events.ts';
import { reviewed, reviewedHash } from '../../src/domain/reviewed.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { calm, context } from '../support/builders.ts';
import { modelSays, unknown } from '../support/scripted.ts';
import type { Process } from '../support/world.ts';
import { eventsOf, startService } from './history.ts';
import { storeOf, verify } from './support.ts';
import { at, data, forged, metadata, type Tampering, withCase } from './tampering.ts';

const person = (id: string): Actor => ({ kind: 'person', id, roles: ['OPS'], authMethod: 'oidc' });
const [CLERK, ANN, BEN] = [person('clerk'), person('ann'), person('ben')];
const by = (actor: Actor) => ({ actor, traceparent: null, sentKey: null });

/** What a reviewer is shown now. */
async function seen({ cases }: Process, caseId: string, taskId: string) {
  const current = await cases.load(caseId);
  const task = current.tasks.get(taskId);
  if (!task) throw new Error('the task is gone');
  return {
    reviewedHash: reviewedHash(reviewed(current, task, context({ signals: calm }))),
    reviewedRevision: current.revision,
  };
}

async function approve(process: Process, caseId: string, taskId: string, actor: Actor): Promise<void> {
  await claimReview(process.reviewing, taskId, false, by(actor));
  const asked = {
    ...(await seen(process, caseId, taskId)),
    resolution: 'APPROVED',
    reasonCode: 'CONFIRMED',
    note: null,
    overrides: ['confidence', 'risk'],
    action: null,
  } as const;
  await decideReview(process.reviewing, taskId, asked, by(actor));
  await process.clock.runUntil(process.runner.ended(taskId));
}

/** Three cases: one approved by ann, one by ann and ben, one where ann says what an unknown attempt did. */
async function reviewedHistory(): Promise<ReadEvent[]> {
  let riskScore = 0.5;
  const process = await startService({
    model: () => modelSays({ confidence: 0.5, riskScore }),
    backend: ({ caseId }) =>
      caseId === 'outcome' ? unknown : { ...unknown, result: 'SUCCEEDED', errorType: null },
    idempotent: false,
  });
  const routed = async (caseId: string): Promise<string> => {
    await process.open({ caseId });
    const { task } = await process.clock.runUntil(process.submit({ caseId, actor: CLERK, waitMs: 0 }));
    await process.clock.runUntil(process.runner.ended(task.taskId));
    return task.taskId;
  };
  await approve(process, 'one', await routed('one'), ANN);
  const outcome = await routed('outcome');
  await approve(process, 'outcome', outcome, ANN);
  await claimReview(process.reviewing, outcome, false, by(ANN));
  const asked = { attempt: 1, result: 'FAILED', reasonCode: 'CHECKED_WITH_BACKEND', note: null } as const;
  await recordOutcome(
    process.reviewing,
    outcome,
    { ...asked, ...(await seen(process, 'outcome', outcome)) },
    by(ANN),
  );
  riskScore = 0.7;
  const two = await routed('two');
  await approve(process, 'two', two, ANN);
  await approve(process, 'two', two, BEN);
  return process.outside.store.readAll(null, 10_000);
}

let log: readonly ReadEvent[];
beforeAll(async () => {
  log = await reviewedHistory();
});

/** What is found of reviewers, as `revision: detail`. */
async function found(caseId: string, tampering: Tampering): Promise<string[]> {
  const { mismatches } = await verify(storeOf(withCase(log, caseId, forged(tampering))));
  expect(new Set(mismatches.map((each) => each.caseId))).toEqual(new Set([caseId]));
  return mismatches
    .filter(({ kind }) => kind === 'PERMISSION')
    .map(({ revision, detail }) => `${revision}: ${detail}`);
}

const all =
  (...tamperings: Tampering[]): Tampering =>
  (events) =>
    tamperings.reduce((current, tampering) => tampering(current), events);
const BEFORE = 'its hash is not that of what the case was just before';
const ANOTHER_HASH = { reviewedHash: 'f'.repeat(64) };
const SAME = 'it takes a second person, and both approvals are of the same one';

it('approvals as they are given verify clean', async () => {
  const report = await verify(storeOf(log));
  expect(report.mismatches).toEqual([]);
  expect(report).toMatchObject({ result: 'CLEAN', cases: 3 });
  expect(eventsOf(log, 'one').map(({ type }) => type)).toEqual([
    'CaseOpened',
    'TaskReceived',
    'DecisionRecommended',
    'GuardrailEvaluated',
    'RoutedToManual',
    'ReviewClaimed',
    'ReviewDecided',
    'GuardrailEvaluated',
    'ActionStarted',
    'ActionExecuted',
  ]);
  expect(
    eventsOf(log, 'two')
      .slice(5)
      .map(({ type }) => type),
  ).toEqual([
    'ReviewClaimed',
    'ReviewDecided',
    'ReviewClaimed',
    'ReviewDecided',
    'GuardrailEvaluated',
    'ActionStarted',
    'ActionExecuted',
  ]);
});

describe('with the chain computed anew it is found and located', () => {
  it.each<[string, string, Tampering, string[]]>([
    [
      'that somebody has approved their own task',
      'one',
      at(1, metadata({ actor: ANN })),
      ['6: its reviewer has submitted the task', `6: ${BEFORE}`],
    ],
    [
      'that the first of two has submitted the task',
      'two',
      at(1, metadata({ actor: ANN })),
      ['6: its reviewer has submitted the task', `8: ${BEFORE}`],
    ],
    [
      'an approval without a claim',
      'one',
      (events) => events.filter((_, n) => n !== 5),
      [
        '5: nobody had claimed the review',
        '5: its hash is not that of what was there at the revision that was shown',
      ],
    ],
    [
      'an approval under another one’s claim',
      'one',
      all(at(5, data({ reviewer: 'ben' })), at(5, metadata({ actor: BEN }))),
      ['6: another reviewer had claimed the review'],
    ],
    [
      'a claim in another one’s name',
      'one',
      at(5, metadata({ actor: BEN })),
      ['5: the claim was recorded by another one than its reviewer'],
    ],
    [
      'an approval under a claim that was over',
      'one',
      at(5, data({ leaseUntil: '2026-01-01T00:00:00.000Z' })),
      ['6: the claim of its reviewer was over'],
    ],
    [
      'that the second approval is missing',
      'two',
      at(6, data({ awaitsSecond: false, resolution: 'INFO_REQUESTED', action: null })),
      ['8: it takes a second person, and nobody else had approved it', `8: ${BEFORE}`],
    ],
    [
      'that both approvals are of one person',
      'two',
      all(
        at(7, data({ reviewer: 'ann' })),
        at(7, metadata({ actor: ANN })),
        at(8, data({ reviewer: 'ann' })),
        at(8, metadata({ actor: ANN })),
        at(9, data({ authority: { kind: 'reviewer', reviewer: 'ann', overrides: ['confidence', 'risk'] } })),
        at(10, data({ authority: { kind: 'reviewer', reviewer: 'ann' } })),
      ),
      [`8: ${SAME}`],
    ],
    [
      'that the first approval was of something else',
      'two',
      at(6, data({ action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'CORE_SYSTEM' } })),
      ['8: it takes a second person, and the other one had approved something else', `8: ${BEFORE}`],
    ],
    ['another hash', 'one', at(6, data(ANOTHER_HASH)), [`6: ${BEFORE}`]],
    ['another hash of the first approval', 'two', at(6, data(ANOTHER_HASH)), [`8: ${BEFORE}`]],
    [
      'another revision that was shown',
      'one',
      at(6, data({ reviewedRevision: 3 })),
      ['6: its hash is not that of what was there at the revision that was shown'],
    ],
    [
      'a note that nobody was shown',
      'one',
      (events) => {
        const [first, ...rest] = events;
        const note = {
          ...(events[1] ?? rest[0]),
          type: 'CaseNoteAdded',
          id: '019b0000-0000-7000-8000-00000000ffff',
        };
        const text = JSON.stringify({ command: null, text: { sealed: 'x' } });
        return [first, { ...note, data: text, position: 100_000n }, ...rest] as ReadEvent[];
      },
      [`7: ${BEFORE}`],
    ],
    [
      'a reviewer who may not have it executed',
      'one',
      at(6, metadata({ actor: { ...ANN, roles: ['AUDITOR'] } })),
      ['6: its reviewer has no role that may have it executed'],
    ],
    [
      'a reviewer who was not authenticated',
      'one',
      at(6, metadata({ actor: { ...ANN, kind: 'anonymous', authMethod: 'none' } })),
      [
        "8: the reviewer's decision before it is not by that reviewer, authenticated",
        '6: its reviewer was not authenticated',
      ],
    ],
    [
      'an outcome that another one has recorded',
      'outcome',
      at(12, metadata({ actor: BEN })),
      ['12: the outcome was recorded by another one than its reviewer'],
    ],
    [
      'an outcome without a claim',
      'outcome',
      (events) => events.filter((_, n) => n !== 11),
      ['11: nobody had claimed the review'],
    ],
    [
      'an outcome that names no reviewer',
      'outcome',
      at(12, data({ review: null })),
      ['12: its source is not who says so'],
    ],
  ])('%s', async (_, caseId, tampering, problems) => {
    expect(await found(caseId, tampering)).toEqual(problems);
  });
});

it('an approval behind which nothing follows is found', async () => {
  const cut: Tampering = (events) => events.slice(0, 7);
  expect(await found('one', cut)).toEqual(['6: its verdict is not directly behind it']);
});
