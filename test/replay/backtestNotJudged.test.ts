import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GuardrailEvaluated } from '../../src/domain/events.ts';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { type Policy, parsePolicy } from '../../src/domain/policy.ts';
import { codec } from '../../src/eventstore/codec.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { backtestLog } from '../../src/replay/backtest/backtestLog.ts';
import { createJudges } from '../../src/replay/backtest/candidate.ts';
import { NEWEST_VERSION, readVerdict } from '../../src/replay/backtest/recordedVerdict.ts';
import type { BacktestReport } from '../../src/replay/backtest/report.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { configText, facts, playbook, policy } from '../support/builders.ts';
import { eventsOf, history } from './history.ts';
import { changed, goldenLog, storeOf } from './support.ts';

let log: readonly ReadEvent[];
beforeAll(async () => {
  log = await history();
});

const reading = (events: readonly ReadEvent[]) => ({
  ...storeOf(events),
  readTypes: async (types: readonly string[], after: bigint | null, limit: number) => {
    const looked = await storeOf(events).readAll(after, limit);
    return {
      events: looked.filter(({ type }) => types.includes(type)),
      reached: looked.at(-1)?.position ?? null,
    };
  },
});

const backtest = (events: readonly ReadEvent[], candidate: Policy = policy): Promise<BacktestReport> =>
  backtestLog(
    { store: reading(events), codec, logId: null, clock: systemClock },
    { candidate, playbook: null, since: null, until: null },
    () => {},
  );

const verdicts = (events: readonly ReadEvent[]): ReadEvent[] =>
  events.filter(({ type }) => type === 'GuardrailEvaluated');

/** Reasons and how often, with what was judged. */
const told = ({ policy: own, reviewers, notJudged }: BacktestReport) => ({
  judged: own.judged + reviewers.judged,
  notJudged: notJudged.map(
    ({ reason, detail, count }) => `${count} ${reason} ${detail.replace(/[0-9a-f]{64}/, 'HASH')}`,
  ),
});

/** The log with another text for the verdict of one case. */
function with_(caseId: string, change: (event: ReadEvent) => ReadEvent): ReadEvent[] {
  const [verdict] = verdicts(eventsOf(log, caseId));
  if (!verdict) throw new Error('no verdict');
  return log.map((event) => (event === verdict ? change(event) : event));
}

describe('a verdict is not judged, and told', () => {
  it('where a fact was not recorded that the candidate reads: the version before reviewers and pauses', async () => {
    const old = goldenLog('v0.1.0');
    const { judged, notJudged } = told(await backtest(old));
    expect([judged, notJudged]).toEqual([0, [`${verdicts(old).length} FACT_NOT_RECORDED automation.paused`]]);
  });

  it.each([
    ['signals', 'severalRequests'],
    ['case', 'priority'],
  ])('only where the candidate reads %s.%s', async (group, field) => {
    const log = with_('executed', (event) => {
      const { facts: recorded } = JSON.parse(event.data);
      delete recorded[group][field];
      return changed(event, { data: { facts: recorded } });
    });
    const all = verdicts(log).length;
    const isRead = field === 'severalRequests';
    expect(told(await backtest(log))).toEqual({
      judged: isRead ? all - 1 : all,
      notJudged: isRead ? ['1 FACT_NOT_RECORDED signals.severalRequests'] : [],
    });
  });

  it('where its playbook is not in the log, or is another one than its hash says', async () => {
    const all = verdicts(log).length;
    const isPlaybook = ({ type }: ReadEvent) => type === 'PlaybookRegistered';
    expect(told(await backtest(log.filter((event) => !isPlaybook(event))))).toEqual({
      judged: 0,
      notJudged: [`${all} PLAYBOOK_MISSING HASH`],
    });
    const other = log.map((event) =>
      isPlaybook(event) ? changed(event, { data: { source: `${playbook.source}\n# changed` } }) : event,
    );
    expect(told(await backtest(other)).notJudged).toEqual([`${all} PLAYBOOK_UNREADABLE HASH`]);
  });

  it('where the candidate cannot be used with the playbook of then', async () => {
    const newer = parsePlaybook(playbook.source.replaceAll('RETRY_EXTERNAL_CALL:', 'RETRY_LATER:'), 'newer');
    const candidate = parsePolicy(
      configText('policy.yaml').replaceAll('RETRY_EXTERNAL_CALL', 'RETRY_LATER'),
      'candidate',
      newer,
    );
    const { judged, notJudged } = told(await backtest(log, candidate));
    expect(judged).toBe(0);
    expect(notJudged[0]).toContain('CANDIDATE_DOES_NOT_FIT playbook HASH: candidate:');
  });

  it('where a later version has written it, or it cannot be read', async () => {
    const all = verdicts(log).length;
    const later = with_('executed', (event) =>
      changed(event, { metadata: { schemaVersion: NEWEST_VERSION + 1 } }),
    );
    expect(told(await backtest(later))).toEqual({
      judged: all - 1,
      notJudged: [`1 EVENT_OF_LATER_CODE version ${NEWEST_VERSION + 1} is newer than ${NEWEST_VERSION}`],
    });
    for (const change of [
      { verdict: 'PERHAPS' },
      { taskId: 7 },
      { facts: null },
      { authority: { kind: 'nobody' } },
    ]) {
      const broken = with_('executed', (event) => changed(event, { data: change }));
      expect(told(await backtest(broken))).toEqual({
        judged: all - 1,
        notJudged: ['1 UNREADABLE it does not keep its schema'],
      });
    }
  });

  it('with the cases, at most twenty of them', async () => {
    const { notJudged } = await backtest(goldenLog('v0.1.0'));
    const [first] = verdicts(goldenLog('v0.1.0'));
    expect(notJudged[0]?.examples[0]).toEqual({ caseId: first?.stream.slice(5), revision: first?.revision });
    expect(notJudged[0]?.examples.length).toBeLessThanOrEqual(20);
  });
});

describe('the narrow reader', () => {
  it('reads of every verdict what the codec reads', () => {
    for (const event of verdicts(log)) {
      const read = readVerdict(event);
      if (read.kind !== 'verdict') throw new Error(read.problem);
      const { data, metadata } = codec.decode(event) as ReturnType<typeof codec.decode> & GuardrailEvaluated;
      const { verdict } = read;
      expect({ ...verdict, rules: verdict.rules() }).toMatchObject({
        taskId: data.taskId,
        verdict: data.verdict,
        attempt: data.attempt,
        playbookHash: data.playbookHash,
        facts: data.facts,
        unrecorded: [],
        recordedAt: metadata.recordedAt,
        isReviewers: data.authority.kind === 'reviewer',
        overrides: data.authority.kind === 'reviewer' ? data.authority.overrides : [],
        rules: data.guardrails,
      });
    }
  });

  it('knows the newest version that is written', () => {
    const [verdict] = verdicts(log);
    const { schemaVersion } = JSON.parse(verdict?.metadata ?? '{}');
    expect(schemaVersion).toBeLessThanOrEqual(NEWEST_VERSION);
    expect(
      codec.encode({ type: 'GuardrailEvaluated', data: JSON.parse(verdict?.data ?? '{}') }).schemaVersion,
    ).toBeLessThanOrEqual(NEWEST_VERSION);
  });

  it('is not misled by what people write: names and roles that look like the text of a verdict', () => {
    const hostile = ',"guardrails":[],"playbookHash":"","shadow":{},"taskId":"x","recordedAt":"y"';
    const [event] = verdicts(log);
    if (!event) throw new Error('no verdict');
    const { facts: recorded } = JSON.parse(event.data);
    const authority = { kind: 'reviewer', reviewer: hostile, overrides: [hostile] };
    const actor = { kind: 'person', id: hostile, roles: [hostile], authMethod: 'oidc' };
    const read = readVerdict(
      changed(event, {
        data: {
          authority,
          facts: { ...recorded, task: { ...recorded.task, channel: hostile } },
          policyVersion: hostile,
        },
        metadata: { actor, traceparent: hostile },
      }),
    );
    if (read.kind !== 'verdict') throw new Error(read.problem);
    expect(read.verdict.overrides).toEqual([hostile]);
    expect(read.verdict.facts.task.channel).toBe(hostile);
    expect(read.verdict.taskId).toBe(JSON.parse(event.data).taskId);
    expect(read.verdict.rules()).toEqual(JSON.parse(event.data).guardrails);
  });
});

it('judges as the guardrails do, with what a reviewer overrides', async () => {
  const [event] = verdicts(log);
  if (!event) throw new Error('no verdict');
  const read = readVerdict(event);
  if (read.kind !== 'verdict') throw new Error(read.problem);
  const judge = await createJudges(storeOf(log), codec, policy, null)(playbook.hash);
  const names = policy.guardrails.map(({ name }) => name);
  fc.assert(
    fc.property(
      fc.record({
        confidence: fc.constantFrom(0, 0.79, 0.8, 1),
        riskScore: fc.constantFrom(0, 0.3, 0.31, 1),
        routeTarget: fc.constantFrom('PARTNER_API', 'ELSEWHERE'),
        state: fc.constantFrom('OPEN', 'CLOSED'),
        retryCount: fc.constantFrom(0, 2, 3),
        attempt: fc.constantFrom(1, 3, 4),
        paused: fc.boolean(),
        negated: fc.boolean(),
        overrides: fc.subarray(names),
      }),
      ({ confidence, riskScore, routeTarget, state, retryCount, attempt, paused, negated, overrides }) => {
        const all = facts({
          decision: { confidence, riskScore, routeTarget },
          case: { state: state as 'OPEN', retryCount },
          task: { attempt },
          signals: { negated },
          automation: { paused },
        });
        const judged = judge({ ...read.verdict, facts: all, overrides });
        const { verdict, guardrails } = evaluateGuardrails(policy, all, overrides);
        const blocking = guardrails.filter(
          ({ name, passed, overridable }) => !passed && !(overridable && overrides.includes(name)),
        );
        expect(judged).toEqual({ kind: 'judged', verdict, blocking: blocking.map(({ name }) => name) });
      },
    ),
  );
});
