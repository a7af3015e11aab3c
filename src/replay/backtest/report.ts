import { z } from 'zod';

/**
 * Why a verdict could not be judged. FACT_NOT_RECORDED: the candidate reads a fact that its event does not hold. PLAYBOOK_MISSING,
 * PLAYBOOK_UNREADABLE: the playbook of its hash is not in the log, or not one that this version can read. CANDIDATE_DOES_NOT_FIT: the
 * candidate cannot be used with that playbook. EVENT_OF_LATER_CODE: a newer version has written it. UNREADABLE: it does not keep its schema.
 */
export const NOT_JUDGED_REASONS = [
  'FACT_NOT_RECORDED',
  'PLAYBOOK_MISSING',
  'PLAYBOOK_UNREADABLE',
  'CANDIDATE_DOES_NOT_FIT',
  'EVENT_OF_LATER_CODE',
  'UNREADABLE',
] as const;
export type NotJudgedReason = (typeof NOT_JUDGED_REASONS)[number];

/**
 * What the log says of a task after the verdict that flips. SUCCEEDED, FAILED, UNKNOWN: the same action was executed, by policy or
 * approval. EDITED: a person had another action executed. APPROVED: a person approved it, and no result is there yet.
 */
export const FATES = [
  'SUCCEEDED',
  'FAILED',
  'UNKNOWN',
  'REJECTED',
  'EDITED',
  'APPROVED',
  'CANCELLED',
  'NOTHING_KNOWN',
] as const;
export type Fate = (typeof FATES)[number];

const count = z.int().min(0);

const flip = z.strictObject({
  caseId: z.string(),
  taskId: z.string(),
  revision: count.describe('Of the verdict in the stream of its case'),
  recordedAt: z.iso.datetime(),
  intent: z.string(),
  attempt: count,
  rules: z.array(z.string()).describe('Guardrails that are the cause'),
  fate: z
    .enum(FATES)
    .nullable()
    .describe("Null for a reviewer's verdict, and for a task's verdicts after its first flip"),
});
export type Flip = z.infer<typeof flip>;

const verdicts = z.strictObject({
  judged: count,
  firstAttempts: count.describe('Of them verdicts on a first attempt: one for each task'),
  recorded: z.strictObject({ EXECUTE: count, ROUTE_TO_MANUAL: count }),
  toExecute: count.describe('ROUTE_TO_MANUAL that the candidate makes EXECUTE'),
  toManual: count.describe('EXECUTE that the candidate makes ROUTE_TO_MANUAL'),
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      message: z.string().nullable().describe("The candidate's; null where it has no such rule"),
      noLongerFails: count.describe('Flips to EXECUTE of verdicts that it had failed'),
      noLongerFailsAlone: count.describe('Of them those that only it had failed'),
      newlyFails: count.describe('Flips to ROUTE_TO_MANUAL that it fails'),
      newlyFailsAlone: count,
    }),
  ),
  intents: z.array(z.strictObject({ intent: z.string(), judged: count, toExecute: count, toManual: count })),
  flipsToExecute: z.array(flip).describe('The first of them; toExecute counts all'),
  flipsToManual: z.array(flip).describe('The first of them; toManual counts all'),
});
export type JudgedVerdicts = z.infer<typeof verdicts>;

const score = z.strictObject({
  tasks: count.describe('Tasks whose first flip has this direction'),
  fates: z.record(z.enum(FATES), count).describe('Adds up to tasks'),
  succeededAfterFailure: count.describe(
    'Tasks that succeeded only after an attempt that had failed or was unknown',
  ),
  approved: count.describe('Tasks that a person approved, whatever came of it'),
  edited: count,
  rejected: count,
  simulated: count.describe('Tasks whose backend only simulated'),
});
export type Score = z.infer<typeof score>;

const source = z.strictObject({ name: z.string(), version: z.string(), hash: z.string() });

/** What a candidate policy would have made of every verdict in a log. */
export const backtestReport = z.strictObject({
  logId: z.string().nullable(),
  candidate: source,
  playbook: source.nullable().describe('The one given; null where each verdict is judged with its own'),
  since: z.iso.datetime().nullable(),
  until: z.iso.datetime().nullable(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  durationMs: z.number(),
  verdictsPerMinute: count,
  upTo: z.string().nullable().describe("The store's own position at which the reading ended"),
  verdicts: count.describe('In the time asked for; those that could be judged and those that could not'),
  policy: verdicts.describe("The policy's own verdicts"),
  reviewers: verdicts.describe('Verdicts in the name of a reviewer, with what each overrode'),
  newlyExecuted: score.describe('What became of the tasks that the candidate would newly execute'),
  newlyRouted: score.describe('What became of the tasks that the candidate would newly give to a person'),
  selectionBias: z.array(z.string()).describe('What the scores cannot say'),
  days: z
    .array(z.strictObject({ day: z.string(), judged: count, toExecute: count, toManual: count }))
    .describe("The policy's own verdicts by day (UTC)"),
  notJudged: z.array(
    z.strictObject({
      reason: z.enum(NOT_JUDGED_REASONS),
      detail: z.string().describe('The fact, the playbook, or what is wrong'),
      count,
      examples: z.array(z.strictObject({ caseId: z.string(), revision: count })),
    }),
  ),
  outcomesNotRead: count.describe('Events about outcomes that this version cannot read: not in the scores'),
});
export type BacktestReport = z.infer<typeof backtestReport>;
