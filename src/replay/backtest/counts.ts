import type { Policy } from '../../domain/policy.ts';
import type { VerdictKind } from '../../domain/vocabulary.ts';
import type { JudgedVerdict } from './judging.ts';
import type { RecordedVerdict } from './recordedVerdict.ts';
import type { Flip, JudgedVerdicts } from './report.ts';

/** Adds up judged verdicts. What it lists is bounded; what it counts is not. */
export type Counts = {
  /** @returns the flip where it is one, and whether it is listed */
  readonly add: (judged: JudgedVerdict) => { readonly flip: Flip; readonly isListed: boolean } | null;
  readonly summary: () => JudgedVerdicts;
};

/** Listed for each direction. */
const MOST_LISTED = 1_000;

type RuleCount = Omit<JudgedVerdicts['rules'][number], 'rule' | 'message'>;
type IntentCount = Omit<JudgedVerdicts['intents'][number], 'intent'>;

/** Counts of verdicts of one kind: the policy's own, or reviewers'. */
export function createCounts(candidate: Policy): Counts {
  const recordedAs = { EXECUTE: 0, ROUTE_TO_MANUAL: 0 };
  const total = { firstAttempts: 0, toExecute: 0, toManual: 0 };
  const rules = new Map<string, RuleCount>();
  const intents = new Map<string, IntentCount>();
  const listed = { toExecute: [] as Flip[], toManual: [] as Flip[] };
  return {
    add: ({ recorded, verdict, causes }) => {
      recordedAs[recorded.verdict] += 1;
      if (recorded.attempt === 1) total.firstAttempts += 1;
      const intent = intentCount(intents, recorded.facts.decision.intent);
      intent.judged += 1;
      if (verdict === recorded.verdict) return null;
      const direction = directionOf(verdict);
      total[direction] += 1;
      intent[direction] += 1;
      countRules(rules, direction, causes);
      const flip = flipOf(recorded, causes);
      const isListed = listed[direction].length < MOST_LISTED;
      if (isListed) listed[direction].push(flip);
      return { flip, isListed };
    },
    summary: () => ({
      judged: recordedAs.EXECUTE + recordedAs.ROUTE_TO_MANUAL,
      ...total,
      recorded: recordedAs,
      rules: ruleRows(rules, candidate),
      intents: [...intents].map(([intent, count]) => ({ intent, ...count })).sort(byFlips),
      flipsToExecute: listed.toExecute,
      flipsToManual: listed.toManual,
    }),
  };
}

/** What a verdict becomes decides the direction. */
export const directionOf = (verdict: VerdictKind): 'toExecute' | 'toManual' =>
  verdict === 'EXECUTE' ? 'toExecute' : 'toManual';

function intentCount(intents: Map<string, IntentCount>, intent: string): IntentCount {
  const known = intents.get(intent);
  if (known) return known;
  const fresh = { judged: 0, toExecute: 0, toManual: 0 };
  intents.set(intent, fresh);
  return fresh;
}

function countRules(
  rules: Map<string, RuleCount>,
  direction: 'toExecute' | 'toManual',
  causes: readonly string[],
): void {
  const [all, alone] =
    direction === 'toExecute'
      ? (['noLongerFails', 'noLongerFailsAlone'] as const)
      : (['newlyFails', 'newlyFailsAlone'] as const);
  for (const rule of causes) {
    const count = rules.get(rule) ?? {
      noLongerFails: 0,
      noLongerFailsAlone: 0,
      newlyFails: 0,
      newlyFailsAlone: 0,
    };
    rules.set(rule, count);
    count[all] += 1;
    if (causes.length === 1) count[alone] += 1;
  }
}

function ruleRows(rules: ReadonlyMap<string, RuleCount>, candidate: Policy): JudgedVerdicts['rules'] {
  const messages = new Map(candidate.guardrails.map(({ name, message }) => [name, message]));
  return [...rules]
    .map(([rule, count]) => ({ rule, message: messages.get(rule) ?? null, ...count }))
    .sort((a, b) => b.noLongerFails - a.noLongerFails || b.newlyFails - a.newlyFails);
}

/** Most dangerous first. */
const byFlips = (a: IntentCount, b: IntentCount): number =>
  b.toExecute - a.toExecute || b.toManual - a.toManual || b.judged - a.judged;

const flipOf = (recorded: RecordedVerdict, rules: readonly string[]): Flip => ({
  caseId: recorded.caseId,
  taskId: recorded.taskId,
  revision: recorded.revision,
  recordedAt: recorded.recordedAt,
  intent: recorded.facts.decision.intent,
  attempt: recorded.attempt,
  rules: [...rules],
  fate: null,
});
