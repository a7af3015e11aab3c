import { type JSONVisitor, visit } from 'jsonc-parser';
import { knownName } from './fields.ts';
import { fieldError, type ProblemError } from './problems.ts';

const MAX_DEPTH = 20;
const BYTE_ORDER_MARK = '\u{feff}';

/**
 * Reads a JSON body strictly: valid UTF-8, JSON as RFC 8259 has it, no duplicate keys, not nested too deeply.
 * Messages tell the place and never repeat the text.
 *
 * @param schema of the body, for the names of fields
 * @throws ProblemError invalid-input
 */
export function parseJsonBody(body: Buffer, schema: unknown): unknown {
  const text = decodeUtf8(body);
  if (text.startsWith(BYTE_ORDER_MARK))
    throw invalid('begins with a byte order mark; send UTF-8 without one');
  if (text.trim() === '') throw invalid('is empty; send a JSON object');
  checkStructure(text, schema);
  const value = parse(text);
  if (value === null) throw invalid('must be a JSON object');
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('is not valid JSON');
  }
}

function decodeUtf8(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw invalid('is not valid UTF-8');
  }
}

/** Finds what JSON.parse lets pass: duplicate keys, of which it keeps the last, `__proto__`, and nesting without an end. */
function checkStructure(text: string, schema: unknown): void {
  const objects: Set<string>[] = [];
  let depth = 0;
  const enter = (): void => {
    depth += 1;
    if (depth > MAX_DEPTH) throw invalid(`is nested deeper than ${MAX_DEPTH} levels`);
  };
  const leave = (): void => {
    depth -= 1;
  };
  const visitor: JSONVisitor = {
    onObjectBegin: () => {
      enter();
      objects.push(new Set());
    },
    onObjectEnd: () => {
      leave();
      objects.pop();
    },
    onArrayBegin: enter,
    onArrayEnd: leave,
    onObjectProperty: (key, _offset, _length, line, column, pathTo) => {
      if (key === '__proto__') throw invalid(`holds the key __proto__${at(line, column)}; leave it out`);
      const seen = objects.at(-1);
      if (seen?.has(key)) {
        const field = knownName(schema, [...pathTo(), key]) || 'body';
        throw fieldError('invalid-input', field, `holds a key twice${at(line, column)}; send each key once`);
      }
      seen?.add(key);
    },
    onError: (_error, _offset, _length, line, column) => {
      throw invalid(`is not valid JSON${at(line, column)}`);
    },
  };
  visit(text, visitor, { disallowComments: true, allowTrailingComma: false });
}

const at = (line: number, column: number): string => ` (line ${line + 1}, column ${column + 1})`;

const invalid = (message: string): ProblemError => fieldError('invalid-input', 'body', message);
