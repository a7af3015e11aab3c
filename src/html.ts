/** Text that is HTML already: only `html` makes it, so that nothing gets into a page unescaped. */
export type Html = { readonly html: string };

type Part = Html | string | number | readonly Html[];

/** A piece of a page; whatever is put into it is escaped, unless it is such a piece itself. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: texts.map((text, index) => text + render(parts[index] ?? '')).join(''),
});

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
