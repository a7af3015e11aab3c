import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChildService, startChildService, temporaryFile } from '../support/childService.ts';
import { README_CASE, type TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askingModel, httpPlaybook } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { type StubModel, startStubModel } from '../support/stubModel.ts';
import { until } from '../support/until.ts';

type Readiness = { readonly projections: { readonly leads: boolean } };

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let playbook: Awaited<ReturnType<typeof temporaryFile>>;
let env: Record<string, string>;
let services: ChildService[] = [];

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('two processes'),
    startStubModel(),
    startStubBackend(),
  ]);
  playbook = await temporaryFile('playbook.yaml', httpPlaybook(backend.url));
  env = { ...askingModel(model), DATABASE_URL: database.url, PLAYBOOK: playbook.path };
  services = await Promise.all([startChildService(env), startChildService(env)]);
}, 60_000);
afterAll(async () => {
  await Promise.all(services.map((service) => service.end('SIGKILL')));
  await Promise.all([model?.stop(), backend?.stop(), playbook?.remove(), database?.drop()]);
});

const leads = async (service: ChildService): Promise<boolean> =>
  (await service.get<Readiness>('/readyz')).body.projections?.leads === true;

/** Both services, the one that writes the read models first. */
async function leaderFirst(): Promise<[ChildService, ChildService]> {
  const leading = await until('exactly one process writes the read models', async () => {
    const flags = await Promise.all(services.map(leads));
    return flags.filter((flag) => flag).length === 1 ? flags : null;
  });
  const [leader] = services.filter((_, index) => leading[index]);
  const [follower] = services.filter((_, index) => !leading[index]);
  if (!leader || !follower) throw new Error('two services are needed');
  return [leader, follower];
}

describe('two processes on one database, started at once', () => {
  it('both serve one log; what one was asked is known to the other', async () => {
    const [leader, follower] = await leaderFirst();
    await leader.openCase('C1', README_CASE);
    const first = await follower.task({ case_id: 'C1' });
    expect(first.body.outcome).toBe('AUTO_SUCCESS');
    const repeat = await leader.task({ case_id: 'C1' });
    expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    for (const service of services) {
      const { body } = await service.get(`/tasks?caseId=C1&atLeast=${first.body.position}`);
      expect(body).toMatchObject({ tasks: [{ taskId: first.body.taskId, outcome: 'AUTO_SUCCESS' }] });
    }
    expect(model.calls()).toBe(1);
  });

  it('the same request to both at once is one task, with one model call and one backend call', async () => {
    await services[0]?.openCase('C2', README_CASE);
    const before = { model: model.calls(), backend: backend.calls() };
    model.delayMs = 200;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => services[index % 2]?.task({ case_id: 'C2' })),
    );
    model.delayMs = 0;
    const outcomes = answers.map((answer) => [answer?.status, answer?.body.outcome, answer?.body.taskId]);
    expect(outcomes).toEqual(outcomes.map(() => [200, 'AUTO_SUCCESS', answers[0]?.body.taskId]));
    expect(model.calls() - before.model).toBe(1);
    expect(backend.calls() - before.backend).toBe(1);
  });

  it('different tasks of one case, posted to both, never overlap at the backend', async () => {
    await services[0]?.openCase('C3', README_CASE);
    backend.delayMs = 20;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        services[index % 2]?.task({
          case_id: 'C3',
          description: `Partner API timed out, please retry for policy ${index}`,
        }),
      ),
    );
    backend.delayMs = 0;
    expect(answers.map((answer) => answer?.body.outcome)).toEqual(answers.map(() => 'AUTO_SUCCESS'));
    let open = 0;
    for (const { type } of (await services[1]?.events('C3')) ?? []) {
      if (type === 'ActionStarted') open += 1;
      if (type === 'ActionExecuted') open -= 1;
      expect(open === 0 || open === 1).toBe(true);
    }
    expect([...backend.callsPerKey().values()].every((calls) => calls === 1)).toBe(true);
  });

  it('a pause through one holds in the other from the moment of its answer', async () => {
    await services[0]?.openCase('C4', README_CASE);
    let number = 0;
    const task = async (service: ChildService | undefined) => {
      number += 1;
      const answer = await service?.task({
        case_id: 'C4',
        description: `Partner API timed out, please retry for policy ${number}`,
      });
      return [answer?.body.outcome, ...(answer?.body.manual?.codes ?? [])];
    };
    const tell = async (index: number, verb: string): Promise<unknown> =>
      (await services[index % 2]?.post(`/automation/${verb}`, { scope: 'ALL' }))?.status;
    for (const round of [0, 1, 2, 3]) {
      expect(await tell(round, 'pause')).toBe(200);
      const outcomes = await Promise.all(services.flatMap((service) => [task(service), task(service)]));
      expect(outcomes).toEqual(outcomes.map(() => ['MANUAL', 'AUTOMATION_PAUSED']));
      expect(await tell(round + 1, 'resume')).toBe(200);
      expect(await task(services[round % 2])).toEqual(['AUTO_SUCCESS']);
    }
  });

  it('a third one that starts paused pauses them all, and says so', async () => {
    const third = await startChildService({ ...env, AUTOMATION: 'paused' });
    expect(third.output()).toMatch(/automation {3}PAUSED for everything since \S+ by orchestrator/);
    const { body } = (await services[0]?.get<object>('/automation')) ?? {};
    expect(body).toMatchObject({ pauses: [{ scope: 'ALL', reason: 'STARTED_PAUSED' }] });
    const again = await startChildService({ ...env, AUTOMATION: 'paused' });
    expect((await services[1]?.get('/automation'))?.body).toEqual(body);
    await Promise.all([third, again].map((service) => service.end('SIGTERM')));
    expect((await services[1]?.post('/automation/resume', { scope: 'ALL' }))?.body).toMatchObject({
      pauses: [],
    });
  }, 30_000);

  it('when the one that writes the read models is killed, the other takes over', async () => {
    const [leader, follower] = await leaderFirst();
    await leader.end('SIGKILL');
    const answer = await follower.task({
      case_id: 'C1',
      description: 'Partner timeout, please retry policy 9',
    });
    expect(answer.status).toBe(200);
    const { position, taskId } = answer.body;
    const tasks = await follower.get<{ tasks: TaskAnswer[] }>(`/tasks?caseId=C1&atLeast=${position}`);
    expect(tasks.body.tasks[0]).toMatchObject({ taskId, outcome: answer.body.outcome });
    expect(await leads(follower)).toBe(true);
  }, 20_000);
});
