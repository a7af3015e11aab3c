import type { Case } from '../domain/case.ts';
import { type Decided, recordedCommand } from '../domain/decide.ts';
import type { CommandKey, ReviewedAction, Sealed } from '../domain/events.ts';
import { caseIdOfTask } from '../domain/identifiers.ts';
import { RefusedError } from '../domain/refusal.ts';
import { claimReview as decideClaim, releaseReview as decideRelease } from '../domain/reviewClaims.ts';
import {
  decideReview as decideDecision,
  recordOutcome as decideOutcome,
  type Reviewing,
} from '../domain/reviewDecisions.ts';
import { changedParts, type Reviewed, reviewed, reviewedHash } from '../domain/reviewed.ts';
import type { JudgeContext } from '../domain/verdicts.ts';
import type { AttemptResult, ReviewResolution } from '../domain/vocabulary.ts';
import { StoreUnavailableError } from '../eventstore/port.ts';
import { type CaseVault, PERSONAL_FIELDS } from '../vault/vault.ts';
import { atMost } from './atMost.ts';
import { type Automation, pausesAsOfNow } from './automation.ts';
import type { CaseStore } from './caseStore.ts';
import { vaultOfCase } from './caseVault.ts';
import { type CaseChanged, type CommandEnvelope, changeByCommand, commandKey } from './changeCase.ts';
import type { Opening } from './driveTask.ts';
import { type JudgeDependencies, judgeContext, readText } from './judging.ts';
import type { TaskRunner } from './taskRunner.ts';

export type ReviewDependencies = JudgeDependencies & {
  readonly cases: CaseStore;
  readonly automation: Pick<Automation, 'current'>;
  readonly runner: Pick<TaskRunner, 'decide'>;
};

/** What a reviewer has been shown: the hash of it, and the case's revision then. */
export type Seen = { readonly reviewedHash: string; readonly reviewedRevision: number };

export type DecisionAsked = Seen & {
  readonly resolution: ReviewResolution;
  readonly reasonCode: string;
  readonly note: string | null;
  readonly overrides: readonly string[];
  readonly action: ReviewedAction | null;
};

export type OutcomeAsked = Seen & {
  readonly attempt: number;
  readonly result: Exclude<AttemptResult, 'UNKNOWN'>;
  readonly reasonCode: string;
  readonly note: string | null;
};

/** How long a decision waits to be recorded, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Claims a review, or renews a claim.
 *
 * @param takeover whether another one's running claim is to end
 * @throws RefusedError, see the domain's `claimReview`
 */
export async function claimReview(
  deps: ReviewDependencies,
  taskId: string,
  takeover: boolean,
  envelope: CommandEnvelope,
): Promise<CaseChanged> {
  const { caseId, vault } = await reviewVault(deps, taskId);
  const command = keyOf(vault, taskId, envelope, { claim: { takeover } });
  return change(deps, caseId, taskId, envelope, command, (current, now) =>
    decideClaim(current, taskId, takeover, { reviewer: envelope.actor, now, command }, deps.policy),
  );
}

/**
 * Ends a claim before its lease does.
 *
 * @throws RefusedError, see the domain's `releaseReview`
 */
export async function releaseReview(
  deps: ReviewDependencies,
  taskId: string,
  envelope: CommandEnvelope,
): Promise<CaseChanged> {
  const { caseId, vault } = await reviewVault(deps, taskId);
  const command = keyOf(vault, taskId, envelope, { release: true });
  return change(deps, caseId, taskId, envelope, command, (current, now) =>
    decideRelease(current, taskId, { reviewer: envelope.actor, now, command }, deps.policy),
  );
}

/**
 * Decides a review; what an approval permits is driven from here.
 *
 * @throws RefusedError, see the domain's `decideReview`; REVIEW_STALE says what has changed
 */
export async function decideReview(
  deps: ReviewDependencies,
  taskId: string,
  asked: DecisionAsked,
  envelope: CommandEnvelope,
): Promise<CaseChanged> {
  const { caseId, vault } = await reviewVault(deps, taskId);
  const command = keyOf(vault, taskId, envelope, { decide: asked });
  const note = sealedNote(vault, PERSONAL_FIELDS.reviewNote, asked.note);
  const decision = { ...asked, note };
  return decide(deps, caseId, taskId, asked, envelope, command, (current, by, context) =>
    decideDecision(current, taskId, decision, by, context),
  );
}

/**
 * Records what a backend really did in an attempt of unknown outcome.
 *
 * @throws RefusedError, see the domain's `recordOutcome`; REVIEW_STALE says what has changed
 */
export async function recordOutcome(
  deps: ReviewDependencies,
  taskId: string,
  asked: OutcomeAsked,
  envelope: CommandEnvelope,
): Promise<CaseChanged> {
  const { caseId, vault } = await reviewVault(deps, taskId);
  const command = keyOf(vault, taskId, envelope, { outcome: asked });
  const outcome = { ...asked, note: sealedNote(vault, PERSONAL_FIELDS.outcomeNote, asked.note) };
  return decide(deps, caseId, taskId, asked, envelope, command, (current, by, context) =>
    decideOutcome(current, taskId, outcome, by, context),
  );
}

async function reviewVault(
  deps: ReviewDependencies,
  taskId: string,
): Promise<{ readonly caseId: string; readonly vault: CaseVault }> {
  const caseId = caseIdOfTask(taskId);
  const task = caseId === null ? undefined : (await deps.cases.load(caseId)).tasks.get(taskId);
  if (caseId === null || !task) throw new RefusedError('REVIEW_NOT_FOUND', 'names no task', 'taskId');
  return { caseId, vault: await vaultOfCase(deps, caseId, 'taskId') };
}

/** With one key another reviewer asks for something else: 422. */
const keyOf = (vault: CaseVault, taskId: string, envelope: CommandEnvelope, request: object) =>
  commandKey(vault, envelope, { taskId, reviewer: envelope.actor.id, ...request });

const sealedNote = (vault: CaseVault, field: string, note: string | null): Sealed | null =>
  note === null ? null : vault.seal(field, note);

async function change(
  deps: ReviewDependencies,
  caseId: string,
  taskId: string,
  envelope: CommandEnvelope,
  command: CommandKey | null,
  decideNow: (current: Case, now: string) => Decided,
): Promise<CaseChanged> {
  const { current, replayed } = await changeByCommand(deps, caseId, taskId, envelope, decideNow);
  return answer(deps, current, replayed, command);
}

type DecideNow = (current: Case, by: Reviewing, context: JudgeContext) => Decided;

/** First on the case as it is known, so that most refusals and repeats wait for nobody; then for good. */
async function decide(
  deps: ReviewDependencies,
  caseId: string,
  taskId: string,
  seen: Seen,
  { actor, traceparent }: CommandEnvelope,
  command: CommandKey | null,
  decideNow: DecideNow,
): Promise<CaseChanged> {
  /** What the newest answer of `decideNow` was given on. */
  let judged: { readonly current: Case; readonly context: JudgeContext } | null = null;
  const decideOn = (current: Case, context: JudgeContext): Decided => {
    judged = { current, context };
    return decideNow(current, { reviewer: actor, now: context.now, command }, context);
  };
  const pauses = pausesAsOfNow(deps.automation);
  const { signals } = await readText(deps, caseId, taskId);
  const judging = judgeContext(deps, signals, pauses.paused);
  /** The case as it is now, where the decision is a repeat; throws what refuses it. */
  const known = async (): Promise<Case | null> => {
    const [latest] = await Promise.all([deps.cases.load(caseId), pauses.beforehand()]);
    if (seen.reviewedRevision > latest.revision) {
      const message = `must be the revision that was shown; the case is at ${latest.revision}`;
      throw new RefusedError('INVALID_INPUT', message, 'reviewedRevision');
    }
    const context = withoutBackends(judging(deps.clock.now()));
    if (decideOn(latest, context).replayed) return latest;
    await mustHaveBeenShown(deps, taskId, seen, latest, context);
    return null;
  };
  try {
    const repeated = await known();
    if (repeated) return await answer(deps, repeated, true, command);
    const end = deps.clock.monotonicMs() + PATIENCE_MS;
    const decideInTime: Opening['decide'] = (current, context) => {
      // Who was told that it was not recorded has not decided any more, whenever the store is back.
      if (deps.clock.monotonicMs() > end)
        throw new RefusedError('REVIEW_STALE', 'the decision came too late');
      return decideOn(current, context);
    };
    const opening: Omit<Opening, 'told'> = { actor, decide: decideInTime };
    const { current, replayed } = await inTime(
      deps,
      deps.runner.decide(caseId, taskId, traceparent, opening, known),
    );
    return await answer(deps, current, replayed, command);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'REVIEW_STALE' || !judged) throw error;
    throw await stale(deps, taskId, seen, error, judged);
  }
}

/** The revision is evidence: whoever folds the case to it must find what the hash is of. */
async function mustHaveBeenShown(
  { cases }: ReviewDependencies,
  taskId: string,
  { reviewedRevision, reviewedHash: hash }: Seen,
  latest: Case,
  context: JudgeContext,
): Promise<void> {
  if (reviewedRevision === latest.revision) return;
  const shown = partsOf(await cases.at(latest.caseId, reviewedRevision), taskId, context);
  if (shown && reviewedHash(shown) === hash) return;
  throw new RefusedError(
    'INVALID_INPUT',
    'must be the revision that reviewedHash came with',
    'reviewedRevision',
  );
}

/** What a reviewer is shown of a task; null where a case has not got so far. */
function partsOf(current: Case, taskId: string, context: JudgeContext): Reviewed | null {
  const task = current.tasks.get(taskId);
  return task?.decision ? reviewed(current, task, context) : null;
}

/** Asking whether a backend is available may take the one call that it is probed with: only for good is it asked. */
const withoutBackends = (context: JudgeContext): JudgeContext => ({
  ...context,
  backend: (route) => ({ ...context.backend(route), available: () => true }),
});

/** Who waits too long is told to repeat; what was sent may be recorded all the same, and a repeat learns it. */
async function inTime<T>({ clock, shutdown }: ReviewDependencies, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  await atMost(clock, work.then(done, done), PATIENCE_MS, shutdown);
  if (!isDone) throw new StoreUnavailableError('the decision was not recorded in time', undefined);
  return work;
}

/** The refusal with what has changed between the revision that was seen and what the decision was refused on. */
async function stale(
  { cases }: ReviewDependencies,
  taskId: string,
  seen: Seen,
  error: RefusedError,
  { current, context }: { readonly current: Case; readonly context: JudgeContext },
): Promise<RefusedError> {
  const then = await cases.at(current.caseId, seen.reviewedRevision);
  // What was paused then may be running again, and the other way round.
  const before = [true, false]
    .map((paused) => partsOf(then, taskId, { ...context, paused: () => paused }))
    .find((parts) => parts && reviewedHash(parts) === seen.reviewedHash);
  const after = partsOf(current, taskId, context);
  if (!before || !after) {
    const message =
      'reviewedHash was not made at this revision under what is in force now (policy, playbook); read it again';
    return new RefusedError('REVIEW_STALE', message, null, { changed: ['policy'] });
  }
  const changed = changedParts(before, after);
  return new RefusedError('REVIEW_STALE', `${error.message}: ${changed.join(', ')}`, null, { changed });
}

/**
 * The case as the command left it: for a repeat, and where others have gone further before the answer, at the revision of then. Where
 * the command left nothing, the case as it is.
 */
async function answer(
  deps: ReviewDependencies,
  current: Case,
  replayed: boolean,
  command: CommandKey | null,
): Promise<CaseChanged> {
  const { revision, position } = recordedCommand(current, command) ?? current;
  const then = revision === current.revision ? current : await deps.cases.at(current.caseId, revision);
  return { current: then, revision, position, replayed };
}
