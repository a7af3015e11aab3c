import { expect, it } from 'vitest';
import { EVALUATOR_VERSION } from '../../src/domain/guardrails.ts';
import { canEvaluate } from '../../src/replay/evaluators.ts';

it.each([
  [EVALUATOR_VERSION, true],
  ['guardrails/1 cel-js/8.0.0 signals/1', true],
  ['guardrails/1 cel-js/8.0.0 signals/77', true],
  ['guardrails/3 cel-js/8.0.0 signals/1', false],
  ['guardrails/0 cel-js/8.0.0 signals/1', false],
  ['guardrails/2 cel-js/8.0.1 signals/1', false],
  ['guardrails/2 cel-js/8.0.0', false],
  ['', false],
])('whether a verdict of "%s" can be evaluated again: %s', (evaluator, can) => {
  expect(canEvaluate(evaluator)).toBe(can);
});
