import { readFileSync } from 'node:fs';
import { addNote } from '../../src/commands/changeCase.ts';
import { openCase } from '../../src/commands/openCase.ts';
import { claimReview, decideReview } from '../../src/commands/reviews.ts';
import { showReview } from '../../src/commands/shownReview.ts';
import { outcomeOf, submitTask } from '../../src/commands/submitTask.ts';
import type { Actor } from '../../src/domain/events.ts';
import { sha256Hex } from '../../src/domain/hash.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import type { Engine } from '../../src/engine.ts';

const TEXTS = ['task-texts', 'readme-paraphrases', 'signals-unseen'].map((name) =>
  readFileSync(new URL(`../../test/data/${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { readonly text: string }).text),
);
const PRIORITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
const ROLES = ['OPS', 'OPS', 'OPS', 'SUPERVISOR', 'AGENT'] as const;
const CHANNELS = ['SYSTEM', 'EMAIL', 'PHONE', 'PORTAL', 'CHAT'] as const;
const WAIT_MS = 60_000;

const person = (id: string): Actor => ({
  kind: 'person',
  id,
  roles: ['OPS', 'SUPERVISOR'],
  authMethod: 'oidc',
});
const envelope = (actor: Actor) => ({ actor, traceparent: null, sentKey: null });

/** Lives through one case: it is opened, something is asked of it one to three times, and people decide part of what comes to them. */
export async function liveCase(engine: Engine, number: number): Promise<void> {
  const caseId = `H${String(number).padStart(7, '0')}`;
  const choose = chooser(caseId);
  await openCase(
    engine,
    {
      caseId,
      priority: choose(PRIORITIES),
      lastErrorType: null,
      retryCount: choose([0, 0, 0, 0, 1, 2, 4]),
      attributes: { line: choose(['LIFE', 'MOTOR', 'HOME']) },
      personalAttributes: {},
    },
    person('clerk'),
    null,
  );
  for (let task = choose([1, 2, 2, 2]); task > 0; task -= 1) await liveTask(engine, caseId, choose);
  if (choose([true, false, false, false, false]))
    await addNote(engine, caseId, 'Looked at it.', envelope(person('clerk')));
}

type Choose = <T>(among: readonly T[]) => T;

async function liveTask(engine: Engine, caseId: string, choose: Choose): Promise<void> {
  const description = `${choose(choose(TEXTS))} (${choose(NUMBERS)})`;
  const submitted = await submitTask(
    { ...engine, policy: engine.reviewing.policy },
    {
      caseId,
      description,
      channel: choose(CHANNELS),
      userRole: choose(ROLES),
      sentKey: null,
      actor: { ...person('clerk'), roles: ROLES },
      traceparent: null,
    },
  );
  const { task } = await outcomeOf(engine, submitted, WAIT_MS);
  if (task.status === 'IN_REVIEW' && choose([true, true, false]))
    await decide(engine, caseId, task.taskId, choose);
}

/** A person takes a review and decides it, as far as the rules let them. */
async function decide(engine: Engine, caseId: string, taskId: string, choose: Choose): Promise<void> {
  const by = envelope(person(choose(['erika', 'omar', 'li'])));
  await claimReview(engine.reviewing, taskId, false, by);
  const { reviewedHash, reviewedRevision, task } = await showReview(engine.reviewing, caseId, taskId);
  const failed = task.verdicts.at(-1)?.guardrails.filter(({ passed }) => !passed) ?? [];
  const mayApprove = failed.every(({ overridable }) => overridable) && failed.length < 3;
  const approves = mayApprove && choose([true, true, true, false]);
  const asked = {
    reviewedHash,
    reviewedRevision,
    note: null,
    overrides: approves ? failed.map(({ name }) => name) : [],
    action: null,
    ...(approves
      ? ({ resolution: 'APPROVED', reasonCode: 'CONFIRMED' } as const)
      : ({ resolution: 'REJECTED', reasonCode: 'NOT_JUSTIFIED' } as const)),
  };
  try {
    await decideReview(engine.reviewing, taskId, asked, by);
    await engine.runner.settled(caseId, taskId, WAIT_MS);
  } catch (error) {
    // A rule of the domain that this does not know: the review stays open, as reviews do.
    if (!(error instanceof RefusedError)) throw error;
  }
}

const NUMBERS = Array.from({ length: 500 }, (_, index) => index);

/** Chooses as a case's id says, so that the same history is made again. */
function chooser(seed: string): Choose {
  let count = 0;
  return (among) => {
    count += 1;
    const index = Number.parseInt(sha256Hex(`${seed} ${count}`).slice(0, 12), 16) % among.length;
    return among[index] as (typeof among)[number];
  };
}
