import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const WARN = 40;

/** What the services complained of (warnings and worse), by message and by what caused it; how often. */
export async function complaintsIn(folder: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const file of await readdir(folder)) {
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
      const complaint = complaintOf(line);
      if (complaint !== null) counts[complaint] = (counts[complaint] ?? 0) + 1;
    }
  }
  return counts;
}

function complaintOf(line: string): string | null {
  if (!line.startsWith('{"level":')) return null;
  const entry = JSON.parse(line) as { level: number; msg: string; err?: { code?: string; message?: string } };
  if (entry.level < WARN) return null;
  const cause = entry.err && (entry.err.code ?? entry.err.message);
  return cause === undefined ? entry.msg : `${entry.msg} [${cause}]`;
}
