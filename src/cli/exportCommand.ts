import { z } from 'zod';
import { OUTCOMES } from '../domain/vocabulary.ts';
import { type AuditExport, EXPORT_FORMATS } from '../export/auditExport.ts';
import { filterText, inputMessage, timeText } from '../input.ts';

/** What `npm run export` is asked for: which entries, and the file that they go to; null for standard output. */
export type ExportCommand = { readonly wanted: Omit<AuditExport, 'upTo'>; readonly out: string | null };

/** The options of the command, as node:util's parseArgs takes them. */
export const EXPORT_OPTIONS = {
  format: { type: 'string' },
  out: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  'as-of': { type: 'string' },
  outcome: { type: 'string' },
  intent: { type: 'string' },
  actor: { type: 'string' },
} as const;

const options = z.object({
  format: z.enum(EXPORT_FORMATS),
  out: z.string().min(1, 'must name a file').optional(),
  from: timeText.optional(),
  to: timeText.optional(),
  'as-of': timeText.optional(),
  outcome: z.enum(OUTCOMES).optional(),
  intent: filterText.optional(),
  actor: filterText.optional(),
});

type Read = { readonly command: ExportCommand | null; readonly problems: readonly string[] };

/** Reads the options of a command line; with problems, a line each, there is no command. */
export function readExportCommand(
  values: Readonly<Partial<Record<keyof typeof EXPORT_OPTIONS, string>>>,
): Read {
  const parsed = options.safeParse(values, { error: inputMessage });
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`);
    return { command: null, problems };
  }
  const { format, out = null, from, to, outcome, intent, actor, 'as-of': asOf } = parsed.data;
  const filter = { outcome, intent, actor_id: actor };
  return { command: { wanted: { format, filter, from, to, asOf }, out }, problems: [] };
}
