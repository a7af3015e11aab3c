import type { BacktestReport, Flip, JudgedVerdicts, Score } from './report.ts';
import { shareOf, totalsOf } from './shares.ts';

const MOST_TOLD = 20;

/** A report, in lines for people: what is dangerous first. */
export function linesOf(report: BacktestReport): string[] {
  const { candidate, playbook, policy, reviewers, newlyExecuted, newlyRouted } = report;
  const notJudged = report.notJudged.reduce((sum, { count }) => sum + count, 0);
  return [
    `candidate    ${candidate.name} ${candidate.version}, sha256 ${candidate.hash}`,
    `playbook     ${playbook ? `${playbook.name} ${playbook.version}, sha256 ${playbook.hash}, for every verdict` : 'of each verdict, from the log'}`,
    `log          ${report.logId ?? 'without a name'}, up to position ${report.upTo ?? 'none: it is empty'}${periodOf(report)}`,
    `verdicts     ${report.verdicts}: ${policy.judged} of the policy and ${reviewers.judged} of reviewers judged, ${notJudged} could not be`,
    `took         ${(report.durationMs / 1_000).toFixed(1)} s, ${report.verdictsPerMinute} verdicts a minute`,
    '',
    `NEWLY EXECUTED without a person: ${shareOf(policy.toExecute, policy.judged)} verdicts, ${newlyExecuted.tasks} tasks`,
    ...ruleLines(policy, 'noLongerFails', 'no longer stand in the way'),
    ...executedLines(report),
    ...caseLines(policy.flipsToExecute, policy.toExecute),
    '',
    `newly given to a person: ${shareOf(policy.toManual, policy.judged)} verdicts, ${newlyRouted.tasks} tasks`,
    ...ruleLines(policy, 'newlyFails', 'newly stand in the way'),
    ...routedLines(newlyRouted),
    ...caseLines(policy.flipsToManual, policy.toManual),
    '',
    'by intent',
    ...policy.intents.map(
      ({ intent, judged, toExecute, toManual }) =>
        `  ${intent}: ${judged} judged, ${toExecute} newly executed, ${toManual} newly given to a person`,
    ),
    ...reviewerLines(reviewers),
    ...notJudgedLines(report),
    '',
    'What these numbers cannot say',
    ...report.selectionBias.slice(1).map((line) => `  - ${line}`),
    '  - Verdicts are counted one by one; a task with several (a retry) counts once, by its first flip.',
  ];
}

const periodOf = ({ since, until }: BacktestReport): string =>
  `${since === null ? '' : `, since ${since}`}${until === null ? '' : `, until ${until}`}`;

function ruleLines({ rules }: JudgedVerdicts, key: 'noLongerFails' | 'newlyFails', what: string): string[] {
  const alone = `${key}Alone` as const;
  const causes = rules.filter((row) => row[key] > 0).sort((a, b) => b[key] - a[key]);
  return causes.length === 0
    ? []
    : [
        `  guardrails that ${what}`,
        ...causes.map((row) => `    ${row.rule}: ${row[key]} verdicts, ${row[alone]} of them by it alone`),
      ];
}

function executedLines({ newlyExecuted: score, selectionBias }: BacktestReport): string[] {
  if (score.tasks === 0) return [];
  const { withResult, notDone, unknownFate, tasks } = totalsOf(score);
  const { fates } = score;
  return [
    '  what happened to these tasks, with the policies and persons of then',
    `    backend failed or left it unknown: ${shareOf(notDone, withResult)} with a result (${fates.SUCCEEDED} succeeded, ` +
      `${fates.FAILED} failed, ${fates.UNKNOWN} unknown)`,
    `    a person rejected ${score.rejected}, approved ${score.approved}, had another action executed for ${score.edited}`,
    `    cancelled: ${fates.CANCELLED}; no result known: ${shareOf(unknownFate, tasks)}`,
    ...simulatedLine(score),
    `    MIND: ${selectionBias[0]}`,
  ];
}

function routedLines(score: Score): string[] {
  if (score.tasks === 0) return [];
  const { notDone, withResult, tasks } = totalsOf(score);
  return [
    `  now delayed: ${score.fates.SUCCEEDED} had succeeded without a person, ${score.succeededAfterFailure} of them only after an attempt that had not`,
    `  now caught:  ${shareOf(notDone, withResult)} with a result had failed (${score.fates.FAILED}) or were unknown (${score.fates.UNKNOWN})`,
    `  no result known: ${tasks - withResult}`,
    ...simulatedLine(score),
  ];
}

const simulatedLine = ({ simulated, tasks }: Score): string[] =>
  simulated === 0 ? [] : [`    simulated: ${shareOf(simulated, tasks)} had a backend that only simulates`];

function caseLines(flips: readonly Flip[], count: number): string[] {
  const told = flips
    .slice(0, MOST_TOLD)
    .map(
      ({ caseId, taskId, revision, rules, fate }) =>
        `    case ${caseId} revision ${revision} task ${taskId}: ${rules.join(', ')}; ${fate ?? 'a later verdict of its task'}`,
    );
  return [...told, ...(count > told.length ? [`    and ${count - told.length} more`] : [])];
}

function reviewerLines(reviewers: JudgedVerdicts): string[] {
  if (reviewers.judged === 0) return [];
  return [
    '',
    `reviewers' verdicts, with what each overrode: ${reviewers.judged} judged, ${reviewers.toExecute} newly executed, ` +
      `${reviewers.toManual} no longer allowed`,
    ...ruleLines(reviewers, 'noLongerFails', 'no longer stand in the way'),
    ...ruleLines(reviewers, 'newlyFails', 'newly stand in the way'),
    ...caseLines(reviewers.flipsToExecute, reviewers.toExecute),
  ];
}

function notJudgedLines({ notJudged, outcomesNotRead }: BacktestReport): string[] {
  return [
    ...(notJudged.length === 0 ? [] : ['', 'not judged, and in no number above']),
    ...notJudged.map(
      ({ reason, detail, count, examples: [first] }) =>
        `  ${count} × ${reason} (${detail})${first ? `, such as case ${first.caseId} revision ${first.revision}` : ''}`,
    ),
    ...(outcomesNotRead === 0 ? [] : [`  ${outcomesNotRead} events about outcomes could not be read`]),
  ];
}
