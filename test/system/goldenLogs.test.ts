import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyCase, fold } from '../../src/domain/case.ts';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { EVALUATOR_VERSION, evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { caseIdOfStream } from '../../src/domain/identifiers.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { verifyChain } from '../../src/eventstore/chain.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from '../api/authenticated.ts';
import type { TestAppOptions } from '../support/app.ts';
import { until } from '../support/until.ts';

/** A whole log as a version of the service left it, with open reviews of every kind. */
type GoldenLog = NonNullable<TestAppOptions['log']> & {
  readonly version: string;
  /** Task ids of open reviews. */
  readonly reviews: Readonly<Record<'uncertain' | 'risky' | 'failed' | 'unknown' | 'fallback', string>>;
};
type Shown = {
  readonly status: string;
  readonly description: string;
  readonly reviewedHash: string;
  readonly reviewedRevision: number;
  readonly attempts: readonly { readonly actionId: string; readonly result: string }[];
};

const FOLDER = new URL('./goldenLogs/', import.meta.url);

describe.each(readdirSync(FOLDER))('the log that %s has left', (file) => {
  const log: GoldenLog = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
  const decoded = log.events.map((event, index) => codec.decode({ ...event, position: BigInt(index + 1) }));
  let service: AuthenticatedApp;
  let people: Record<'ann' | 'ben', string>;
  beforeAll(async () => {
    service = await createAuthenticatedApp({ log });
    const person = async (actor: string) => (await service.makeKey({ actor, roles: ['OPS'] })).text;
    people = { ann: await person('ann'), ben: await person('ben') };
  });
  afterAll(() => service.close());

  const seen = async (taskId: string): Promise<Shown> =>
    (await service.call(people.ann, `/reviews/${taskId}`)).json<Shown>();
  const decide = async (who: 'ann' | 'ben', taskId: string, asked: Record<string, unknown>) => {
    expect((await service.call(people[who], `/reviews/${taskId}/claim`, {})).statusCode).toBe(200);
    const { reviewedHash, reviewedRevision } = await seen(taskId);
    const route = 'resolution' in asked ? 'decide' : 'outcome';
    const body = { reviewedHash, reviewedRevision, ...asked };
    return service.call(people[who], `/reviews/${taskId}/${route}`, body);
  };
  const become = (taskId: string, status: string): Promise<Shown> =>
    until(`${taskId} is ${status}`, async () => {
      const now = await seen(taskId);
      return now.status === status ? now : null;
    });

  it('is whole, folds, and gives every verdict again to the byte', () => {
    const streams = Map.groupBy(log.events, ({ stream }) => stream);
    for (const events of streams.values())
      expect(verifyChain(events.map((event) => ({ ...event, position: 0n })))).toEqual([]);
    const cases = Map.groupBy(decoded, ({ stream }) => stream);
    for (const [stream, events] of cases) {
      const caseId = caseIdOfStream(stream);
      if (caseId !== null) fold(emptyCase(caseId), events as Recorded<CaseEvent>[]);
    }
    let verdicts = 0;
    for (const { type, data } of decoded) {
      if (type !== 'GuardrailEvaluated') continue;
      verdicts += 1;
      const { facts, evaluator, verdict, guardrails } = data;
      expect(evaluator).not.toBe(EVALUATOR_VERSION);
      const again = evaluateGuardrails(policyOf(data.policyHash, data.playbookHash), facts, [], evaluator);
      expect(canonicalJson(again)).toBe(canonicalJson({ verdict, guardrails }));
    }
    expect(verdicts).toBeGreaterThan(5);
  });

  function policyOf(policyHash: string, playbookHash: string) {
    const source = (hash: string): string => {
      const found = decoded.find(({ data }) => 'hash' in data && data.hash === hash);
      return found && 'source' in found.data ? found.data.source : '';
    };
    return parsePolicy(source(policyHash), 'policy', parsePlaybook(source(playbookHash), 'playbook'));
  }

  it('has reviews in the queue', async () => {
    const listed = (await service.call(people.ann, '/reviews')).json<{ reviews: { taskId: string }[] }>();
    expect(listed.reviews.map(({ taskId }) => taskId).sort()).toEqual(Object.values(log.reviews).sort());
    expect(await seen(log.reviews.uncertain)).toMatchObject({
      description: 'Partner API failed again with timeout, please retry for policy 4711',
      case: { personalAttributes: { holder: 'Zoë Ötker' } },
      notes: [{ text: 'the holder has called twice' }],
    });
  });

  it('an approval is executed', async () => {
    const asked = { resolution: 'APPROVED', reasonCode: 'CONFIRMED', overrides: ['confidence'] };
    expect((await decide('ann', log.reviews.uncertain, asked)).statusCode).toBe(200);
    expect((await become(log.reviews.uncertain, 'COMPLETED')).attempts).toHaveLength(1);
  });

  it('two persons approve what is risky', async () => {
    const asked = { resolution: 'APPROVED', reasonCode: 'CONFIRMED', overrides: ['risk'] };
    expect((await decide('ann', log.reviews.risky, asked)).json()).toMatchObject({ awaitsSecond: true });
    expect((await decide('ben', log.reviews.risky, asked)).statusCode).toBe(200);
    await become(log.reviews.risky, 'COMPLETED');
  });

  it('what has failed is tried again as the same action', async () => {
    const before = await seen(log.reviews.failed);
    const asked = { resolution: 'APPROVED', reasonCode: 'CONFIRMED' };
    expect((await decide('ben', log.reviews.failed, asked)).statusCode).toBe(200);
    const { attempts } = await become(log.reviews.failed, 'COMPLETED');
    expect(attempts.map(({ result }) => result)).toEqual(['FAILED', 'SUCCEEDED']);
    expect(attempts[1]?.actionId).toBe(before.attempts[0]?.actionId);
  });

  it('what is unknown is resolved', async () => {
    const asked = { attempt: 1, result: 'SUCCEEDED', reasonCode: 'CHECKED_WITH_BACKEND' };
    expect((await decide('ann', log.reviews.unknown, asked)).json()).toMatchObject({ status: 'COMPLETED' });
  });

  it('a person puts an action in the place of a fallback', async () => {
    const action = { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'CORE_SYSTEM' };
    const asked = { resolution: 'EDITED', reasonCode: 'CORRECTED', action };
    expect((await decide('ann', log.reviews.fallback, asked)).json()).toMatchObject({ status: 'EXECUTING' });
    await become(log.reviews.fallback, 'COMPLETED');
  });
});
