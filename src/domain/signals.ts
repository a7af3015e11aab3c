import { instructsReader } from './signals/instructsSystem.ts';
import { isNegated } from './signals/negated.ts';
import { asksSeveral } from './signals/severalRequests.ts';
import { tokenize } from './signals/tokens.ts';
import { isUncertain } from './signals/uncertain.ts';

/** Which rules read the signals; part of the evaluator's version in recorded facts. Raise it with any change of them. */
export const SIGNALS_VERSION = '1';

/** What plain deterministic text analysis says of a task's text (DESIGN section 2). */
export type Signals = {
  readonly negated: boolean;
  readonly uncertain: boolean;
  readonly severalRequests: boolean;
  readonly instructsSystem: boolean;
};

/**
 * Reads the signals of a text in English, German or Spanish. Pure, and linear in the length of the text. Where the
 * lists cannot read a text (another script or language) it counts as uncertain.
 */
export function readSignals(text: string): Signals {
  const tokens = tokenize(text);
  return {
    negated: isNegated(tokens),
    uncertain: isUncertain(tokens),
    severalRequests: asksSeveral(tokens),
    instructsSystem: instructsReader(text, tokens),
  };
}
