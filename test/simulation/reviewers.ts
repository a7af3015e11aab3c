import type { ShownReview } from '../../src/commands/shownReview.ts';
import { unknownAttempts } from '../../src/domain/attempts.ts';
import type { Actor } from '../../src/domain/events.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import type { Book } from './oracle/book.ts';
import type { ReviewAnswers } from './oracle/reviewAnswers.ts';
import type { Outside } from './outside.ts';
import { LEADER, REVIEWERS } from './people.ts';
import type { Random } from './random.ts';
import type { Requests } from './requests.ts';
import { type Choice, choose, decisionOf, seenIn } from './reviewChoices.ts';
import type { Asked, ReviewCommand } from './reviewCommand.ts';
import { type Answer, createReviewCommands } from './reviewCommands.ts';
import type { ReviewPlan } from './scenario.ts';
import type { Route } from './sources.ts';
import type { World } from './world.ts';

/** Those who decide what was routed to people, over whatever process they get. */
export type Reviewers = {
  readonly work: (plan: ReviewPlan) => Promise<void>;
  /** Whether nobody is at work. */
  readonly areDone: () => boolean;
};

/** A reviewer with one review. */
type Visit = {
  readonly caseId: string;
  readonly taskId: string;
  readonly actor: Actor;
  readonly random: Random;
  readonly name: string;
};

/** What a decision is made on, and what it is to be. */
type Grounds = { readonly shown: ShownReview; readonly choice: Choice };

const AGAIN_MS = 700;
/** Longer than most policies let somebody have a review. */
const LEASE_MS = 3_100;
const MOST_LOOKS = 4;
/** So long somebody may think: some longer than a lease. */
const THINKING_MS = [0, 0, 50, 300, 1_000, 3_500];
/** So often somebody decides anew who was told why not. */
const MOST_TRIES = 3;

export function createReviewers(
  world: World,
  requests: Requests,
  book: Pick<Book, 'tasks'>,
  outside: Pick<Outside, 'truth'>,
  rules: ReviewAnswers,
): Reviewers {
  const { timeline, count } = world;
  const { look, send } = createReviewCommands(world, requests, rules);
  let working = 0;
  let commands = 0;

  const ask = ({ caseId, taskId, actor, random }: Visit, asked: Asked) => {
    commands += 1;
    const sentKey = random.chance(0.6) ? `review-${commands}` : null;
    const command: ReviewCommand = { caseId, taskId, actor, sentKey, asked };
    return send(command, random);
  };
  const think = (random: Random): Promise<void> => timeline.sleep(random.pick(THINKING_MS));

  /** Whether the reviewer goes on with the review: mostly where it could be claimed. */
  const claim = async (visit: Visit): Promise<boolean> => {
    const { actor, random } = visit;
    const answer = await ask(visit, { kind: 'claim', takeover: random.chance(0.1) });
    if (answer === null) return random.chance(0.3);
    if (!(answer instanceof RefusedError)) return true;
    if (answer.code !== 'REVIEW_CLAIMED') return random.chance(0.2);
    const what = random.weighted({ insist: 4, leave: 6, goOn: 1 });
    if (what !== 'insist') return what === 'goOn';
    const second = await (actor.roles.includes(LEADER) ? takeFromOther(visit) : waitForLease(visit));
    return second !== null && !(second instanceof RefusedError);
  };
  const takeFromOther = async (visit: Visit): Promise<Answer> => {
    if (visit.random.chance(0.3)) await ask(visit, { kind: 'release' });
    return ask(visit, { kind: 'claim', takeover: true });
  };
  const waitForLease = async (visit: Visit): Promise<Answer> => {
    await timeline.sleep(LEASE_MS);
    return ask(visit, { kind: 'claim', takeover: false });
  };
  /** Finds out what a backend really did in an attempt of unknown outcome, and says so. */
  const recordOutcome = async (visit: Visit, shown: ShownReview): Promise<void> => {
    const { random } = visit;
    const attempt = random.pick(random.chance(0.9) ? unknownAttempts(shown.task) : shown.task.attempts);
    if (!attempt) return;
    const { backend, idempotencyKey, attempt: number } = attempt.started;
    const truth = outside.truth(backend as Route, idempotencyKey);
    if (truth === 'UNKNOWN') return;
    const outcome = { attempt: number, result: truth, reasonCode: 'CHECKED_WITH_BACKEND', note: null };
    await ask(visit, { kind: 'outcome', outcome: { ...outcome, ...seenIn(shown) } });
  };
  const decide = async (visit: Visit, first: ShownReview): Promise<void> => {
    const { random, taskId } = visit;
    let next: Grounds | null = { shown: first, choice: choose(first, random) };
    for (let tries = 0; next && tries < MOST_TRIES; tries += 1) {
      const { shown, choice }: Grounds = next;
      const answer = await ask(visit, { kind: 'decide', decision: decisionOf(shown, choice, random) });
      if (answer === null) return;
      if (answer instanceof RefusedError) next = await afterRefusal(visit, next, answer);
      else if (answer.current.tasks.get(taskId)?.review?.firstApproval) return askSecond(visit);
      else return;
    }
  };
  /** What a reviewer makes of a refusal; null: gives up. */
  const afterRefusal = async (
    { caseId, taskId }: Visit,
    { shown, choice }: Grounds,
    { code, details }: RefusedError,
  ): Promise<Grounds | null> => {
    const against = details.guardrails ?? [];
    switch (code) {
      case 'GUARDRAILS_REFUSE': {
        if (against.some(({ overridable }) => !overridable)) return null;
        const overrides = [...choice.overrides, ...against.map(({ name }) => name)];
        return { shown, choice: { ...choice, overrides } };
      }
      case 'REVIEW_STALE': {
        const now = await look(caseId, taskId);
        return now && { shown: now, choice };
      }
      case 'ACTION_OPEN':
      case 'BACKEND_UNAVAILABLE':
        await timeline.sleep(AGAIN_MS);
        return { shown, choice };
      default:
        return null;
    }
  };
  /** Mostly somebody else. */
  const askSecond = async ({ actor, random, name, ...visit }: Visit): Promise<void> => {
    const others = REVIEWERS.slice(0, 4).filter(({ id }) => id !== actor.id);
    const second = random.chance(0.8) ? random.pick(others) : actor;
    await think(random);
    await visitReview({ ...visit, actor: second, random, name: `${name}.second` });
  };
  const act = async (visit: Visit, shown: ShownReview): Promise<void> => {
    const { random, caseId, taskId } = visit;
    const what = random.weighted({ decide: 8, release: 1, leave: 1 });
    if (what === 'leave') return;
    if (what === 'release') {
      await ask(visit, { kind: 'release' });
      return;
    }
    if (shown.task.attempts.length === 0 || !random.chance(0.7)) return decide(visit, shown);
    await recordOutcome(visit, shown);
    const now = random.chance(0.8) ? await look(caseId, taskId) : shown;
    if (now?.task.status === 'IN_REVIEW') await decide(visit, now);
  };
  const visitReview = async (visit: Visit): Promise<void> => {
    const { random, caseId, taskId } = visit;
    const before = random.chance(0.2) ? await look(caseId, taskId) : null;
    if (!(await claim(visit)) && !random.chance(0.05)) return;
    const shown = before ?? (await look(caseId, taskId));
    if (!shown) return;
    await think(random);
    if (random.chance(0.15)) await ask(visit, { kind: 'claim', takeover: false });
    await act(visit, shown);
  };
  /** Mostly a review that is open; waits a while for one. */
  const pick = async (random: Random): Promise<Pick<Visit, 'caseId' | 'taskId'> | null> => {
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const tasks = book.tasks();
      const open = tasks.filter(({ status }) => status === 'IN_REVIEW');
      const found = open.length > 0 && !random.chance(0.03) ? open : random.chance(0.03) ? tasks : [];
      if (found.length > 0) return random.pick(found);
      await timeline.sleep(AGAIN_MS);
    }
    return null;
  };

  return {
    work: async ({ at, name, reviewer }) => {
      working += 1;
      const random = world.random.fork(`reviewer ${name}`);
      await timeline.sleep(at);
      const chosen = await pick(random);
      if (chosen) {
        count('reviewer/visit');
        await visitReview({ caseId: chosen.caseId, taskId: chosen.taskId, actor: reviewer, random, name });
      }
      working -= 1;
    },
    areDone: () => working === 0,
  };
}
