import type { ASTNode } from '@marcbachmann/cel-js';
import { subnodes } from './cel.ts';
import type { Policy } from './policy.ts';
import { policySource } from './policySource.ts';
import { InvalidSourceError, parseYaml } from './yaml.ts';

const COMPREHENSIONS = ['all', 'exists', 'exists_one', 'filter', 'map'];
/** Each level multiplies what one evaluation costs by the length of a list. */
const MOST_NESTED = 2;

/**
 * Refuses a shadow policy whose evaluation could take long: it is evaluated where the verdict in force is made, and must not hold that up.
 *
 * @param file the name used in messages
 * @throws InvalidSourceError naming file, line and rule
 */
export function mustBeQuick(shadow: Policy, file: string): void {
  const { value, lineOf } = parseYaml(shadow.source, file, policySource);
  const slow = shadow.guardrails.filter(({ rule }) => nesting(rule.ast) > MOST_NESTED);
  if (slow.length === 0) return;
  throw new InvalidSourceError(
    slow.map(({ name }) => {
      const path = ['guardrails', value.guardrails.findIndex((each) => each.name === name), 'expression'];
      const message = `rule ${name}: may take long, so it cannot be a shadow's: ${COMPREHENSIONS.join(', ')} stand more than ${MOST_NESTED} deep in one another`;
      return { file, line: lineOf(path), path: path.join('.'), message };
    }),
  );
}

function nesting(node: ASTNode): number {
  const isLoop = node.op === 'rcall' && COMPREHENSIONS.includes(node.args[0]);
  return Math.max(0, ...subnodes(node).map(nesting)) + (isLoop ? 1 : 0);
}
