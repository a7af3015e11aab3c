import { FACT_TYPES, type Facts } from '../../domain/facts.ts';
import { caseIdOfStream } from '../../domain/identifiers.ts';
import { VERDICTS, type VerdictKind } from '../../domain/vocabulary.ts';
import type { ReadEvent } from '../../eventstore/port.ts';

/** One guardrail's recorded result, as far as a backtest needs it. */
export type RecordedRule = { readonly name: string; readonly passed: boolean; readonly overridable: boolean };

/** A recorded verdict, as far as a backtest needs it. */
export type RecordedVerdict = {
  readonly caseId: string;
  readonly revision: number;
  readonly recordedAt: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly verdict: VerdictKind;
  readonly playbookHash: string;
  readonly isReviewers: boolean;
  /** Names of the guardrails that a reviewer overrode. */
  readonly overrides: readonly string[];
  /** Without what is `unrecorded`. */
  readonly facts: Omit<Facts, 'limits'>;
  /** Paths of facts that the event does not hold. */
  readonly unrecorded: readonly string[];
  /** What each guardrail gave, read on demand; null where it does not keep its schema. */
  readonly rules: () => readonly RecordedRule[] | null;
};

export type ReadVerdict =
  | { readonly kind: 'verdict'; readonly verdict: RecordedVerdict }
  | {
      readonly kind: 'later' | 'unreadable';
      readonly problem: string;
      /** Null where that cannot be read either. */
      readonly recordedAt: string | null;
    };

/** Version 1 holds neither an authority nor `automation`, 3 has a shadow beside what is read here. Nothing is upcast: that fills in facts. */
export const NEWEST_VERSION = 3;

/**
 * Reads what a backtest needs from a stored GuardrailEvaluated, and checks no more. Nearly all of what a verdict may cost in time goes
 * into reading JSON, so the long lists of results (the policy's and a shadow's) are cut out of the text before.
 */
export function readVerdict(event: ReadEvent): ReadVerdict {
  try {
    const { schemaVersion, recordedAt } = JSON.parse(endFrom(event.metadata, '"recordedAt":"')) as Unchecked;
    if (typeof schemaVersion !== 'number' || typeof recordedAt !== 'string') return UNREADABLE;
    if (schemaVersion > NEWEST_VERSION) {
      const problem = `version ${schemaVersion} is newer than ${NEWEST_VERSION}`;
      return { kind: 'later', problem, recordedAt };
    }
    const { short, cut } = cutResults(event.data);
    const verdict = verdictOf(event, recordedAt, JSON.parse(short) as Unchecked, cut);
    return verdict ? { kind: 'verdict', verdict } : { ...UNREADABLE, recordedAt };
  } catch {
    return UNREADABLE;
  }
}

type Unchecked = Readonly<Record<string, unknown>>;

const UNREADABLE = {
  kind: 'unreadable',
  problem: 'it does not keep its schema',
  recordedAt: null,
} as const;
const NONE: readonly string[] = [];

/** What stands from a key on, as an object of its own: stored texts are canonical JSON, in which keys are sorted. */
function endFrom(text: string, key: string): string {
  const at = text.lastIndexOf(key);
  return at < 0 ? text : `{${text.slice(at)}`;
}

const RESULTS = ',"guardrails":[';
const BEHIND_RESULTS = ',"playbookHash":"';
const SHADOW = ',"shadow":{';
const BEHIND_SHADOW = ',"taskId":"';

/**
 * Takes the results out of a verdict's text. Its keys stand in their order, and no quote stands unescaped inside of a text, so what is
 * looked for is found as a key alone; where it is not, nothing is taken out.
 */
function cutResults(data: string): { readonly short: string; readonly cut: string | null } {
  const from = data.indexOf(RESULTS);
  const to = data.indexOf(BEHIND_RESULTS, from);
  if (from < 0 || to < 0) return { short: data, cut: null };
  const shadow = data.indexOf(SHADOW, to);
  const rest =
    shadow < 0
      ? data.slice(to)
      : data.slice(to, shadow) + data.slice(Math.max(shadow, data.lastIndexOf(BEHIND_SHADOW)));
  return { short: data.slice(0, from) + rest, cut: data.slice(from + RESULTS.length - 1, to) };
}

function verdictOf(
  event: ReadEvent,
  recordedAt: string,
  data: Unchecked,
  results: string | null,
): RecordedVerdict | null {
  const { taskId, attempt, verdict, playbookHash, facts, guardrails, authority } = data;
  const caseId = caseIdOfStream(event.stream);
  const overrides = overridesOf(authority);
  const isReadable =
    caseId !== null &&
    typeof taskId === 'string' &&
    typeof playbookHash === 'string' &&
    typeof attempt === 'number' &&
    VERDICTS.includes(verdict as VerdictKind) &&
    overrides !== null;
  const unrecorded = isReadable ? unrecordedOf(facts as Record<string, Unchecked | undefined>) : null;
  if (!isReadable || unrecorded === null) return null;
  return {
    caseId,
    revision: event.revision,
    recordedAt,
    taskId,
    attempt,
    verdict: verdict as VerdictKind,
    playbookHash,
    isReviewers: overrides !== NONE,
    overrides,
    facts: facts as Facts,
    unrecorded,
    rules: () => rulesOf(results === null ? guardrails : parseOrNull(results)),
  };
}

const rulesOf = (rules: unknown): readonly RecordedRule[] | null =>
  Array.isArray(rules) && rules.every(isRule) ? rules : null;

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What a reviewer overrode; NONE where the policy judged; null where it is neither. */
function overridesOf(authority: unknown): readonly string[] | null {
  if (authority === undefined) return NONE;
  const { kind, overrides } = (authority ?? {}) as Unchecked;
  if (kind === 'policy') return NONE;
  return kind === 'reviewer' && Array.isArray(overrides) ? overrides : null;
}

const isRule = (rule: unknown): boolean => {
  const { name, passed, overridable } = (rule ?? {}) as Unchecked;
  return typeof name === 'string' && typeof passed === 'boolean' && typeof overridable === 'boolean';
};

const FACTS = Object.entries(FACT_TYPES).flatMap(([group, fields]) =>
  Object.entries(fields).map(([field, type]) => ({ group, field, type, path: `${group}.${field}` })),
);
/** A count must be whole, or it is no CEL int. */
const IS_OF_TYPE: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  double: (value) => typeof value === 'number',
  int: (value) => Number.isSafeInteger(value),
  bool: (value) => typeof value === 'boolean',
};
const CHECKED = FACTS.map((fact) => ({ ...fact, isOfType: IS_OF_TYPE[fact.type] ?? (() => false) }));

/** Paths of facts that are not there; null where one is there and of another type. */
function unrecordedOf(facts: Readonly<Record<string, Unchecked | undefined>>): readonly string[] | null {
  let unrecorded: string[] | null = null;
  for (const { group, field, path, isOfType } of CHECKED) {
    const value = facts[group]?.[field];
    if (value === undefined) {
      unrecorded ??= [];
      unrecorded.push(path);
    } else if (!isOfType(value)) return null;
  }
  return unrecorded ?? NONE;
}
