/** How much of a broken answer is kept, in bytes of UTF-8 (DESIGN section 5). */
const RAW_TEXT_LIMIT = 16 * 1024;

/**
 * A raw answer as it may be recorded: well-formed Unicode, at most RAW_TEXT_LIMIT bytes of UTF-8, never cut inside
 * of a character. Null for an empty one.
 */
export function recordableText(raw: string): string | null {
  if (raw === '') return null;
  const buffer = new Uint8Array(RAW_TEXT_LIMIT);
  const text = raw.toWellFormed();
  const { read } = new TextEncoder().encodeInto(text, buffer);
  return text.slice(0, read);
}
