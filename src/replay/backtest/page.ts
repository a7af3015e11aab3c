import { documentHead, type Html, html, NO_HTML } from '../../html.ts';
import { casesOf, daysOf, executedOf, intentsOf, notJudgedOf, routedOf, rulesOf } from './pageParts.ts';
import { bar, key, PATTERNS } from './plots.ts';
import type { BacktestReport } from './report.ts';
import { shareOf } from './shares.ts';
import { CSS } from './style.ts';

/** A report as one HTML file: no script, nothing loaded, everything that came from a log or a policy escaped. */
export const pageOf = (report: BacktestReport): string =>
  html`${documentHead(`Backtest: ${report.candidate.name} ${report.candidate.version}`, CSS)}
<body>
${PATTERNS}
<main>
${headOf(report)}
<section aria-labelledby="executed">
<h2 id="executed">Newly executed without a person</h2>
${report.policy.toExecute === 0 ? html`<p>Nothing: no verdict becomes EXECUTE.</p>` : NO_HTML}
${rulesOf(report.policy, 'noLongerFails', 'Guardrails that no longer stand in the way')}
${executedOf(report)}
${casesOf(report.policy.flipsToExecute, report.policy.toExecute)}
</section>
<section aria-labelledby="routed">
<h2 id="routed">Newly given to a person</h2>
${report.policy.toManual === 0 ? html`<p>Nothing: no verdict becomes ROUTE_TO_MANUAL.</p>` : NO_HTML}
${rulesOf(report.policy, 'newlyFails', 'Guardrails that newly stand in the way')}
${routedOf(report.newlyRouted)}
${casesOf(report.policy.flipsToManual, report.policy.toManual)}
</section>
${daysOf(report)}
${intentsOf(report.policy)}
${reviewersOf(report)}
${notJudgedOf(report)}
${limitsOf(report)}
</main>
</body>
</html>
`.html;

function headOf(report: BacktestReport): Html {
  const { candidate, playbook, policy, newlyExecuted, newlyRouted, notJudged } = report;
  const left = notJudged.reduce((sum, { count }) => sum + count, 0);
  return html`<header>
<p class="kicker">Backtest</p>
<h1>What ${candidate.name} ${candidate.version} would have done</h1>
<p>Every verdict in the log, judged again under the candidate from the facts that were recorded with it. Nothing was executed.</p>
<ul class="figures">
<li class="danger"><strong>${policy.toExecute}</strong><span>newly executed without a person (${newlyExecuted.tasks} tasks)</span></li>
<li class="person"><strong>${policy.toManual}</strong><span>newly given to a person (${newlyRouted.tasks} tasks)</span></li>
<li><strong>${policy.judged - policy.toExecute - policy.toManual}</strong><span>unchanged, of ${policy.judged} verdicts of the policy</span></li>
<li><strong>${left}</strong><span>could not be judged</span></li>
</ul>
${overviewOf(report)}
<dl>
<dt>Candidate</dt><dd><code>${candidate.hash}</code></dd>
<dt>Playbook</dt><dd>${playbook ? html`${playbook.name} ${playbook.version}, <code>${playbook.hash}</code>, for every verdict` : 'of each verdict, from the log'}</dd>
<dt>Log</dt><dd><code>${report.logId ?? 'without a name'}</code>, up to position ${report.upTo ?? 'none: it is empty'}</dd>
<dt>Recorded</dt><dd>${report.since === null ? 'from the beginning' : `since ${report.since}`}, ${report.until === null ? 'to the end' : `until ${report.until}`}</dd>
<dt>Made</dt><dd>${report.finishedAt}, in ${(report.durationMs / 1_000).toFixed(1)} s</dd>
</dl>
</header>`;
}

function overviewOf({ policy }: BacktestReport): Html {
  const { recorded, toExecute, toManual, judged } = policy;
  const rows = [
    { tone: 'danger', what: 'Newly executed', value: toExecute },
    { tone: 'person', what: 'Newly given to a person', value: toManual },
    { tone: 'plain', what: 'Executed, as before', value: recorded.EXECUTE - toManual },
    { tone: 'pale', what: 'With a person, as before', value: recorded.ROUTE_TO_MANUAL - toExecute },
  ] as const;
  return html`<div class="card">
${bar(rows, judged, 'stack')}
<table><caption>The policy's own verdicts</caption><tbody>
${rows.map(({ tone, what, value }) => html`<tr><th scope="row">${key(tone)}${what}</th><td class="n">${shareOf(value, judged)}</td></tr>`)}
</tbody></table>
</div>`;
}

function reviewersOf({ reviewers }: BacktestReport): Html {
  if (reviewers.judged === 0) return NO_HTML;
  return html`<section aria-labelledby="reviewers">
<h2 id="reviewers">Verdicts in the name of a reviewer</h2>
<p>${reviewers.judged} judged, with what each reviewer overrode: ${reviewers.toExecute} would newly be executed, ${reviewers.toManual} would no longer be allowed. They are in no other number on this page.</p>
${rulesOf(reviewers, 'noLongerFails', 'Guardrails that no longer stand in the way')}
${rulesOf(reviewers, 'newlyFails', 'Guardrails that newly stand in the way')}
${casesOf(reviewers.flipsToExecute, reviewers.toExecute)}
${casesOf(reviewers.flipsToManual, reviewers.toManual)}
</section>`;
}

const limitsOf = ({ selectionBias }: BacktestReport): Html => html`<section aria-labelledby="limits">
<h2 id="limits">What this page cannot say</h2>
<div class="card note"><ul>
${selectionBias.map((line) => html`<li>${line}</li>`)}
<li>Verdicts are counted one by one. A task with several of them (a retry) counts once, by its first flip.</li>
</ul></div>
</section>`;
