import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';

/** One thing that is wrong with a configuration file: where, and how to mend it. */
export type SourceProblem = {
  readonly file: string;
  readonly line: number;
  /** Dotted path to the key, such as `guardrails.2.expression`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
};

/** A playbook or policy that cannot be used; `problems` names every file, line and rule that is wrong. */
export class InvalidSourceError extends Error {
  readonly code = 'INVALID_SOURCE';
  readonly problems: readonly SourceProblem[];
  constructor(problems: readonly SourceProblem[]) {
    super(problems.map(describeProblem).join('\n'));
    this.name = 'InvalidSourceError';
    this.problems = problems;
  }
}

/** One line for people: `file:line path: message`. */
const describeProblem = (problem: SourceProblem): string =>
  `${problem.file}:${problem.line} ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;

/** Tells on which line of the source a path of keys stands; the nearest parent's line where it is absent. */
export type LineOf = (path: readonly PropertyKey[]) => number;

/**
 * Reads strict YAML 1.2 (duplicate and unknown keys, aliases, unknown tags and other versions refused) into a validated value.
 *
 * @param file the name used in messages
 * @returns the value and a function from a path to its line
 * @throws InvalidSourceError with every problem found
 */
export function parseYaml<T>(
  source: string,
  file: string,
  schema: z.ZodType<T>,
): { value: T; lineOf: LineOf } {
  const lines = new LineCounter();
  const document = parseDocument(source, { version: '1.2', uniqueKeys: true, lineCounter: lines });
  const at = (offset: number | undefined): number => (offset === undefined ? 1 : lines.linePos(offset).line);
  const lineOf: LineOf = (path) => at(offsetOf(document, path));
  const problems: SourceProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    file,
    line: at(error.pos[0]),
    path: '',
    message: error.message.split('\n')[0] ?? error.code,
  }));
  if (document.directives?.yaml.version !== '1.2') {
    problems.push({ file, line: 1, path: '', message: 'must be YAML 1.2: remove the %YAML line' });
  }
  visit(document, {
    Alias: (_key, node) => {
      problems.push({
        file,
        line: at(node.range?.[0]),
        path: '',
        message: 'aliases (*name) are not allowed',
      });
    },
  });
  if (problems.length > 0) throw new InvalidSourceError(problems);
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return { value: parsed.data, lineOf };
  throw new InvalidSourceError(
    parsed.error.issues.map((issue) => ({
      file,
      line: lineOf(issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path),
      path: issue.path.join('.'),
      message: issue.message,
    })),
  );
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const offset = offsetAt(document, path.slice(0, length));
    if (offset !== undefined) return offset;
  }
  return isNode(document.contents) ? document.contents.range?.[0] : undefined;
}

/** Where the key stands, not its value: a block value begins on a later line. */
function offsetAt(document: Document, path: readonly PropertyKey[]): number | undefined {
  const holder = document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  const node = isMap(holder)
    ? holder.items.map((pair) => pair.key).find((candidate) => isScalar(candidate) && candidate.value === key)
    : document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
