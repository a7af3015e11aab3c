import { EVALUATOR_VERSION, rulesVersion } from '../domain/guardrails.ts';

/** Versions of the CEL library that give the same results as the one in use. */
const CEL_LIBRARIES = ['8.0.0'];
const NEWEST_RULES = rulesVersion(EVALUATOR_VERSION);

/**
 * Whether this version can evaluate again what an evaluator of that name has evaluated. What the text analysis says is among the
 * recorded facts, so its version does not matter here.
 *
 * @param evaluator as recorded, such as `guardrails/2 cel-js/8.0.0 signals/1`
 */
export function canEvaluate(evaluator: string): boolean {
  const [, rules = '', library = ''] =
    /^guardrails\/([1-9]\d{0,3}) cel-js\/(\S+) signals\/\S+$/.exec(evaluator) ?? [];
  return rules !== '' && Number(rules) <= NEWEST_RULES && CEL_LIBRARIES.includes(library);
}
