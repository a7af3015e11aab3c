import { createHash } from 'node:crypto';

/** Text that is HTML already: only `html` makes it, so that nothing gets into a page unescaped. */
export type Html = { readonly html: string };

type Part = Html | string | number | readonly Html[];

/** A piece of a page; whatever is put into it is escaped, unless it is such a piece itself. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: texts.map((text, index) => text + render(parts[index] ?? '')).join(''),
});

/**
 * The beginning of a page, up to its body: it may load nothing and run nothing, and has this style and no other.
 *
 * @param css behind what all pages have: colours by day and by night, and what a phone and paper need
 */
export function documentHead(title: string, css: string): Html {
  const style = `${BASE_CSS}${css}`;
  const hash = createHash('sha256').update(style, 'utf8').digest('base64');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'">
<title>${title}</title>
<style>${{ html: style }}</style>
</head>`;
}

const BASE_CSS = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5b6474; --paper: #fbfbf9; --card: #ffffff; --line: #dfe2e6;
  --good: #1f7a4d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ec; --soft: #a3abb8; --paper: #14171c; --card: #1c2027; --line: #333a45; --good: #5fc690; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; overflow-wrap: anywhere; }
p { margin: .35rem 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
details { margin: .6rem 0 0; }
summary { cursor: pointer; }
@media print { body { background: none; } main { max-width: none !important; padding: 0 !important; } }
`;

/** Nothing. */
export const NO_HTML: Html = { html: '' };

function render(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  if ('html' in part) return part.html;
  return part.map((each) => each.html).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as a page may hold it, in an element or in a quoted attribute. */
const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
