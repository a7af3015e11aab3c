import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js';
import { DERIVED_LIMIT_TYPES, FACT_TYPES, type Facts } from './facts.ts';
import type { Json } from './hash.ts';

/** One compiled rule. */
export type CompiledRule = {
  /** Paths of all facts that the expression reads, such as `decision.confidence`, in order of appearance. */
  readonly reads: readonly string[];
  /** Whether the facts satisfy the rule; throws when the expression fails to evaluate. */
  readonly holds: (context: CelContext) => boolean;
  readonly ast: ASTNode;
};

/** Facts in CEL's types: counts are CEL ints. */
export type CelContext = Readonly<Record<string, unknown>>;

/** An expression that cannot be a rule, with the reason. */
export class InvalidExpressionError extends Error {
  readonly code = 'INVALID_EXPRESSION';
}

// Without has: every fact is there, and has() would let a misspelt one pass the check.
const ALLOWED_FUNCTIONS = new Set(['size', 'startsWith', 'endsWith', 'contains', 'string', 'int', 'double']);
const ALLOWED_MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const MAX_EXPRESSION_LENGTH = 2_000;

/**
 * A compiler for rules over the facts of DESIGN section 7, with the policy's own numeric limits declared as doubles.
 *
 * @param limitNames numeric limits that the policy declares
 * @returns compile(expression): throws InvalidExpressionError naming what is wrong
 */
export function createCompiler(limitNames: readonly string[]): (expression: string) => CompiledRule {
  const limits = Object.fromEntries(limitNames.map((limit) => [limit, 'double']));
  const environment = new Environment({ limits: { maxAstNodes: 500, maxDepth: 50 } });
  for (const [variable, schema] of Object.entries(FACT_TYPES))
    environment.registerVariable({ name: variable, schema });
  environment.registerVariable({ name: 'limits', schema: { ...limits, ...DERIVED_LIMIT_TYPES } });

  return (expression) => {
    if (expression.length > MAX_EXPRESSION_LENGTH) {
      throw new InvalidExpressionError(`is longer than ${MAX_EXPRESSION_LENGTH} characters`);
    }
    const checked = environment.check(expression);
    if (!checked.valid)
      throw new InvalidExpressionError(firstLine(checked.error?.message ?? 'is not valid CEL'));
    if (checked.type !== 'bool') {
      throw new InvalidExpressionError(`must yield a bool, but yields ${checked.type ?? 'nothing'}`);
    }
    const program = environment.parse(expression);
    const reads = new Set<string>();
    inspect(program.ast, reads);
    return {
      reads: [...reads],
      ast: program.ast,
      holds: (context) => program(context) === true,
    };
  };
}

/** Facts as the evaluator wants them; counts become CEL ints here and nowhere else. */
export function toCelContext(facts: Facts): CelContext {
  return {
    ...facts,
    case: { ...facts.case, retryCount: BigInt(facts.case.retryCount) },
    task: { ...facts.task, attempt: BigInt(facts.task.attempt) },
  };
}

/** The value of one fact by its path; null where there is none. */
export function factAt(facts: Facts, path: string): Json {
  let value: unknown = facts;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return (value ?? null) as Json;
}

/** The path of a fact that a node reads, such as `case.state`; null for any other node. */
export function factPath(node: ASTNode): string | null {
  if (node.op !== '.') return null;
  const [object, field] = node.args;
  return object.op === 'id' && (object.args in FACT_TYPES || object.args === 'limits')
    ? `${object.args}.${field}`
    : null;
}

/** A short stable word for why an expression failed to evaluate; never the values. */
export const evaluationErrorCode = (error: unknown): string =>
  error instanceof EvaluationError ? error.code : 'evaluation_failed';

const isFactVariable = (name: string): boolean => name === 'limits' || Object.hasOwn(FACT_TYPES, name);

const firstLine = (text: string): string => text.split('\n')[0] ?? text;

function inspect(node: ASTNode, reads: Set<string>): void {
  const path = factPath(node);
  if (path !== null) {
    reads.add(path);
    return;
  }
  if (node.op === 'call' || node.op === 'rcall') refuseUnlisted(node.args[0]);
  if (node.op === '.?' || node.op === '[?]')
    throw new InvalidExpressionError('optional access is not allowed');
  if (node.op === 'id' && isFactVariable(node.args)) {
    throw new InvalidExpressionError(
      `must read one field, as in ${node.args}.<field>, not ${node.args} as a whole`,
    );
  }
  if (node.op === 'value' || node.op === 'id') return;
  for (const child of subnodes(node)) inspect(child, reads);
}

function refuseUnlisted(name: string): void {
  if (ALLOWED_FUNCTIONS.has(name) || ALLOWED_MACROS.has(name)) return;
  const allowed = [...ALLOWED_FUNCTIONS, ...ALLOWED_MACROS].join(', ');
  throw new InvalidExpressionError(`must not call ${name} (allowed: ${allowed})`);
}

/** The nodes that a node is made of. */
export const subnodes = ({ args }: ASTNode): ASTNode[] => children(args);

function children(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(children);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}
