import { afterEach, describe, expect, it } from 'vitest';
import { LONGEST_WAIT_S, preferencesOf } from '../../src/api/prefer.ts';
import { createTestApp, newCase, newTask, type TestApp, type TestAppOptions } from '../support/app.ts';
import { modelSays } from '../support/scripted.ts';
import { until } from '../support/until.ts';

describe('the Prefer header', () => {
  it.each<[string | undefined, number | null, string | null]>([
    [undefined, null, null],
    ['', null, null],
    ['respond-async', 0, 'respond-async'],
    ['Respond-Async', 0, 'respond-async'],
    ['wait=7', 7_000, 'wait=7'],
    ['wait=0', 0, 'wait=0'],
    ['wait = "7"', 7_000, 'wait=7'],
    ['wait=7; foo="a"', 7_000, 'wait=7'],
    ['handling=lenient, respond-async, wait=2', 2_000, 'respond-async, wait=2'],
    ['wait=3, wait=9', 3_000, 'wait=3'],
    ['wait=99999', LONGEST_WAIT_S * 1_000, `wait=${LONGEST_WAIT_S}`],
    ['wait=-1', null, null],
    ['wait=soon', null, null],
    ['wait=1e9', null, null],
    ['return=minimal', null, null],
    ['respond-asynchronously', null, null],
    ['=,;,,"', null, null],
    ['respond-async; foo="a,wait=3"', 0, 'respond-async'],
    ['foo="a\\",wait=3", wait=4', 4_000, 'wait=4'],
  ])('%j', (header, waitMs, applied) => {
    expect(preferencesOf(header)).toStrictEqual({ waitMs, applied });
  });
});

it('no Prefer header keeps the process busy', () => {
  const started = performance.now();
  for (const header of [
    `a=${' '.repeat(990)}"x"y`,
    '='.repeat(1_000),
    '"'.repeat(1_000),
    `${' ,'.repeat(500)}`,
  ]) {
    expect(preferencesOf(header)).toStrictEqual({ waitMs: null, applied: null });
  }
  expect(performance.now() - started).toBeLessThan(200);
});

describe('POST /case-task', () => {
  let service: TestApp;
  const start = async (options: TestAppOptions): Promise<void> => {
    service = await createTestApp(options);
    await service.post('/cases', newCase());
  };
  afterEach(() => service.close());
  const submit = (prefer: string) => service.post('/case-task', newTask(), { prefer });

  it('with respond-async is 202 as soon as the task is durable, and its Location tells the rest', async () => {
    const decided = Promise.withResolvers<void>();
    await start({ model: () => decided.promise.then(() => modelSays()) });
    const answer = await submit('respond-async');
    expect(answer.statusCode).toBe(202);
    expect(answer.headers).toMatchObject({ 'preference-applied': 'respond-async' });
    expect(answer.json()).toMatchObject({
      outcome: null,
      status: 'RECEIVED',
      decision: null,
      guardrails: [],
    });
    const { location } = answer.headers;
    expect(location).toBe(`/tasks/${encodeURIComponent(answer.json().taskId)}`);
    expect((await service.get(`/cases/C1001/events`)).json().events).toHaveLength(2);
    decided.resolve();
    const task = await until('the task is done', async () => {
      const body = (await service.get(String(location))).json();
      return body.outcome === null ? null : body;
    });
    expect(task).toMatchObject({ outcome: 'AUTO_SUCCESS', status: 'COMPLETED', retry: null });

    const repeat = await submit('respond-async');
    expect(repeat.statusCode).toBe(200);
    expect(repeat.headers).toMatchObject({ 'idempotency-replayed': 'true' });
    expect(repeat.json().outcome).toBe('AUTO_SUCCESS');
  });

  it('with wait=0 is as far as it got; with a longer wait it is the outcome', async () => {
    await start({ waitMs: 0 });
    const answer = await submit('wait=5');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['preference-applied']).toBe('wait=5');
    expect(answer.json().outcome).toBe('AUTO_SUCCESS');
  });

  it('with what nobody knows is answered as ever', async () => {
    await start({});
    const answer = await submit('return=minimal');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).not.toHaveProperty('preference-applied');
  });
});
