import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { policy } from '../support/builders.ts';
import { modelSays } from '../support/scripted.ts';
import { shadowPolicy, shadowText } from '../support/shadows.ts';

/** Turns round what the default policy says of the confidence. */
const shadow = shadowPolicy(shadowText('decision.confidence < 0.8', 'turned-round'));
const A_TASK = 'Partner API failed again, please retry for policy';

let service: TestApp;
let confidence = 0.95;
beforeAll(async () => {
  service = await createTestApp({
    shadow,
    model: () => modelSays({ confidence, intent: confidence === 0.1 ? 'ESCALATE' : 'RETRY_EXTERNAL_CALL' }),
  });
  await service.post('/cases', newCase());
  for (const [n, each] of [0.95, 0.95, 0.5, 0.1].entries()) {
    confidence = each;
    await service.post('/case-task', newTask({ description: `${A_TASK} ${n}` }));
  }
});
afterAll(() => service.close());

const upToDate = async (): Promise<string> => {
  const { position } = (await service.get('/cases/C1001')).json();
  return `atLeast=${position}`;
};
const tasks = async (query: string): Promise<{ confidence: number; shadowDifference: string }[]> =>
  (await service.get(`/tasks?${query}&${await upToDate()}`)).json().tasks;

describe('the shadow policy', () => {
  it('is told beside the policy in force, and by its hash', async () => {
    const inForce = (await service.get('/policy')).json();
    expect(inForce).toMatchObject({
      hash: policy.hash,
      shadow: { hash: shadow.hash, source: shadow.source },
    });
    expect((await service.get(`/policy/${shadow.hash}`)).json()).toEqual(inForce.shadow);
  });

  it('has its differences counted, in both directions, each task once', async () => {
    const report = (await service.get(`/policy/shadow?${await upToDate()}`)).json();
    expect(report.policy.hash).toBe(shadow.hash);
    expect(report.tasks).toEqual({ judged: 4, same: 1, wouldExecute: 1, wouldRoute: 2, wouldRefuse: 0 });
  });

  it.each([
    ['WOULD_EXECUTE', [0.5]],
    ['WOULD_ROUTE', [0.95, 0.95]],
    ['NONE', [0.1]],
    ['WOULD_REFUSE', []],
  ])('lets the tasks be opened that differ by %s', async (difference, confidences) => {
    const found = await tasks(`shadowDifference=${difference}&shadowPolicy=${shadow.hash}`);
    expect(found.map((task) => task.confidence)).toEqual(confidences);
    expect(new Set(found.map((task) => task.shadowDifference))).toEqual(
      new Set(confidences.length === 0 ? [] : [difference]),
    );
    expect(await tasks(`shadowDifference=${difference}&shadowPolicy=${policy.hash}`)).toEqual([]);
  });

  it('is shown with each verdict of a task, and not to a reviewer as part of what is proposed', async () => {
    const [task] = (await service.get(`/tasks?shadowDifference=WOULD_EXECUTE&${await upToDate()}`)).json()
      .tasks;
    const { verdicts } = (await service.get(`/tasks/${task.taskId}`)).json();
    expect(verdicts).toMatchObject([
      { verdict: 'ROUTE_TO_MANUAL', shadow: { verdict: 'EXECUTE', policyVersion: 'turned-round' } },
    ]);
    const review = (await service.get(`/reviews/${task.taskId}`)).json();
    expect(review.proposal).not.toHaveProperty('shadow');
  });

  it('is counted for Prometheus by what was said and what it said', async () => {
    const { payload } = await service.get('/metrics');
    const lines = payload.split('\n').filter((line) => line.includes('shadow_verdicts_total{'));
    expect(lines.sort()).toEqual([
      'case_orchestrator_shadow_verdicts_total{verdict="EXECUTE",shadow_verdict="ROUTE_TO_MANUAL"} 2',
      'case_orchestrator_shadow_verdicts_total{verdict="ROUTE_TO_MANUAL",shadow_verdict="EXECUTE"} 1',
      'case_orchestrator_shadow_verdicts_total{verdict="ROUTE_TO_MANUAL",shadow_verdict="ROUTE_TO_MANUAL"} 1',
    ]);
  });

  it('is none where none is loaded, and the answer says what to do', async () => {
    const without = await createTestApp();
    expect((await without.get('/policy')).json().shadow).toBeNull();
    const answer = await without.get('/policy/shadow');
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'NO_SHADOW_POLICY']);
    expect(answer.json().detail).toContain('SHADOW_POLICY');
    await without.close();
  });

  it.each(['shadowDifference=SOMETHING', 'shadowPolicy=abc'])('refuses %s', async (query) => {
    const answer = await service.get(`/tasks?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toHaveLength(1);
  });
});
