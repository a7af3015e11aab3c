import { type Html, html, NO_HTML } from '../../src/html.ts';
import { rounded } from './numbers.ts';
import { type Row, type Run, rowsOf, type Spread } from './run.ts';
import { labelOf } from './tables.ts';

const WIDTH = 760;
const LEFT = 250;
const RIGHT = 120;
const ROW = 34;
const PLOT = WIDTH - LEFT - RIGHT;

type Bar = { readonly label: string; readonly kind: 'own' | 'floor' | 'peer'; readonly spread: Spread };

/** Bars from 0 with the outermost rounds as a line; the tables beside it say the same in words. */
export function barsOf(run: Run, title: string, choose: (row: Row) => Spread): Html {
  const bars = rowsOf(run)
    .map((row): Bar => ({ label: labelOf(row), kind: kindOf(row), spread: choose(row) }))
    .filter(({ spread }) => spread !== null);
  if (bars.length === 0) return NO_HTML;
  const most = Math.max(...bars.map(({ spread }) => spread?.most ?? 0), 1e-9);
  const height = bars.length * ROW + 8;
  return html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">${bars.map((bar, index) => barOf(bar, index, most))}</svg></figure>`;
}

function barOf({ label, kind, spread }: Bar, index: number, most: number): Html {
  if (spread === null) return NO_HTML;
  const top = index * ROW + 6;
  const middle = top + ROW / 2 - 4;
  const at = (value: number): string => (LEFT + (value / most) * PLOT).toFixed(1);
  return html`<text class="label" x="${LEFT - 10}" y="${middle + 5}">${label}</text>
<rect class="${kind}" x="${LEFT}" y="${top}" width="${((spread.median / most) * PLOT).toFixed(1)}" height="${ROW - 10}" rx="2"/>
<line class="spread" x1="${at(spread.least)}" x2="${at(spread.most)}" y1="${middle}" y2="${middle}"/>
<text class="value" x="${(Number(at(spread.most)) + 8).toFixed(1)}" y="${middle + 5}">${rounded(spread.median)}</text>`;
}

/** From the median to the 99th percentile, in milliseconds, on a logarithmic scale. */
export function latenciesOf(run: Run, title: string): Html {
  const rows = rowsOf(run).filter(({ half }) => half.p50 !== null);
  if (rows.length === 0) return NO_HTML;
  const values = rows.flatMap(({ half: { p50, p99 } }) => [p50?.median ?? 1, p99?.median ?? 1]);
  const least = Math.floor(Math.log10(Math.max(0.1, Math.min(...values))));
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...values))) - least);
  const at = (value: number): number =>
    LEFT + ((Math.log10(Math.max(value, 10 ** least)) - least) / decades) * PLOT;
  const height = rows.length * ROW + 30;
  const ticks = Array.from({ length: decades + 1 }, (_, index) => 10 ** (least + index));
  return html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
${ticks.map((tick) => html`<line class="grid" x1="${at(tick)}" x2="${at(tick)}" y1="0" y2="${height - 24}"/><text class="tick" x="${at(tick)}" y="${height - 6}">${tick} ms</text>`)}
${rows.map((row, index) => latencyOf(row, index * ROW + ROW / 2, at))}</svg></figure>`;
}

function latencyOf(row: Row, y: number, at: (value: number) => number): Html {
  const { p50, p95, p99 } = row.half;
  const dots = [p50, p95, p99].map((spread) => (spread === null ? LEFT : at(spread.median)));
  const [first = LEFT, , last = LEFT] = dots;
  return html`<text class="label" x="${LEFT - 10}" y="${y + 5}">${labelOf(row)}</text>
<line class="range ${kindOf(row)}-line" x1="${first.toFixed(1)}" x2="${last.toFixed(1)}" y1="${y}" y2="${y}"/>
${dots.map((x, index) => html`<circle class="${kindOf(row)}" cx="${x.toFixed(1)}" cy="${y}" r="${7 - index * 1.5}"/>`)}
<text class="value" x="${(last + 12).toFixed(1)}" y="${y + 5}">${rounded(p50?.median ?? 0)} · ${rounded(p99?.median ?? 0)}</text>`;
}

function kindOf({ contestant: { name } }: Row): Bar['kind'] {
  if (name.startsWith('ours')) return 'own';
  return name === 'floor' ? 'floor' : 'peer';
}
