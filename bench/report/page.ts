import { createHash } from 'node:crypto';
import { type Html, html } from '../../src/html.ts';
import { factsOf } from './facts.ts';
import { mebibytes } from './numbers.ts';
import { barsOf, latenciesOf } from './plots.ts';
import type { Run } from './run.ts';
import { CSS } from './style.ts';
import { type Table, tablesOf } from './tables.ts';

const STYLE_HASH = createHash('sha256').update(CSS, 'utf8').digest('base64');

/** The report as one HTML file: no script, nothing loaded. */
export const pageOf = (run: Run): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${STYLE_HASH}'">
<title>Benchmark: the same job, by this project and by its peers</title>
<style>${{ html: CSS }}</style>
</head>
<body>
<main>
<header>
<p class="kicker">Benchmark</p>
<h1>The same job, by this project and by its peers</h1>
<p>Receive durably, ask the model once, judge, call the backend with an idempotency key, record the outcome durably, answer.</p>
<dl>${factsOf(run).map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}</dl>
</header>
${barsOf(run, 'Tasks per second at saturation; the line spans the rounds', ({ saturation }) => saturation)}
${latenciesOf(run, 'Latency over the stubs’ own delay at half load: p50, p95, p99; in figures p50 · p99')}
${barsOf(run, 'Tasks per second with a slow model and many in flight', ({ inflight }) => inflight)}
${barsOf(run, 'Resident memory then, MiB', ({ inflightRss }) => mebibytes(inflightRss))}
${barsOf(run, 'Tasks per second, all about one case', ({ hot }) => hot)}
${barsOf(run, 'Own processor time a task at saturation, ms', ({ cpu }) => cpu)}
${tablesOf(run).map(sectionOf)}
</main>
</body>
</html>
`.html;

const sectionOf = ({ title, lead, head, rows, words }: Table): Html => html`<section>
<h2>${title}</h2>
<p class="lead">${lead}</p>
<div class="wide"><table>
<thead><tr>${head.map((cell, column) => html`<th scope="col" class="${words.includes(column) ? 'w' : 'n'}">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, column) => cellOf(cell, column, words))}</tr>`)}</tbody>
</table></div>
</section>`;

function cellOf(cell: string, column: number, words: readonly number[]): Html {
  if (column === 0) return html`<th scope="row">${cell}</th>`;
  if (cell.startsWith('NOT CORRECT')) return html`<td class="bad">${cell}</td>`;
  return html`<td class="${words.includes(column) ? 'w' : 'n'}">${cell}</td>`;
}
