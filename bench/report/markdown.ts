import { factsOf } from './facts.ts';
import type { Run } from './run.ts';
import { type Table, tablesOf } from './tables.ts';

/** The report as Markdown. */
export const markdownOf = (run: Run): string =>
  [
    '# The same job, by this project and by its peers',
    'Receive durably, ask the model once, judge, call the backend with an idempotency key, record the outcome durably, answer. Made by `npm run bench`.',
    factsOf(run)
      .map(([name, text]) => `- **${name}**: ${text}`)
      .join('\n'),
    ...tablesOf(run).map(sectionOf),
    '',
  ].join('\n\n');

const sectionOf = ({ title, lead, head, rows, words }: Table): string =>
  [
    `## ${title}`,
    '',
    lead,
    '',
    lineOf(head),
    lineOf(head.map((_, column) => (words.includes(column) ? '---' : '---:'))),
    ...rows.map(lineOf),
  ].join('\n');

const lineOf = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
