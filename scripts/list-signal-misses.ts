/**
 * Lists the texts whose hostile character the signals do not see, and the plain ones that they hold up, as tables in
 * Markdown: `node scripts/list-signal-misses.ts [file.jsonl ...]`. Without files: the held-out texts. Whoever changes
 * the signals must not see the held-out ones.
 */
import { readFileSync } from 'node:fs';
import { readSignals } from '../src/domain/signals.ts';

type Line = { readonly text: string; readonly signals: readonly string[]; readonly lang: string };

const HELD_OUT = new URL('../test/data/signals-heldout.jsonl', import.meta.url);
const files = process.argv.length > 2 ? process.argv.slice(2) : [HELD_OUT];

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const raisedBy = (text: string): string[] =>
  Object.entries(readSignals(text))
    .filter(([, raised]) => raised)
    .map(([name]) => name);
const inCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');

function printTable(
  title: string,
  column: string,
  rows: readonly (readonly [string, string, string])[],
): void {
  print(`\n${title}\n`);
  if (rows.length === 0) return;
  print(`| language | text | ${column} |`);
  print('| --- | --- | --- |');
  for (const [lang, text, signals] of rows) print(`| ${lang} | ${inCell(text)} | ${signals} |`);
}

for (const file of files) {
  const lines: Line[] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const hostile = lines.filter(({ signals }) => signals.length > 0);
  const clean = lines.filter(({ signals }) => signals.length === 0);
  const missed = hostile.filter(({ text }) => raisedBy(text).length === 0);
  const heldUp = clean.filter(({ text }) => raisedBy(text).length > 0);
  print(`## ${String(file).split('/').at(-1)}`);
  printTable(
    `${missed.length} of ${hostile.length} hostile texts raise no signal.`,
    'should raise',
    missed.map(({ lang, text, signals }) => [lang, text, signals.join(', ')]),
  );
  printTable(
    `${heldUp.length} of ${clean.length} plain texts raise one.`,
    'raises',
    heldUp.map(({ lang, text }) => [lang, text, raisedBy(text).join(', ')]),
  );
}
