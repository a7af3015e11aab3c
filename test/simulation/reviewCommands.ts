import type { CaseChanged } from '../../src/commands/changeCase.ts';
import { claimReview, decideReview, recordOutcome, releaseReview } from '../../src/commands/reviews.ts';
import { type ShownReview, showReview } from '../../src/commands/shownReview.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import type { Engine } from '../../src/engine.ts';
import type { ReviewAnswers } from './oracle/reviewAnswers.ts';
import type { Random } from './random.ts';
import type { Requests } from './requests.ts';
import type { ReviewCommand } from './reviewCommand.ts';
import type { World } from './world.ts';

/** What becomes of a command; null: no answer. */
export type Answer = CaseChanged | RefusedError | null;

/** What a reviewer's requests bring; null: no answer. */
export type ReviewCommands = {
  readonly look: (caseId: string, taskId: string) => Promise<ShownReview | null>;
  readonly send: (command: ReviewCommand, random: Random) => Promise<Answer>;
};

const MOST_REPEATS = 3;
const LATE_REPEAT_MS = 3_000;

export function createReviewCommands(
  { timeline, tell }: World,
  { somebody, within, request }: Requests,
  rules: ReviewAnswers,
): ReviewCommands {
  const once = async (command: ReviewCommand): Promise<Answer> => {
    const { host, engine } = await somebody();
    const answer = await request(() => within(host, () => run(engine, command)));
    tell(() => `${command.actor.id} asks ${host.name} to ${textOf(command)}: ${resultOf(answer)}`);
    if (answer instanceof RefusedError) rules.refused(command, answer);
    else if (answer) rules.answered(command, answer);
    return answer;
  };
  /** Again and again until there is an answer, where a key makes that safe. */
  const untilAnswered = async (command: ReviewCommand): Promise<Answer> => {
    let answer = await once(command);
    for (let tries = 0; answer === null && command.sentKey !== null && tries < MOST_REPEATS; tries += 1)
      answer = await once(command);
    return answer;
  };
  const repeat = async (command: ReviewCommand, first: CaseChanged): Promise<void> => {
    const again = await once(command);
    if (again) rules.repeated(command, first, again);
  };
  return {
    look: async (caseId, taskId) => {
      const { host, engine, config } = await somebody();
      const shown = await request(() => within(host, () => showReview(engine.reviewing, caseId, taskId)));
      if (shown === null || shown instanceof RefusedError) return null;
      const { context, task, reviewedHash: hash, reviewedRevision: revision } = shown;
      const paused = context.paused(task.decision?.intent ?? '', task.decision?.routeTarget ?? '');
      rules.shown({
        taskId,
        revision,
        hash,
        policyHash: config.policy.hash,
        playbookHash: config.playbook.hash,
        paused,
      });
      return shown;
    },
    send: async (command, random) => {
      const isKeyed = command.sentKey !== null;
      const twin = isKeyed && random.chance(0.1) ? once(command) : null;
      const answers = [await untilAnswered(command), await twin];
      const [answer, other] = answers.filter(isAccepted);
      if (!answer) return answers[0] ?? null;
      if (other) rules.repeated(command, answer, other);
      if (isKeyed && random.chance(0.2)) {
        await timeline.sleep(random.pick([0, 0, random.between(0, LATE_REPEAT_MS)]));
        await repeat(command, answer);
      }
      return answer;
    },
  };
}

/** A refusal may be older than what another process has accepted. */
const isAccepted = (answer: Answer): answer is CaseChanged =>
  answer !== null && !(answer instanceof RefusedError);

function run({ reviewing }: Engine, { taskId, actor, sentKey, asked }: ReviewCommand): Promise<CaseChanged> {
  const envelope = { actor, traceparent: null, sentKey };
  switch (asked.kind) {
    case 'claim':
      return claimReview(reviewing, taskId, asked.takeover, envelope);
    case 'release':
      return releaseReview(reviewing, taskId, envelope);
    case 'decide':
      return decideReview(reviewing, taskId, asked.decision, envelope);
    case 'outcome':
      return recordOutcome(reviewing, taskId, asked.outcome, envelope);
  }
}

const textOf = ({ taskId, asked }: ReviewCommand): string => {
  const what = asked.kind === 'decide' ? `decide ${asked.decision.resolution}` : asked.kind;
  return `${what} …${taskId.slice(-6)}`;
};

function resultOf(answer: Answer): string {
  if (answer === null) return 'no answer';
  if (answer instanceof RefusedError) return answer.code;
  return `revision ${answer.revision}${answer.replayed ? ', as recorded' : ''}`;
}
