import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { environmentSchema } from '../src/config.ts';

const FILE = new URL('../docs/configuration.md', import.meta.url);
const BEGIN = '<!-- made from src/config.ts by `npm run docs`: do not edit by hand -->';
const END = '<!-- end of what is made -->';

type Property = {
  readonly description?: string;
  readonly default?: unknown;
  readonly defaultRule?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
};

/** The table of environment variables: name, default, values, meaning. */
export function environmentTable(): string {
  const { properties = {} } = z.toJSONSchema(environmentSchema, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(properties as Record<string, Property>).map(([name, property]) =>
    [`\`${name}\``, defaultOf(property), valuesOf(property), property.description ?? ''].map(escapeCell),
  );
  const lines = [['variable', 'default', 'values', 'meaning'], ['---', '---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A dash where there is none: the word could be a value. */
function defaultOf({ default: value, defaultRule }: Property): string {
  if (defaultRule !== undefined) return defaultRule;
  return value === undefined || value === '' ? '–' : `\`${value}\``;
}

function valuesOf(property: Property): string {
  if (property.enum) return property.enum.map((value) => `\`${value}\``).join(', ');
  return property.minimum === undefined ? '' : `${property.minimum} to ${property.maximum}`;
}

const escapeCell = (cell: string): string => cell.replaceAll('|', '\\|');

/**
 * A page with the table put between its two markers.
 *
 * @throws Error when the markers are not there
 */
export function withTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/configuration.md lacks ${BEGIN} and ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${environmentTable()}\n\n${page.slice(end)}`;
}

async function main(): Promise<void> {
  const page = await readFile(FILE, 'utf8');
  const made = withTable(page);
  if (made === page) return;
  if (process.argv.includes('--check')) {
    process.stderr.write('docs/configuration.md is behind src/config.ts: run `npm run docs`\n');
    process.exitCode = 1;
    return;
  }
  await writeFile(FILE, made);
}

if (import.meta.main) await main();
