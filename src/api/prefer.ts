import { z } from 'zod';

/** What a request prefers of RFC 7240, as far as it is known here. Anything else in the header is ignored, as the RFC asks. */
export type Preferences = {
  /** How long to wait for the outcome, in milliseconds; null: as long as the service does by itself. */
  readonly waitMs: number | null;
  /** The value of `Preference-Applied`; null where nothing was applied. */
  readonly applied: string | null;
};

/** Longest wait that a request may ask for, in seconds. Connections are not free. */
export const LONGEST_WAIT_S = 120;

/** The header of a POST whose answer may come later. */
export const preferHeader = {
  prefer: z
    .string()
    .max(1_000)
    .optional()
    .describe(
      `RFC 7240. \`respond-async\`: 202 as soon as the task is durable. \`wait=N\`: wait for the outcome for N seconds at most (${LONGEST_WAIT_S} at most), then 202`,
    )
    .meta({ examples: ['respond-async', 'wait=5'] }),
};

/**
 * Reads a Prefer header. Of a preference that is given twice the first counts; `wait` beside `respond-async` says how long to wait
 * before the answer becomes a 202.
 */
export function preferencesOf(header: string | undefined): Preferences {
  const found = new Map<string, string>();
  for (const preference of splitOutsideQuotes(header ?? '', ',')) {
    const { name, value } = nameAndValue(preference);
    if (!found.has(name)) found.set(name, value);
  }
  const wait = found.get('wait') ?? '';
  const async = found.has('respond-async');
  const seconds = /^\d{1,9}$/.test(wait) ? Math.min(Number(wait), LONGEST_WAIT_S) : null;
  const applied = [...(async ? ['respond-async'] : []), ...(seconds === null ? [] : [`wait=${seconds}`])];
  return {
    waitMs: seconds === null ? (async ? 0 : null) : seconds * 1_000,
    applied: applied.length > 0 ? applied.join(', ') : null,
  };
}

function nameAndValue(preference: string): { readonly name: string; readonly value: string } {
  const [pair = ''] = splitOutsideQuotes(preference, ';');
  const [name = '', ...value] = pair.split('=');
  return { name: name.trim().toLowerCase(), value: unquoted(value.join('=')) };
}

/** One pass over the text, so that no header can keep it busy. A backslash within quotes takes the meaning from what follows. */
function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

const unquoted = (value: string): string => value.trim().replace(/^"(.*)"$/, '$1');
