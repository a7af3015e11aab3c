import { beforeAll, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/domain/policy.ts';
import { codec } from '../../src/eventstore/codec.ts';
import type { EventStore } from '../../src/eventstore/port.ts';
import { type Backtest, backtestLog } from '../../src/replay/backtest/backtestLog.ts';
import { type BacktestReport, backtestReport, type Fate } from '../../src/replay/backtest/report.ts';
import { linesOf } from '../../src/replay/backtest/told.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { LOG_ID } from '../projections/support.ts';
import { configText, playbook } from '../support/builders.ts';
import { comparable, slowBacktest } from './slowBacktest.ts';
import { variedHistory } from './variedHistory.ts';

const CASES = 300;
const caseIds = Array.from({ length: CASES }, (_, index) => `case${index + 1}`);
let store: EventStore;

beforeAll(async () => {
  store = (await variedHistory(CASES)).outside.store;
});

const POLICY = configText('policy.yaml');

/** The default policy with one text put in the place of another. */
function changed(from: string, to: string): string {
  if (!POLICY.includes(from)) throw new Error(`the default policy has no ${from}`);
  return POLICY.replace(from, to);
}

const rule = (name: string, expression: string): string =>
  changed(
    'guardrails:\n',
    `guardrails:\n  - { name: ${name}, code: ADDED, expression: '${expression}', message: Added., overridable: true }\n`,
  );

const CANDIDATES = {
  same: POLICY,
  renamed: changed('name: risk\n', 'name: hazard\n'),
  stricter: changed('minConfidence: 0.80', 'minConfidence: 0.90'),
  looser: changed('minConfidence: 0.80', 'minConfidence: 0.60'),
  riskier: changed('maxRiskScore: 0.30', 'maxRiskScore: 0.50'),
  both: changed('minConfidence: 0.80\n  maxRiskScore: 0.30', 'minConfidence: 0.75\n  maxRiskScore: 0.20'),
  removed: POLICY.replace(/ {2}- name: confidence\n( {4}.*\n)+/, ''),
  error: rule('no-validation', 'case.lastErrorType != "VALIDATION"'),
  priority: rule('not-critical', 'case.priority != "CRITICAL"'),
  attempts: changed('maxAttempts: 3', 'maxAttempts: 1'),
  nobody: changed('roles: [OPS, SUPERVISOR]\n    routes', 'roles: [SUPERVISOR]\n    routes'),
} as const;

const backtest = (source: string, asked: Partial<Backtest> = {}): Promise<BacktestReport> =>
  backtestLog(
    { store, codec, logId: LOG_ID, clock: systemClock },
    {
      candidate: parsePolicy(source, 'candidate', playbook),
      playbook: null,
      since: null,
      until: null,
      ...asked,
    },
    () => {},
  );

describe('a backtest', () => {
  it.each(Object.entries(CANDIDATES))('counts what a slow one counts: %s', async (_, source) => {
    const report = await backtest(source);
    expect(backtestReport.parse(report)).toEqual(report);
    expect(comparable(report)).toEqual(await slowBacktest(store, caseIds, source));
  });

  it('has a history in which everything comes up', async () => {
    const reports = await Promise.all(
      [CANDIDATES.looser, CANDIDATES.riskier, CANDIDATES.nobody].map((c) => backtest(c)),
    );
    const seen = (key: 'newlyExecuted' | 'newlyRouted', fates: readonly Fate[]): Fate[] =>
      fates.filter((fate) => reports.some((report) => report[key].fates[fate] > 0));
    const executed = ['SUCCEEDED', 'FAILED', 'UNKNOWN', 'REJECTED', 'NOTHING_KNOWN'] as const;
    expect(seen('newlyExecuted', executed)).toEqual(executed);
    const routed = ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const;
    expect(seen('newlyRouted', routed)).toEqual(routed);
    expect(reports[0]?.reviewers.judged).toBeGreaterThan(10);
  });

  it('flips nothing under the same policy, nor where a rule of it has another name', async () => {
    for (const source of [CANDIDATES.same, CANDIDATES.renamed]) {
      const { policy, verdicts, notJudged } = await backtest(source);
      expect(policy).toMatchObject({ toExecute: 0, toManual: 0, rules: [] });
      expect(policy.judged).toBeGreaterThan(CASES);
      expect([verdicts, notJudged]).toEqual([policy.judged + (await reviewersOf(source)), []]);
    }
  });

  it('tells under a looser policy what it would newly execute, and why', async () => {
    const { policy, newlyExecuted, newlyRouted } = await backtest(CANDIDATES.looser);
    expect(policy.toExecute).toBeGreaterThan(20);
    expect(policy.toManual).toBe(0);
    expect(policy.rules).toEqual([
      {
        rule: 'confidence',
        message: 'The recommendation is not certain enough.',
        noLongerFails: policy.toExecute,
        noLongerFailsAlone: policy.toExecute,
        newlyFails: 0,
        newlyFailsAlone: 0,
      },
    ]);
    expect(policy.flipsToExecute.length).toBe(policy.toExecute);
    expect(newlyExecuted.tasks).toBe(policy.toExecute);
    expect(Object.values(newlyExecuted.fates).reduce((sum, count) => sum + count)).toBe(newlyExecuted.tasks);
    expect(newlyRouted.tasks).toBe(0);
  });

  it('counts a task with several flips once, by the first', async () => {
    const { policy, newlyRouted } = await backtest(CANDIDATES.stricter);
    expect(newlyRouted.tasks).toBeLessThan(policy.toManual);
    expect(newlyRouted.tasks).toBe(new Set(policy.flipsToManual.map(({ taskId }) => taskId)).size);
    expect(policy.flipsToManual.filter(({ fate }) => fate !== null).length).toBe(newlyRouted.tasks);
  });

  it('says the same where its memory is too small to follow all tasks', async () => {
    for (const source of [CANDIDATES.looser, CANDIDATES.stricter]) {
      const enough = withoutTimes(await backtest(source));
      for (const mostFollowed of [0, 7])
        expect(withoutTimes(await backtest(source, { mostFollowed }))).toEqual(enough);
    }
  });

  it('looks at the cases and the time that it is asked for', async () => {
    const isWanted = (caseId: string): boolean => caseId.endsWith('7');
    const some = await backtest(CANDIDATES.looser, { isWanted });
    const slow = await slowBacktest(store, caseIds.filter(isWanted), CANDIDATES.looser);
    expect(comparable(some)).toEqual(slow);
    const { days, policy } = await backtest(CANDIDATES.looser);
    const third = `${days[3]?.day}T00:00:00.000Z`;
    const [before, after] = [
      await backtest(CANDIDATES.looser, { until: third }),
      await backtest(CANDIDATES.looser, { since: third }),
    ];
    expect(before.policy.judged).toBe(days.slice(0, 3).reduce((sum, { judged }) => sum + judged, 0));
    expect(before.policy.judged + after.policy.judged).toBe(policy.judged);
    expect(before.policy.toExecute + after.policy.toExecute).toBe(policy.toExecute);
  });

  it('says what is dangerous before anything else, and what it cannot say', async () => {
    const lines = linesOf(await backtest(CANDIDATES.looser)).join('\n');
    expect(lines.indexOf('NEWLY EXECUTED')).toBeLessThan(lines.indexOf('newly given to a person'));
    expect(lines).toMatch(/confidence: \d+ verdicts/);
    expect(lines).toContain('People approve what looks right to them');
  });
});

const reviewersOf = async (source: string): Promise<number> => (await backtest(source)).reviewers.judged;

const withoutTimes = (report: BacktestReport) => ({
  ...report,
  startedAt: null,
  finishedAt: null,
  durationMs: 0,
  verdictsPerMinute: 0,
});
