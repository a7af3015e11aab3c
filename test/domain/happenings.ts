import fc from 'fast-check';
import type { Decision } from '../../src/domain/decision.ts';
import type { BackendFacts } from '../../src/domain/verdicts.ts';
import {
  ATTEMPT_RESULTS,
  type AttemptResult,
  type CaseState,
  type DecisionSource,
} from '../../src/domain/vocabulary.ts';
import {
  backends,
  caseStates,
  mostly,
  results,
  roles,
  routes,
  usefulDecisions,
} from '../support/arbitraries.ts';

/** Tasks of the case that things happen to. */
export const TASKS = [1, 2, 3, 4, 5, 6];

/** One thing that happens to a case. What cannot happen just then is passed over. */
export type Happening =
  | { readonly kind: 'receive'; readonly role: string }
  /** A task that waits for its recommendation has it. */
  | {
      readonly kind: 'recommend';
      readonly decision: Decision;
      readonly source: DecisionSource;
    }
  /** Whoever called the backend for the open attempt has its result; perhaps its process is ending. */
  | { readonly kind: 'result'; readonly result: AttemptResult; readonly mayStart: boolean }
  /** Somebody else has waited for the open attempt for long enough. */
  | { readonly kind: 'expire' }
  /** An answer to some attempt that somebody has called unknown, whatever has become of it meanwhile. */
  | { readonly kind: 'late'; readonly pick: number; readonly result: AttemptResult }
  /** A task that needs a lookup has its answer. */
  | { readonly kind: 'lookUp'; readonly result: AttemptResult }
  /** A lookup answers that somebody else has asked about some attempt. */
  | { readonly kind: 'lateLookUp'; readonly pick: number; readonly result: AttemptResult }
  /** Somebody looks at the task; perhaps one whose process is ending. */
  | { readonly kind: 'look'; readonly task: number; readonly mayStart: boolean }
  | { readonly kind: 'time'; readonly milliseconds: number }
  | { readonly kind: 'state'; readonly to: CaseState }
  /** A backend breaks, mends, or is declared anew. */
  | { readonly kind: 'backend'; readonly route: string; readonly facts: BackendFacts };

const task = fc.constantFrom(...TASKS);
const pick = fc.nat(20);
const late = fc.constantFrom('SUCCEEDED' as const, 'FAILED' as const, ...ATTEMPT_RESULTS);
const mayStart = mostly(true, fc.constant(false));
const kind = <const Kind extends Happening['kind']>(name: Kind) => fc.constant(name);
const either = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });

export const happenings: fc.Arbitrary<Happening> = fc.oneof(
  either(6, fc.record({ kind: kind('receive'), role: roles })),
  either(
    8,
    fc.record({
      kind: kind('recommend'),
      decision: usefulDecisions,
      source: mostly('model' as const, fc.constantFrom('local' as const, 'fallback' as const)),
    }),
  ),
  either(6, fc.record({ kind: kind('result'), result: results, mayStart })),
  either(4, fc.record({ kind: kind('expire') })),
  either(4, fc.record({ kind: kind('late'), pick, result: late })),
  either(4, fc.record({ kind: kind('lookUp'), result: results })),
  either(2, fc.record({ kind: kind('lateLookUp'), pick, result: results })),
  either(4, fc.record({ kind: kind('look'), task, mayStart })),
  either(4, fc.record({ kind: kind('time'), milliseconds: fc.oneof(fc.nat(5_000), fc.nat(400_000)) })),
  either(2, fc.record({ kind: kind('state'), to: mostly('OPEN', caseStates) })),
  either(2, fc.record({ kind: kind('backend'), route: routes, facts: backends })),
);
