import { type Document, isNode, LineCounter, parseDocument, visit } from 'yaml';
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
export const describeProblem = (problem: SourceProblem): string =>
  `${problem.file}:${problem.line} ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;

/** Tells on which line of the source a path of keys stands; the nearest parent's line where it is absent. */
export type LineOf = (path: readonly PropertyKey[]) => number;

/**
 * Reads strict YAML 1.2 (duplicate keys, aliases and unknown keys refused) into a validated value.
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
  const problems: SourceProblem[] = document.errors.map((error) => ({
    file,
    line: at(error.pos[0]),
    path: '',
    message: error.message.split('\n')[0] ?? error.code,
  }));
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
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) ? document.contents.range?.[0] : undefined;
}
