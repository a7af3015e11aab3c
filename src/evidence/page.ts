import { emptyCase, fold } from '../domain/case.ts';
import type { CaseEvent, GuardrailEvaluated, Recorded } from '../domain/events.ts';
import { documentHead, type Html, html, NO_HTML } from '../html.ts';
import type { Evidence } from './format.ts';
import { type Told, tell } from './story.ts';
import { CSS } from './style.ts';
import { timeText } from './timeText.ts';

/**
 * The page of an evidence file up to its payload: what happened to the case, in words. It has no script and loads nothing.
 *
 * @param events those of the evidence, as this version reads them
 */
export function pageOf(evidence: Evidence, events: readonly Recorded<CaseEvent>[]): Html {
  const { caseId } = evidence;
  return html`${documentHead(`Evidence: case ${caseId}`, CSS)}
<body>
<main>
${headOf(evidence, events)}
<section aria-labelledby="story">
<h2 id="story">What happened</h2>
<ol class="story">
${events.map((event) => entryOf(event, tell(event, evidence.texts[event.id] ?? {})))}
</ol>
</section>
${rulesOf(evidence)}
${checkOf(evidence)}
</main>
`;
}

function headOf(evidence: Evidence, events: readonly Recorded<CaseEvent>[]): Html {
  const { caseId, madeAt, personal, logId, seals } = evidence;
  const [first, last] = [events[0], events.at(-1)];
  const tasks = [...fold(emptyCase(caseId), events).tasks.values()];
  return html`<header>
<p class="kicker">Evidence</p>
<h1>Case ${caseId}</h1>
<p>Everything that is recorded about this case, from ${timeOf(first?.metadata.recordedAt ?? madeAt)} to ${timeOf(last?.metadata.recordedAt ?? madeAt)}: who asked, what was recommended, which rules
were applied and what they said, who allowed it, and what was done.</p>
<dl>
<div><dt>Events</dt><dd>${events.length}</dd></div>
<div><dt>Seals</dt><dd>${seals.map(({ statement }) => statement.number).join(', ')}</dd></div>
<div><dt>Made</dt><dd>${timeOf(madeAt)}</dd></div>
<div><dt>Personal text</dt><dd>${personal === 'clear' ? 'in clear' : 'withheld'}</dd></div>
<div><dt>Log</dt><dd><code>${logId}</code></dd></div>
</dl>
${tasks.map(
  ({ taskId, status, outcome }) =>
    html`<p>Task <code>${taskId}</code>: ${status}${outcome === null ? '' : `, outcome ${outcome}`}</p>`,
)}
</header>`;
}

function entryOf(event: Recorded<CaseEvent>, { what, sentences, quotes, verdict }: Told): Html {
  const { metadata, revision, id, type } = event;
  return html`<li class="${toneOf(event)}" id="revision-${revision}">
<p class="when">${timeOf(metadata.recordedAt)}</p>
<h3>${what}</h3>
${sentences.map((sentence) => html`<p>${sentence}</p>`)}
${quotes.map(({ by, text }) =>
  text === null
    ? html`<p class="gone">The text (${by}) is erased: its key was destroyed.</p>`
    : html`<blockquote><p>${text}</p></blockquote>`,
)}
${verdict ? verdictOf(verdict) : NO_HTML}
<p class="fine">Revision ${revision}: ${type} ${id}, by ${metadata.actor.id} (${metadata.actor.kind}, ${metadata.actor.authMethod}), hash <code>${metadata.hash}</code></p>
</li>`;
}

const verdictOf = (verdict: GuardrailEvaluated['data']): Html => html`<details>
<summary>All ${verdict.guardrails.length} guardrails</summary>
<div class="wide"><table>
<thead><tr><th scope="col">Guardrail</th><th scope="col">Result</th><th scope="col">What it read</th></tr></thead>
<tbody>
${verdict.guardrails.map(
  ({
    name,
    passed,
    error,
    values,
  }) => html`<tr><th scope="row">${name}</th><td>${passed ? 'passed' : html`<strong>${error === null ? 'did not pass' : `could not be evaluated: ${error}`}</strong>`}</td>
<td>${Object.entries(values)
    .map(([path, value]) => `${path} = ${JSON.stringify(value)}`)
    .join(', ')}</td></tr>
`,
)}
</tbody>
</table></div>
<p class="fine">Policy <code>${verdict.policyHash}</code>, playbook <code>${verdict.playbookHash}</code>, evaluator ${verdict.evaluator}</p>
</details>`;

const rulesOf = ({ sources }: Evidence): Html => html`<section aria-labelledby="rules">
<h2 id="rules">Under which rules</h2>
${sources.length === 0 ? html`<p>No verdict was made.</p>` : NO_HTML}
${sources.map(({ data, stream }) => {
  const { name, version, source } = JSON.parse(data) as Readonly<
    Record<'name' | 'version' | 'source', string>
  >;
  return html`<details>
<summary>${stream.startsWith('policy-') ? 'Policy' : 'Playbook'} “${name}”, version ${version}</summary>
<pre>${source}</pre>
<p class="fine">As it entered the log: <code>${stream}</code></p>
</details>`;
})}
</section>`;

const checkOf = ({ seals, personal }: Evidence): Html => html`<section aria-labelledby="proof">
<h2 id="proof">How to check it</h2>
<p>This page proves nothing by being read. The file does: it holds the events with the texts that their hashes were computed over, and the proof that each
of them is in a seal, signed with ${seals.length === 0 ? 'no key' : html`the key <code>${[...new Set(seals.map(({ statement }) => statement.keyId))].join(', ')}</code>`}. With the public key, which must come from elsewhere:</p>
<pre>npm run verify-evidence -- --file this-file.html --public-key key.pem</pre>
<p>It needs no database and no network, and refuses a file of which any byte was changed. ${
  personal === 'clear'
    ? 'That a text in clear is the one that was encrypted is the word of whoever made this file.'
    : 'Personal text is in it encrypted only.'
}</p>
</section>`;

/** A time, so that people can read it and programs too. */
const timeOf = (iso: string): Html => html`<time datetime="${iso}">${timeText(iso)}</time>`;

/** How an entry is marked at its edge; the words say the same. */
function toneOf({ type, data }: Recorded<CaseEvent>): 'plain' | 'person' | 'good' | 'bad' {
  if (type === 'GuardrailEvaluated') return data.verdict === 'EXECUTE' ? 'good' : 'person';
  if (type === 'ActionExecuted' || type === 'ActionOutcomeResolved')
    return data.result === 'SUCCEEDED' ? 'good' : 'bad';
  return type.startsWith('Review') || type === 'RoutedToManual' ? 'person' : 'plain';
}
