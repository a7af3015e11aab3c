import { toCelContext } from '../../domain/cel.ts';
import type { Facts, Limits } from '../../domain/facts.ts';
import { limitsFor } from '../../domain/guardrails.ts';
import { playbookStream } from '../../domain/identifiers.ts';
import { type Playbook, parsePlaybook } from '../../domain/playbook.ts';
import { type Policy, parsePolicy } from '../../domain/policy.ts';
import type { VerdictKind } from '../../domain/vocabulary.ts';
import { InvalidSourceError } from '../../domain/yaml.ts';
import type { Codec } from '../../eventstore/codec.ts';
import { registered } from '../policies.ts';
import type { LogReader } from '../readEvents.ts';
import type { RecordedVerdict } from './recordedVerdict.ts';
import type { NotJudgedReason } from './report.ts';

/** What the candidate says of a verdict, and the guardrails that stand against EXECUTE; or why it can say nothing. */
export type Judgement =
  | { readonly kind: 'judged'; readonly verdict: VerdictKind; readonly blocking: readonly string[] }
  | NotJudged;
export type NotJudged = {
  readonly kind: 'not judged';
  readonly reason: NotJudgedReason;
  readonly detail: string;
};

/** A candidate, ready to judge verdicts that were made with one playbook. */
export type Judge = (recorded: RecordedVerdict) => Judgement;

/** Judges by playbook hash; a promise only where one is not there yet. */
export type Judges = (playbookHash: string) => Judge | Promise<Judge>;

/** A company has a few playbooks; where there are more, they are compiled again. */
const MOST_KEPT = 200;

/**
 * The candidate's rules, compiled once for each playbook.
 *
 * @param playbook to judge every verdict with; null: each with its own, from the log
 */
export function createJudges(
  store: Pick<LogReader, 'readStream'>,
  codec: Codec,
  candidate: Policy,
  playbook: Playbook | null,
): Judges {
  if (playbook) {
    const judge = judgeWith(candidate, playbook);
    return () => judge;
  }
  const kept = new Map<string, Judge>();
  const prepare = async (hash: string): Promise<Judge> => {
    const judge = await ofRegistered(store, codec, candidate, hash);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(hash, judge);
    return judge;
  };
  return (hash) => kept.get(hash) ?? prepare(hash);
}

async function ofRegistered(
  store: Pick<LogReader, 'readStream'>,
  codec: Codec,
  candidate: Policy,
  hash: string,
): Promise<Judge> {
  const found = await registered(store, codec, playbookStream(hash));
  if (found === null) return refusing('PLAYBOOK_MISSING', hash);
  let playbook: Playbook;
  try {
    playbook = parsePlaybook(found.source, 'playbook');
  } catch {
    return refusing('PLAYBOOK_UNREADABLE', hash);
  }
  return playbook.hash === hash ? judgeWith(candidate, playbook) : refusing('PLAYBOOK_UNREADABLE', hash);
}

const refusing = (reason: NotJudgedReason, detail: string): Judge => {
  const refused: NotJudged = { kind: 'not judged', reason, detail };
  return () => refused;
};

function judgeWith(candidate: Policy, playbook: Playbook): Judge {
  try {
    return judgeOf(parsePolicy(candidate.source, 'candidate', playbook), playbook);
  } catch (error) {
    if (!(error instanceof InvalidSourceError)) throw error;
    return refusing('CANDIDATE_DOES_NOT_FIT', `playbook ${playbook.hash}: ${error.message.split('\n')[0]}`);
  }
}

function judgeOf(policy: Policy, playbook: Playbook): Judge {
  const reads = new Set(policy.guardrails.flatMap(({ rule }) => rule.reads));
  const limits = new Map<string, Limits>();
  const limitsOf = (intent: string): Limits => {
    const known = limits.get(intent);
    if (known) return known;
    const made = limitsFor(policy, playbook, intent);
    if (limits.size < MOST_KEPT) limits.set(intent, made);
    return made;
  };
  return (recorded) => {
    const missing = recorded.unrecorded.find((path) => reads.has(path));
    if (missing !== undefined) return { kind: 'not judged', reason: 'FACT_NOT_RECORDED', detail: missing };
    const facts: Facts = { ...recorded.facts, limits: limitsOf(recorded.facts.decision.intent) };
    const blocking = blockingRules(policy, facts, recorded.overrides);
    return { kind: 'judged', verdict: blocking.length === 0 ? 'EXECUTE' : 'ROUTE_TO_MANUAL', blocking };
  };
}

/** As `evaluateGuardrails` has it, without the values that each rule read: who failed, and is not overridden. */
function blockingRules(policy: Policy, facts: Facts, overrides: readonly string[]): string[] {
  const context = toCelContext(facts);
  const blocking: string[] = [];
  for (const { name, overridable, rule } of policy.guardrails) {
    if (overridable && overrides.includes(name)) continue;
    if (!holds(rule, context)) blocking.push(name);
  }
  return blocking;
}

function holds(
  { holds: evaluate }: Policy['guardrails'][number]['rule'],
  context: ReturnType<typeof toCelContext>,
): boolean {
  try {
    return evaluate(context);
  } catch {
    return false;
  }
}
