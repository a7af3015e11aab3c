import { parse } from 'yaml';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import type { BacktestReport } from '../../src/replay/backtest/report.ts';

/**
 * A backtest once more, plain and slow and sharing no code with the real one: it reads every case whole, and its rules are predicates
 * written by hand for the expressions that the tests use. What it counts must be what the real one counts.
 */
export type SlowStore = {
  readonly readStream: (stream: string, from: number, limit: number) => Promise<readonly ReadEvent[]>;
};

// biome-ignore lint/suspicious/noExplicitAny: what is read here is not held against the types that the real one uses
type Any = any;

const PREDICATES: Record<string, (f: Any, limits: Any) => boolean> = {
  'limits.automatable': (_, l) => l.automatable,
  'decision.routeTarget in limits.routes': (f, l) => l.routes.includes(f.decision.routeTarget),
  'task.attempt <= limits.maxAttempts': (f, l) => f.task.attempt <= l.maxAttempts,
  '!automation.paused': (f) => !f.automation.paused,
  'decision.confidence >= limits.minConfidence': (f, l) => f.decision.confidence >= l.minConfidence,
  'decision.riskScore <= limits.maxRiskScore': (f, l) => f.decision.riskScore <= l.maxRiskScore,
  'case.state == "OPEN"': (f) => f.case.state === 'OPEN',
  'case.retryCount < limits.maxRetryCount': (f, l) => f.case.retryCount < l.maxRetryCount,
  'decision.intent in ["RETRY_EXTERNAL_CALL"]': (f) => f.decision.intent === 'RETRY_EXTERNAL_CALL',
  'decision.nextStep == "AUTOMATED_EXECUTION"': (f) => f.decision.nextStep === 'AUTOMATED_EXECUTION',
  'task.userRole in limits.roles': (f, l) => l.roles.includes(f.task.userRole),
  '!signals.negated': (f) => !f.signals.negated,
  '!signals.uncertain': (f) => !f.signals.uncertain,
  '!signals.severalRequests': (f) => !f.signals.severalRequests,
  '!signals.instructsSystem': (f) => !f.signals.instructsSystem,
  'case.lastErrorType != "VALIDATION"': (f) => f.case.lastErrorType !== 'VALIDATION',
  'case.priority != "CRITICAL"': (f) => f.case.priority !== 'CRITICAL',
};

const DOMAIN_RULES = [
  { name: 'intent-automatable', expression: 'limits.automatable', overridable: false },
  { name: 'route-permitted', expression: 'decision.routeTarget in limits.routes', overridable: false },
  { name: 'attempt-limit', expression: 'task.attempt <= limits.maxAttempts', overridable: false },
  { name: 'automation-running', expression: '!automation.paused', overridable: false },
];

type Counted = {
  judged: number;
  firstAttempts: number;
  toExecute: number;
  toManual: number;
  /** Flips as `direction case/revision: rules`, in no order. */
  flips: string[];
  intents: Record<string, string>;
};
type Scored = { tasks: number; fates: Record<string, number>; late: number; persons: string };
export type SlowReport = {
  verdicts: number;
  notJudged: Record<string, number>;
  policy: Counted;
  reviewers: Counted;
  newlyExecuted: Scored;
  newlyRouted: Scored;
};

const empty = (): Counted => ({
  judged: 0,
  firstAttempts: 0,
  toExecute: 0,
  toManual: 0,
  flips: [],
  intents: {},
});

const noScore = (): Scored => ({ tasks: 0, fates: {}, late: 0, persons: '0 0 0' });

/** @param candidate YAML of the policy */
export async function slowBacktest(
  store: SlowStore,
  caseIds: readonly string[],
  candidate: string,
): Promise<SlowReport> {
  const report: SlowReport = {
    verdicts: 0,
    notJudged: {},
    policy: empty(),
    reviewers: empty(),
    newlyExecuted: noScore(),
    newlyRouted: noScore(),
  };
  const policy = parse(candidate);
  const playbooks = new Map<string, Any>();
  for (const caseId of caseIds) {
    const events = await readCase(store, caseId);
    const flipped = new Map<string, { toExecute: boolean; revision: number }>();
    for (const event of events.filter(({ type }) => type === 'GuardrailEvaluated')) {
      report.verdicts += 1;
      const hash = event.data.playbookHash;
      if (!playbooks.has(hash)) playbooks.set(hash, await readPlaybook(store, hash));
      const toExecute = judge(report, caseId, event, policy, playbooks.get(hash));
      const isReviewers = event.data.authority?.kind === 'reviewer';
      if (toExecute === null || isReviewers || flipped.has(event.data.taskId)) continue;
      flipped.set(event.data.taskId, { toExecute, revision: event.revision });
    }
    for (const [taskId, { toExecute, revision }] of flipped) {
      const later = events.filter((event) => event.data.taskId === taskId && event.revision > revision);
      score(toExecute ? report.newlyExecuted : report.newlyRouted, whatBecame(later, toExecute));
    }
  }
  return sorted(report);
}

async function readCase(store: SlowStore, caseId: string): Promise<Any[]> {
  const events: Any[] = [];
  for (;;) {
    const page = await store.readStream(`case-${caseId}`, events.length, 500);
    for (const { type, data, metadata, revision } of page)
      events.push({ type, revision, data: JSON.parse(data), version: JSON.parse(metadata).schemaVersion });
    if (page.length < 500) return events;
  }
}

async function readPlaybook(store: SlowStore, hash: string): Promise<Any> {
  const [registered] = await store.readStream(`playbook-${hash}`, 0, 1);
  return registered ? parse(JSON.parse(registered.data).source) : null;
}

/** Whether a verdict flips to EXECUTE; null where it does not flip, or cannot be judged. */
function judge(report: SlowReport, caseId: string, event: Any, policy: Any, playbook: Any): boolean | null {
  const { data, version, revision } = event;
  const reason = version < 2 ? 'FACT_NOT_RECORDED' : playbook === null ? 'PLAYBOOK_MISSING' : null;
  if (reason !== null) {
    report.notJudged[reason] = (report.notJudged[reason] ?? 0) + 1;
    return null;
  }
  const overrides: string[] = data.authority.overrides ?? [];
  const now = failing(policy, playbook, data.facts, overrides);
  const isFlip = (data.verdict === 'EXECUTE') !== (now.length === 0);
  const toExecute = isFlip && now.length === 0;
  const counted = data.authority.kind === 'reviewer' ? report.reviewers : report.policy;
  counted.judged += 1;
  if (data.attempt === 1) counted.firstAttempts += 1;
  const { intent } = data.facts.decision;
  counted.intents[intent] = raised(counted.intents[intent] ?? '0 0 0', [
    true,
    toExecute,
    isFlip && !toExecute,
  ]);
  if (!isFlip) return null;
  counted[toExecute ? 'toExecute' : 'toManual'] += 1;
  const then = data.guardrails
    .filter((row: Any) => !row.passed && !(row.overridable && overrides.includes(row.name)))
    .map((row: Any) => row.name);
  const causes = toExecute ? then : now;
  counted.flips.push(`${toExecute ? 'execute' : 'manual'} ${caseId}/${revision}: ${causes.join(' ')}`);
  return toExecute;
}

function score(
  scored: Scored,
  { fate, late, approved, edited, rejected }: ReturnType<typeof whatBecame>,
): void {
  scored.tasks += 1;
  scored.fates[fate] = (scored.fates[fate] ?? 0) + 1;
  if (late) scored.late += 1;
  scored.persons = raised(scored.persons, [approved, edited, rejected]);
}

/** Numbers in a text, each one more where it is to be. */
const raised = (numbers: string, more: readonly boolean[]): string =>
  numbers
    .split(' ')
    .map((number, index) => Number(number) + (more[index] ? 1 : 0))
    .join(' ');

function failing(policy: Any, playbook: Any, facts: Any, overrides: readonly string[]): string[] {
  const spec = playbook.intents[facts.decision.intent];
  const permission = policy.permissions[facts.decision.intent];
  const limits = {
    ...policy.limits,
    automatable: spec ? spec.automatable : false,
    roles: permission ? permission.roles : [],
    routes: permission
      ? permission.routes.filter((route: string) => (spec?.routes ?? []).includes(route))
      : [],
  };
  const failed: string[] = [];
  for (const { name, expression, overridable } of [...DOMAIN_RULES, ...policy.guardrails]) {
    const predicate = PREDICATES[expression];
    if (!predicate) throw new Error(`no predicate is written for ${expression}`);
    if (!predicate(facts, limits) && !(overridable && overrides.includes(name))) failed.push(name);
  }
  return failed;
}

/** Looks at the whole rest of a task's history: where its telling ends, then what stands before that end. */
function whatBecame(later: readonly Any[], toExecute: boolean) {
  const settles = ({ type, data }: Any): boolean =>
    type === 'ReviewDecided' && !data.awaitsSecond && data.resolution !== 'INFO_REQUESTED';
  const ends = (event: Any): boolean =>
    event.type === 'TaskCancelled' ||
    ((event.type === 'ActionExecuted' || event.type === 'ActionOutcomeResolved') &&
      event.data.result === 'SUCCEEDED') ||
    (settles(event) && (event.data.resolution === 'REJECTED' || !toExecute));
  const end = later.findIndex(ends);
  const told = end < 0 ? later : later.slice(0, end + 1);
  const decisions = told.filter(settles).map(({ data }) => data.resolution);
  const flags = {
    approved: decisions.includes('APPROVED'),
    edited: decisions.includes('EDITED'),
    rejected: decisions.includes('REJECTED'),
  };
  const results: string[] = [];
  const attempts = new Set(told.map(({ data }) => data.attempt).filter((attempt) => attempt !== undefined));
  for (const attempt of attempts) {
    const executed = told.findIndex(
      ({ type, data }) => type === 'ActionExecuted' && data.attempt === attempt,
    );
    const decidedBefore = told.slice(0, Math.max(executed, 0)).filter(settles).at(-1);
    if (executed >= 0 && decidedBefore?.data.resolution === 'EDITED') continue;
    const last = told
      .filter(
        ({ type, data }) => type.startsWith('Action') && type !== 'ActionStarted' && data.attempt === attempt,
      )
      .at(-1);
    if (last) results.push(last.data.result);
  }
  const known = ['SUCCEEDED', 'UNKNOWN', 'FAILED'].find((result) => results.includes(result));
  const late = known === 'SUCCEEDED' && results.some((result) => result !== 'SUCCEEDED');
  if (known !== undefined) return { ...flags, late, fate: known };
  if (told.at(-1)?.type === 'TaskCancelled') return { ...flags, late, fate: 'CANCELLED' };
  if (!toExecute) return { ...flags, late, fate: 'NOTHING_KNOWN' };
  return { ...flags, late, fate: decisions.at(-1) ?? 'NOTHING_KNOWN' };
}

/** A report of the real one, as far as the slow one counts. */
export function comparable(report: BacktestReport): SlowReport {
  const counted = (of: BacktestReport['policy']): Counted => ({
    judged: of.judged,
    firstAttempts: of.firstAttempts,
    toExecute: of.toExecute,
    toManual: of.toManual,
    flips: [
      ...of.flipsToExecute.map((flip) => `execute ${flip.caseId}/${flip.revision}: ${flip.rules.join(' ')}`),
      ...of.flipsToManual.map((flip) => `manual ${flip.caseId}/${flip.revision}: ${flip.rules.join(' ')}`),
    ],
    intents: Object.fromEntries(
      of.intents.map(({ intent, judged, toExecute, toManual }) => [
        intent,
        `${judged} ${toExecute} ${toManual}`,
      ]),
    ),
  });
  const scored = ({
    tasks,
    fates,
    succeededAfterFailure: late,
    approved,
    edited,
    rejected,
  }: BacktestReport['newlyExecuted']): Scored => ({
    tasks,
    fates: Object.fromEntries(Object.entries(fates).filter(([, count]) => count > 0)),
    late,
    persons: `${approved} ${edited} ${rejected}`,
  });
  const notJudged: Record<string, number> = {};
  for (const { reason, count } of report.notJudged) notJudged[reason] = (notJudged[reason] ?? 0) + count;
  return sorted({
    verdicts: report.verdicts,
    notJudged,
    policy: counted(report.policy),
    reviewers: counted(report.reviewers),
    newlyExecuted: scored(report.newlyExecuted),
    newlyRouted: scored(report.newlyRouted),
  });
}

function sorted(report: SlowReport): SlowReport {
  report.policy.flips.sort();
  report.reviewers.flips.sort();
  return report;
}
