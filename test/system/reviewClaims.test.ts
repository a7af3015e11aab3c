import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playbookText } from '../faults/sources.ts';
import { type ChildService, startChildService, temporaryFile } from '../support/childService.ts';
import type { Answer, EventView } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type EffectBackend, type EffectCall, startEffectBackend } from '../support/effectBackend.ts';
import { createPerson, type KeyOwner, makeKeys, type Person, type ReviewAnswer } from '../support/people.ts';
import { askingModel } from '../support/service.ts';
import { CONFIDENT_RETRY, type StubModel, startStubModel } from '../support/stubModel.ts';
import { until } from '../support/until.ts';

const REVIEWERS = 100;
const PACE = {
  backendTimeout: 2_500,
  modelTimeout: 0,
  firstPauseSeconds: 1,
  longestPauseSeconds: 1,
  budgetMinutes: 1,
};
const reviewer = (actor: string, ...roles: string[]): KeyOwner => ({
  actor,
  roles: ['OPS', ...roles],
  scopes: ['read', 'review'],
});
const OWNERS: readonly KeyOwner[] = [
  { actor: 'clerk', roles: ['OPS'], scopes: ['submit', 'cases', 'read'] },
  reviewer('ann'),
  reviewer('ben', 'SUPERVISOR'),
  reviewer('cleo', 'SUPERVISOR'),
  ...Array.from({ length: REVIEWERS }, (_, n) => reviewer(`reviewer-${n}`)),
];

let database: TestDatabase;
let model: StubModel;
let backend: EffectBackend;
let backendMs = 0;
let playbook: Awaited<ReturnType<typeof temporaryFile>>;
let services: readonly ChildService[] = [];
let keys: readonly string[] = [];

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('review claims'),
    startStubModel(),
    startEffectBackend({ fateOf: () => 'done', takes: () => backendMs }),
  ]);
  playbook = await temporaryFile('playbook.yaml', playbookText(backend.url, PACE));
  const env = {
    ...askingModel(model),
    DATABASE_URL: database.url,
    PLAYBOOK: playbook.path,
    AUTHENTICATION: 'keys',
  };
  services = await Promise.all([startChildService(env), startChildService(env)]);
  keys = await makeKeys(database.url, OWNERS);
}, 60_000);
afterAll(async () => {
  await Promise.all(services.map((service) => service.end('SIGKILL')));
  await Promise.all([model?.stop(), backend?.refuse(), playbook?.remove(), database?.drop()]);
});

/** Somebody who calls one of the two processes. */
function person(id: string, process: 0 | 1): Person {
  const key = keys[OWNERS.findIndex(({ actor }) => actor === id)];
  const service = services[process];
  if (key === undefined || !service) throw new Error(`nobody is ${id}`);
  return createPerson(service.url, id, key);
}

/** A task of a case of its own that waits for a person: the model is not certain. */
async function routed(caseId: string, routeTarget = 'PARTNER_API'): Promise<string> {
  model.mode = { kind: 'decision', decision: { ...CONFIDENT_RETRY, routeTarget, confidence: 0.5 } };
  const clerk = person('clerk', 0);
  await clerk.openCase(caseId);
  const { body } = await clerk.task({ case_id: caseId });
  expect(body.status).toBe('IN_REVIEW');
  return body.taskId;
}

const OVERRIDE = { overrides: ['confidence'] };

const eventsOf = async (caseId: string, type: string): Promise<EventView['data'][]> =>
  (await person('clerk', 1).events(caseId)).filter((event) => event.type === type).map(({ data }) => data);
const callsFor = (taskId: string): EffectCall[] => backend.calls.filter((call) => call.taskId === taskId);
const statusOf = async (taskId: string): Promise<string> => (await person('ann', 1).look(taskId)).status;
const settled = (taskId: string, ...statuses: string[]): Promise<string> =>
  until(`the task is ${statuses.join(' or ')}`, async () => {
    const status = await statusOf(taskId);
    return statuses.includes(status) ? status : null;
  });
const summary = ({ status, body }: Answer<ReviewAnswer>): unknown[] => [
  status,
  body.code ?? null,
  body.claim ?? null,
];

describe('one review, two processes', () => {
  it.each([1, 2, 3])('100 reviewers claim it at once: one has it, 99 are told who (%i)', async (round) => {
    const taskId = await routed(`claimed-${round}`);
    const claimants = Array.from({ length: REVIEWERS }, (_, n) =>
      person(`reviewer-${n}`, n % 2 === 0 ? 0 : 1),
    );
    const answers = await Promise.all(claimants.map(({ claim }) => claim(taskId)));
    const won = answers.flatMap(({ status }, n) => (status === 200 ? [claimants[n]?.id] : []));
    expect(won).toHaveLength(1);
    const [event, ...more] = await eventsOf(`claimed-${round}`, 'ReviewClaimed');
    expect({ event, more }).toMatchObject({ event: { reviewer: won[0], takenFrom: null }, more: [] });
    const claim = { reviewer: won[0], leaseUntil: event?.leaseUntil };
    expect(answers.map(summary)).toEqual(
      claimants.map(({ id }) => (id === won[0] ? [200, null, claim] : [409, 'REVIEW_CLAIMED', claim])),
    );
  });

  it('one reviewer approves it here and rejects it there at once: one decision, and what was decided happens', async () => {
    for (const round of [1, 2, 3, 4]) {
      const taskId = await routed(`decided-${round}`);
      const [here, there] = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      await person('ann', here).claim(taskId);
      const { reviewedHash, reviewedRevision } = await person('ann', there).look(taskId);
      const seen = { reviewedHash, reviewedRevision };
      const [approved, rejected] = await Promise.all([
        person('ann', here).decide(taskId, { ...seen, ...OVERRIDE }),
        person('ann', there).decide(taskId, { ...seen, resolution: 'REJECTED' }),
      ]);
      expect([approved.status, rejected.status].sort()).toEqual([200, 409]);
      const loser = approved.status === 200 ? rejected : approved;
      expect(['REVIEW_NOT_OPEN', 'REVIEW_NOT_CLAIMED', 'REVIEW_STALE']).toContain(loser.body.code);
      const [resolution, ends, calls] =
        approved.status === 200 ? ['APPROVED', 'COMPLETED', 1] : ['REJECTED', 'REJECTED', 0];
      await settled(taskId, ends as string);
      expect(await eventsOf(`decided-${round}`, 'ReviewDecided')).toMatchObject([{ resolution }]);
      expect(callsFor(taskId)).toHaveLength(calls as number);
    }
  });

  it('one reviewer approves it twice at once, without a key: one approval, one attempt, one call', async () => {
    for (const round of [1, 2, 3, 4]) {
      const taskId = await routed(`approved-${round}`);
      await person('ann', 0).claim(taskId);
      const { reviewedHash, reviewedRevision } = await person('ann', 1).look(taskId);
      const answers = await Promise.all(
        ([0, 1] as const).map((process) =>
          person('ann', process).decide(taskId, { reviewedHash, reviewedRevision, ...OVERRIDE }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      await settled(taskId, 'COMPLETED');
      expect(await eventsOf(`approved-${round}`, 'ReviewDecided')).toHaveLength(1);
      expect(await eventsOf(`approved-${round}`, 'ActionStarted')).toHaveLength(1);
      expect(callsFor(taskId)).toHaveLength(1);
    }
  });

  it('two supervisors take it over at once: each takeover names whose claim it ended, and the last one has it', async () => {
    for (const round of [1, 2, 3, 4]) {
      const taskId = await routed(`taken-${round}`);
      await person('ann', 0).claim(taskId);
      const answers = await Promise.all([
        person('ben', 0).claim(taskId, { takeover: true }),
        person('cleo', 1).claim(taskId, { takeover: true }),
      ]);
      expect(answers.map(({ status, body }) => [status, body.claim?.reviewer])).toEqual([
        [200, 'ben'],
        [200, 'cleo'],
      ]);
      const [, first, second, ...more] = await eventsOf(`taken-${round}`, 'ReviewClaimed');
      expect([first?.reviewer, second?.reviewer].sort()).toEqual(['ben', 'cleo']);
      expect([first?.takenFrom, second?.takenFrom, more]).toEqual(['ann', first?.reviewer, []]);
      const claim = { reviewer: second?.reviewer, leaseUntil: second?.leaseUntil };
      for (const id of ['ann', String(first?.reviewer)]) {
        const refused = await person(id, 1).decide(taskId, OVERRIDE);
        expect(summary(refused)).toEqual([409, 'REVIEW_CLAIMED', claim]);
      }
      expect((await person(String(second?.reviewer), 0).decide(taskId, OVERRIDE)).status).toBe(200);
      await settled(taskId, 'COMPLETED');
      expect(callsFor(taskId)).toHaveLength(1);
    }
  });

  it('a decision that comes ten times with one Idempotency-Key, to both at once, is one, and all get its answer', async () => {
    for (const round of [1, 2, 3]) {
      backendMs = round === 3 ? 2_000 : 0;
      const taskId = await routed(`repeated-${round}`);
      await person('ann', 0).claim(taskId);
      const { reviewedHash, reviewedRevision } = await person('ann', 0).look(taskId);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          person('ann', n % 2 === 0 ? 0 : 1).decide(
            taskId,
            { reviewedHash, reviewedRevision, ...OVERRIDE },
            { 'idempotency-key': 'once' },
          ),
        ),
      );
      expect(answers.map(({ status, body }) => [status, body.position])).toEqual(
        answers.map(() => [200, answers[0]?.body.position]),
      );
      expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(9);
      // None of them has waited for the backend.
      if (round === 3) expect(callsFor(taskId).filter(({ effectAt }) => effectAt !== null)).toEqual([]);
      await settled(taskId, 'COMPLETED');
      expect(await eventsOf(`repeated-${round}`, 'ReviewDecided')).toHaveLength(1);
      expect(callsFor(taskId)).toHaveLength(1);
    }
  });
});

describe('the process that answered a decision is killed at once', () => {
  const seen = new Map<string, { readonly reviewedHash: string; readonly reviewedRevision: number }>();
  /** ann's approval, the same each time. */
  async function approve(taskId: string, process: 0 | 1): Promise<Answer<ReviewAnswer>> {
    const { reviewedHash, reviewedRevision } =
      seen.get(taskId) ?? (await person('ann', process).look(taskId));
    seen.set(taskId, { reviewedHash, reviewedRevision });
    const decision = { reviewedHash, reviewedRevision, ...OVERRIDE };
    return person('ann', process).decide(taskId, decision, { 'idempotency-key': 'approve' });
  }
  /** Nobody can approve it again before somebody has said what the backend did. */
  async function resolve(taskId: string): Promise<void> {
    const ben = person('ben', 1);
    await ben.claim(taskId);
    expect((await ben.decide(taskId, OVERRIDE)).body.code).toBe('OUTCOME_UNKNOWN');
    const result = callsFor(taskId).length === 1 ? 'SUCCEEDED' : 'FAILED';
    expect((await ben.recordOutcome(taskId, { result })).status).toBe(200);
    if (result === 'FAILED') expect((await ben.decide(taskId, OVERRIDE)).status).toBe(200);
    await settled(taskId, 'COMPLETED');
  }

  it('the other one settles what became of it, by asking the backend or a person, and nothing is done twice', async () => {
    const tasks = {
      // Its call is under way when the process dies; the backend can be asked.
      asked: await routed('killed-asked', 'PARTNER_API'),
      // The same, and the backend cannot be asked.
      unasked: await routed('killed-unasked', 'CORE_SYSTEM'),
      // Perhaps called, perhaps not: the process dies as soon as it has answered.
      answered: await routed('killed-answered', 'CORE_SYSTEM'),
    };
    backendMs = 500;
    for (const taskId of Object.values(tasks)) await person('ann', 0).claim(taskId);
    for (const taskId of [tasks.asked, tasks.unasked])
      expect((await approve(taskId, 0)).body.status).toBe('EXECUTING');
    await until('both backends are called', () =>
      [tasks.asked, tasks.unasked].every((taskId) => callsFor(taskId).length === 1),
    );
    expect((await approve(tasks.answered, 0)).body.status).toBe('EXECUTING');
    await services[0]?.end('SIGKILL');
    backendMs = 0;

    expect(await settled(tasks.asked, 'COMPLETED', 'IN_REVIEW')).toBe('COMPLETED');
    expect(await eventsOf('killed-asked', 'ActionOutcomeResolved')).toMatchObject([
      { result: 'SUCCEEDED', source: 'LOOKUP', review: null },
    ]);
    for (const taskId of [tasks.unasked, tasks.answered]) {
      expect(await settled(taskId, 'COMPLETED', 'IN_REVIEW')).toBe('IN_REVIEW');
      const { manual, attempts } = await person('ben', 1).look(taskId);
      expect(manual.codes).toEqual(['ACTION_OUTCOME_UNKNOWN']);
      expect(attempts).toMatchObject([{ result: 'UNKNOWN', authority: 'reviewer', reviewer: 'ann' }]);
    }

    // Who repeats the decision, because the answer may have been lost, has nothing done a second time.
    for (const taskId of Object.values(tasks)) {
      const again = await approve(taskId, 1);
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    }
    for (const taskId of [tasks.unasked, tasks.answered]) await resolve(taskId);
    for (const taskId of Object.values(tasks)) {
      expect(callsFor(taskId).map(({ effectAt }) => effectAt !== null)).toEqual([true]);
    }
    const perKey = backend.calls.map(({ key }) => key);
    expect(new Set(perKey).size).toBe(perKey.length);
  }, 30_000);
});
