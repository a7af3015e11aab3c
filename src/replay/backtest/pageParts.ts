import { type Html, html, NO_HTML } from '../../html.ts';
import { bar, bucketed, columns, key, type Tone } from './plots.ts';
import type { BacktestReport, Fate, Flip, JudgedVerdicts, Score } from './report.ts';
import { shareOf, totalsOf } from './shares.ts';

const MOST_SHOWN = 200;

/** The guardrails that are the cause of flips in one direction, the most frequent first. */
export function rulesOf(
  { rules }: JudgedVerdicts,
  count: 'noLongerFails' | 'newlyFails',
  title: string,
): Html {
  const rows = rules.filter((row) => row[count] > 0).sort((a, b) => b[count] - a[count]);
  if (rows.length === 0) return NO_HTML;
  const most = Math.max(...rows.map((row) => row[count]));
  const tone = count === 'noLongerFails' ? 'danger' : 'person';
  return html`<table class="counts"><caption>${title}</caption>
<thead><tr><th scope="col">Guardrail</th><th scope="col" class="n">Verdicts</th><th scope="col" class="n">By it alone</th></tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr><th scope="row">${row.rule}${bar([{ tone, value: row[count] }], most)}<small>${row.message ?? 'not in the candidate'}</small></th><td class="n">${row[count]}</td><td class="n">${row[`${count}Alone`]}</td></tr>`,
)}
</tbody></table>`;
}

type FateRow = { readonly fate: Fate; readonly tone: Tone; readonly what: string };

const EXECUTED_FATES: readonly FateRow[] = [
  { fate: 'FAILED', tone: 'bad', what: 'The backend failed' },
  { fate: 'UNKNOWN', tone: 'unknown', what: 'The backend left it unknown' },
  { fate: 'REJECTED', tone: 'danger', what: 'A person rejected it' },
  { fate: 'EDITED', tone: 'person', what: 'A person had another action executed' },
  { fate: 'SUCCEEDED', tone: 'good', what: 'It succeeded' },
  { fate: 'APPROVED', tone: 'waiting', what: 'Approved, without a result yet' },
  { fate: 'CANCELLED', tone: 'plain', what: 'Cancelled' },
  { fate: 'NOTHING_KNOWN', tone: 'pale', what: 'Nothing is known yet' },
];
const ROUTED_FATES: readonly FateRow[] = [
  { fate: 'SUCCEEDED', tone: 'good', what: 'Had succeeded: now delayed' },
  { fate: 'FAILED', tone: 'bad', what: 'Had failed: now caught' },
  { fate: 'UNKNOWN', tone: 'unknown', what: 'Was left unknown: now caught' },
  { fate: 'CANCELLED', tone: 'plain', what: 'Cancelled' },
  { fate: 'NOTHING_KNOWN', tone: 'pale', what: 'Nothing is known' },
];

/** What became of the tasks that would newly be executed. */
export function executedOf({ newlyExecuted: score, selectionBias }: BacktestReport): Html {
  if (score.tasks === 0) return NO_HTML;
  const { notDone, withResult, unknownFate } = totalsOf(score);
  return html`<h3>What happened to these ${score.tasks} tasks</h3>
<p>Under the policies and persons of then. The backend failed or left it unknown for ${shareOf(notDone, withResult)} with a result; a person approved ${score.approved}, rejected ${score.rejected} and had another action executed for ${score.edited}; no result is known of ${shareOf(unknownFate, score.tasks)}.</p>
${fatesOf(score, EXECUTED_FATES)}
<div class="card note"><p>${selectionBias[0] ?? ''}</p></div>`;
}

/** What became of the tasks that would newly go to a person. */
export function routedOf(score: Score): Html {
  if (score.tasks === 0) return NO_HTML;
  const { notDone, withResult } = totalsOf(score);
  return html`<h3>What happened to these ${score.tasks} tasks</h3>
<p>Executed without a person, ${score.fates.SUCCEEDED} had succeeded, ${score.succeededAfterFailure} of them only after an attempt that had not, and would now wait; ${shareOf(notDone, withResult)} with a result had failed or were left unknown, and would now be caught.</p>
${fatesOf(score, ROUTED_FATES)}`;
}

const fatesOf = (score: Score, rows: readonly FateRow[]): Html => html`<div class="card">
${bar(
  rows.map(({ fate, tone }) => ({ tone, value: score.fates[fate] })),
  score.tasks,
  'stack',
)}
<table><tbody>
${rows.map(
  ({ fate, tone, what }) =>
    html`<tr${score.fates[fate] === 0 ? html` class="none"` : NO_HTML}><th scope="row">${key(tone)}${what}</th><td class="n">${shareOf(score.fates[fate], score.tasks)}</td></tr>`,
)}
</tbody></table>
${score.simulated > 0 ? html`<p class="fine">${shareOf(score.simulated, score.tasks)} had a backend that only simulates.</p>` : NO_HTML}
</div>`;

/** Flips over time, as a plot and as a table. */
export function daysOf({ days, policy }: BacktestReport): Html {
  if (policy.toExecute + policy.toManual === 0) return NO_HTML;
  const rows = bucketed(days);
  const [first, last] = [rows[0]?.day ?? '', rows.at(-1)?.day ?? ''];
  const most = Math.max(...rows.flatMap(({ toExecute, toManual }) => [toExecute, toManual]));
  const label = `Flips from ${first} to ${last}: upwards newly executed, downwards newly given to a person, ${most} at most. The table behind it has the numbers.`;
  return html`<section aria-labelledby="days">
<h2 id="days">When</h2>
<p>Upwards: newly executed. Downwards: newly given to a person. The longest column is ${most}.</p>
<div class="card">
${columns(rows, label)}
<p class="axis"><span>${first}</span><span>${last}</span></p>
<details><summary>As a table</summary><div class="wide"><table>
<thead><tr><th scope="col">Recorded</th><th scope="col" class="n">Judged</th><th scope="col" class="n">Newly executed</th><th scope="col" class="n">To a person</th></tr></thead>
<tbody>
${rows.map((row) => html`<tr><th scope="row">${row.day}</th><td class="n">${row.judged}</td><td class="n">${row.toExecute}</td><td class="n">${row.toManual}</td></tr>`)}
</tbody></table></div></details>
</div>
</section>`;
}

/** Every intent that was judged, the most dangerous first. */
export function intentsOf({ intents }: JudgedVerdicts): Html {
  if (intents.length === 0) return NO_HTML;
  return html`<section aria-labelledby="intents">
<h2 id="intents">By intent</h2>
<table class="counts">
<thead><tr><th scope="col">Intent</th><th scope="col" class="n">Judged</th><th scope="col" class="n">${key('danger')}Newly executed</th><th scope="col" class="n">${key('person')}To a person</th></tr></thead>
<tbody>
${intents.map(
  ({ intent, judged, toExecute, toManual }) =>
    html`<tr><th scope="row">${intent}${bar(
      [
        { tone: 'danger', value: toExecute },
        { tone: 'person', value: toManual },
        { tone: 'pale', value: judged - toExecute - toManual },
      ],
      judged,
    )}</th><td class="n">${judged}</td><td class="n">${toExecute}</td><td class="n">${toManual}</td></tr>`,
)}
</tbody></table>
</section>`;
}

/** The first of the verdicts that flip in one direction. */
export function casesOf(flips: readonly Flip[], count: number): Html {
  if (count === 0) return NO_HTML;
  const shown = flips.slice(0, MOST_SHOWN);
  return html`<details><summary>${shown.length === count ? `All ${count} verdicts` : `The first ${shown.length} of ${count} verdicts`}</summary>
<div class="wide"><table>
<thead><tr><th scope="col">Case</th><th scope="col" class="n">Revision</th><th scope="col">Because of</th><th scope="col">What became of it</th><th scope="col">Task</th></tr></thead>
<tbody>
${shown.map(
  ({ caseId, revision, rules, fate, taskId, attempt, recordedAt }) =>
    html`<tr><th scope="row">${caseId}<small>${recordedAt}</small></th><td class="n">${revision}</td><td>${rules.join(', ')}</td><td>${fate ?? 'not followed'}</td><td><code>${taskId}</code><small>attempt ${attempt}</small></td></tr>`,
)}
</tbody></table></div></details>`;
}

/** What is in no number, and why. */
export function notJudgedOf({ notJudged, outcomesNotRead }: BacktestReport): Html {
  if (notJudged.length === 0 && outcomesNotRead === 0) return NO_HTML;
  return html`<section aria-labelledby="not-judged">
<h2 id="not-judged">Not judged</h2>
<p>These verdicts are in no number above; nothing was filled in for them.</p>
<table>
<thead><tr><th scope="col">Reason</th><th scope="col" class="n">Verdicts</th><th scope="col">Such as</th></tr></thead>
<tbody>
${notJudged.map(
  ({ reason, detail, count, examples: [first] }) =>
    html`<tr><th scope="row">${reason}<small>${detail}</small></th><td class="n">${count}</td><td>${first ? `case ${first.caseId} revision ${first.revision}` : ''}</td></tr>`,
)}
</tbody></table>
${outcomesNotRead > 0 ? html`<p>${outcomesNotRead} events about outcomes could not be read.</p>` : NO_HTML}
</section>`;
}
