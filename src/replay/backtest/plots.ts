import { type Html, html } from '../../html.ts';
import type { BacktestReport } from './report.ts';

/** What a part of a bar means; each looks different also without colours. */
export type Tone = 'danger' | 'bad' | 'person' | 'good' | 'unknown' | 'waiting' | 'plain' | 'pale';
export type BarPart = { readonly tone: Tone; readonly value: number };

/** The patterns that bars are filled with; once a page. */
export const PATTERNS: Html = html`<svg class="defs" aria-hidden="true" focusable="false"><defs>
<pattern id="danger" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="pattern-danger" width="6" height="6"/><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern>
<pattern id="person" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="pattern-person" width="6" height="6"/><circle class="dot" cx="3" cy="3" r="1.1"/></pattern>
<pattern id="unknown" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="pattern-unknown" width="4" height="4"/><line class="stripe" x1="0" y1="0" x2="4" y2="0"/></pattern>
<pattern id="waiting" width="5" height="5" patternUnits="userSpaceOnUse"><rect class="pattern-waiting" width="5" height="5"/><line class="stripe" x1="0" y1="0" x2="0" y2="5"/></pattern>
</defs></svg>`;

/** Parts side by side, as long as their share of a whole. It repeats what the table around it says, so it is hidden from who listens. */
export function bar(parts: readonly BarPart[], whole: number, kind: 'bar' | 'stack' = 'bar'): Html {
  const height = kind === 'bar' ? 14 : 30;
  let from = 0;
  const rects = parts
    .filter(({ value }) => value > 0)
    .map(({ tone, value }) => {
      const at = percent(from, whole);
      from += value;
      return html`<rect class="${tone}-fill" x="${at}" y="0" width="${percent(value, whole)}" height="${height}"/>`;
    });
  return html`<svg class="${kind}" aria-hidden="true" focusable="false">${rects}</svg>`;
}

/** The look of a part, beside its name in a table. */
export const key = (tone: Tone): Html =>
  html`<svg class="key" aria-hidden="true" focusable="false"><rect class="${tone}-fill" width="16" height="16" rx="3"/></svg>`;

const percent = (part: number, whole: number): string =>
  `${whole === 0 ? 0 : Math.round((part * 10_000) / whole) / 100}%`;

export type Days = BacktestReport['days'];
const MOST_COLUMNS = 62;

/** Days as they are, or added up by month, or by year: as many as can be told apart. */
export function bucketed(days: Days): Days {
  for (const length of ['yyyy-mm-dd'.length, 'yyyy-mm'.length]) {
    const rows = addedUp(days, length);
    if (rows.length <= MOST_COLUMNS) return rows;
  }
  return addedUp(days, 'yyyy'.length);
}

function addedUp(days: Days, length: number): Days {
  const groups = Map.groupBy(days, ({ day }) => day.slice(0, length));
  const sum = (rows: Days, field: 'judged' | 'toExecute' | 'toManual'): number =>
    rows.reduce((total, row) => total + row[field], 0);
  return [...groups].map(([day, rows]) => ({
    day,
    judged: sum(rows, 'judged'),
    toExecute: sum(rows, 'toExecute'),
    toManual: sum(rows, 'toManual'),
  }));
}

/** Flips over time: upwards what is newly executed, downwards what newly goes to a person. */
export function columns(rows: Days, label: string): Html {
  const most = Math.max(1, ...rows.flatMap(({ toExecute, toManual }) => [toExecute, toManual]));
  const height = (value: number): number => Math.round((value * 4_800) / most) / 100;
  const rects = rows.map(
    ({ toExecute, toManual }, index) =>
      html`<rect class="up" x="${index * 10 + 1}" y="${50 - height(toExecute)}" width="8" height="${height(toExecute)}"/><rect class="down" x="${index * 10 + 1}" y="50" width="8" height="${height(toManual)}"/>`,
  );
  const width = Math.max(rows.length, 7) * 10;
  return html`<svg class="days" role="img" aria-label="${label}" viewBox="0 0 ${width} 100" preserveAspectRatio="none">${rects}<line class="middle" x1="0" y1="50" x2="${width}" y2="50"/></svg>`;
}
