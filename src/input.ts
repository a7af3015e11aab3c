import { z } from 'zod';

/** A whole number that comes as text, in decimal digits alone; `otherwise` where there is none. */
export const wholeNumber = (least: number, most: number, otherwise: number): z.ZodType<number> =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : text),
    z.int().min(least).max(most).default(otherwise),
  );

/** A time that comes as text with its offset, as the read models write theirs: ISO 8601 in UTC with milliseconds. */
export const timeText = z.iso.datetime({ offset: true }).transform((text) => {
  const time = new Date(text).toISOString();
  // Its offset may lead beyond the years that sort as they read.
  return time.startsWith('+') ? '9999-12-31T23:59:59.999Z' : time;
});

/** A text that rows are filtered by. */
export const filterText = z
  .string()
  .regex(/^\P{C}{1,200}$/u, 'must be 1 to 200 characters, without control characters');

/** The parts of a text between its commas, without spaces around them and without empty ones. */
export const commaParts = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/**
 * What is wrong with an input and how to mend it, for a zod issue whose schema has no words of its own. Never repeats
 * what came in, so that it may be logged and sent.
 */
export const inputMessage: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys') return takingOnly(issue.inst);
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'must have other names in it';
  const wanted = wantedBy(issue);
  return issue.input === undefined ? `is missing; it must be ${wanted}` : `must be ${wanted}`;
};

function wantedBy(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typed(issue);
    case 'invalid_value':
      return oneOf(issue.values.map(String));
    case 'too_small':
      return sized(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return sized(issue.origin, 'at most', issue.maximum);
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'in another format';
    default:
      return 'another value';
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a list',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z',
  url: 'a URL',
};

function typed({
  expected,
  input,
  inst,
}: {
  readonly expected: string;
  readonly input: unknown;
  readonly inst?: unknown;
}): string {
  if (definitionOf(inst)?.format === 'safeint') return 'a whole number';
  // Too large for a double, it arrives as infinity.
  return typeof input === 'number' && expected === 'number'
    ? 'a finite number'
    : (NOUNS[expected] ?? expected);
}

const oneOf = (values: readonly string[]): string =>
  values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;

function sized(origin: string, bound: 'at least' | 'at most', size: number | bigint): string {
  return origin === 'string' ? `${bound} ${size} characters long` : `${bound} ${size}`;
}

/** Names what an object takes rather than what came: a key that a client made up may hold anything. */
function takingOnly(schema: unknown): string {
  const known = Object.keys(definitionOf(schema)?.shape ?? {});
  const taken = known.length === 0 ? 'takes nothing' : `takes only ${known.join(', ')}`;
  return `${taken}; leave out what else is there`;
}

type Definition = { readonly format?: string; readonly shape?: Readonly<Record<string, unknown>> };

const definitionOf = (schema: unknown): Definition | undefined =>
  (schema as { readonly _zod?: { readonly def?: Definition } } | undefined)?._zod?.def;
