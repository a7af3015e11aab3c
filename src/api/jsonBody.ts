import { type JSONVisitor, visit } from 'jsonc-parser';
import { ProblemError } from './problems.ts';

const MAX_DEPTH = 20;

/**
 * Reads a JSON body strictly: valid UTF-8, JSON as RFC 8259 has it, no duplicate keys, not nested too deeply.
 * Messages never repeat the text.
 *
 * @throws ProblemError invalid-input
 */
export function parseJsonBody(body: Buffer): unknown {
  const text = decodeUtf8(body);
  if (text.trim() === '') throw invalid('body', 'is empty; send a JSON object');
  checkStructure(text);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('body', 'is not valid JSON');
  }
}

function decodeUtf8(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw invalid('body', 'is not valid UTF-8');
  }
}

/** Finds what JSON.parse lets pass: duplicate keys, of which it keeps the last, and nesting without an end. */
function checkStructure(text: string): void {
  const objects: Set<string>[] = [];
  let depth = 0;
  const enter = (): void => {
    depth += 1;
    if (depth > MAX_DEPTH) throw invalid('body', `is nested deeper than ${MAX_DEPTH} levels`);
  };
  const visitor: JSONVisitor = {
    onObjectBegin: () => {
      enter();
      objects.push(new Set());
    },
    onObjectEnd: () => {
      depth -= 1;
      objects.pop();
    },
    onArrayBegin: enter,
    onArrayEnd: () => {
      depth -= 1;
    },
    onObjectProperty: (property) => {
      const seen = objects.at(-1);
      if (seen?.has(property)) throw invalid(fieldName(property), 'is there twice; send each key once');
      seen?.add(property);
    },
    onError: () => {
      throw invalid('body', 'is not valid JSON');
    },
  };
  visit(text, visitor, { disallowComments: true, allowTrailingComma: false });
}

/** A key that a client chose, as far as it can be a field's name. */
const fieldName = (property: string): string => (/^[\w.-]{1,64}$/.test(property) ? property : 'body');

const invalid = (field: string, message: string): ProblemError =>
  new ProblemError('invalid-input', `${field} ${message}`, [{ field, message }]);
