import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/domain/policy.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { backtestLog } from '../../src/replay/backtest/backtestLog.ts';
import { pageOf } from '../../src/replay/backtest/page.ts';
import { bucketed } from '../../src/replay/backtest/plots.ts';
import type { BacktestReport } from '../../src/replay/backtest/report.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { configText, playbook } from '../support/builders.ts';
import { variedHistory } from './variedHistory.ts';

const NASTY = `<script>alert("1")</script> & 'more'`;
const ESCAPED = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;more&#39;';

async function report(): Promise<BacktestReport> {
  const { store } = (await variedHistory(60)).outside;
  const source = configText('policy.yaml')
    .replace('minConfidence: 0.80\n  maxRiskScore: 0.30', 'minConfidence: 0.60\n  maxRiskScore: 0.20')
    .replace('message: The recommendation carries too much risk.', `message: ${JSON.stringify(NASTY)}`)
    .replace('name: default', `name: ${JSON.stringify(NASTY)}`);
  return backtestLog(
    { store, codec, logId: null, clock: systemClock },
    { candidate: parsePolicy(source, 'candidate', playbook), playbook: null, since: null, until: null },
    () => {},
  );
}

describe('the page of a backtest', async () => {
  const made = await report();
  const page = pageOf({
    ...made,
    notJudged: [{ reason: 'UNREADABLE', detail: NASTY, count: 1, examples: [] }],
  });

  it('escapes what policies and logs say', () => {
    expect(page).not.toContain('<script');
    expect(page.split(ESCAPED).length - 1).toBeGreaterThanOrEqual(4);
  });

  it('holds no script and loads nothing, which its own policy forbids too', () => {
    expect(page).not.toMatch(/ on\w+=| src=| href=|@import|url\((?!#)| style=/);
    const [, css = ''] = /<style>(.*)<\/style>/s.exec(page) ?? [];
    const hash = createHash('sha256').update(css, 'utf8').digest('base64');
    expect(page).toContain(`content="default-src 'none'; style-src 'sha256-${hash}'"`);
  });

  it('says in words what its plots show', () => {
    for (const [, attributes = ''] of page.matchAll(/<svg([^>]*)>/g)) {
      expect(attributes).toMatch(/aria-hidden="true"|role="img" aria-label="[^"]{20,}"/);
    }
    expect(page).toContain(`<strong>${made.policy.toExecute}</strong>`);
    expect(page).toContain('People approve what looks right to them');
  });

  it('makes as many columns as can be told apart', () => {
    const days = Array.from({ length: 400 }, (_, n) => ({
      day: new Date(Date.UTC(2025, 0, 1 + n)).toISOString().slice(0, 10),
      judged: 2,
      toExecute: 1,
      toManual: 0,
    }));
    expect(bucketed(days.slice(0, 62)).length).toBe(62);
    const months = bucketed(days);
    expect([months.length, months[0]]).toEqual([
      14,
      { day: '2025-01', judged: 62, toExecute: 31, toManual: 0 },
    ]);
  });
});
