import { addNote, type CaseChanged, changeCaseState } from '../../src/commands/changeCase.ts';
import { openCase } from '../../src/commands/openCase.ts';
import { outcomeOf, type SubmittedTask, submitTask } from '../../src/commands/submitTask.ts';
import type { Actor } from '../../src/domain/events.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import type { Engine } from '../../src/engine.ts';
import type { Fleet, Process } from './fleet.ts';
import type { Host } from './host.ts';
import type { AnswerRules } from './oracle/answerRules.ts';
import type { CasePlan, ChangePlan, TaskPlan } from './scenario.ts';
import type { World } from './world.ts';

const ANYBODY: Actor = { kind: 'anonymous', id: 'anonymous', roles: [], authMethod: 'none' };
const NEW_CASE = {
  priority: 'MEDIUM',
  lastErrorType: 'TIMEOUT',
  retryCount: 0,
  attributes: { policy: 4711 },
  personalAttributes: { holder: 'somebody' },
} as const;
/** After so long without an answer a client gives up on a request, in milliseconds. */
const PATIENCE_MS = 5_000;
const AGAIN_MS = 400;
const MOST_REPEATS = 3;

/** Those who open cases, send tasks and change cases, over whatever process they get. */
export type Clients = {
  readonly open: (plan: CasePlan) => Promise<void>;
  readonly submit: (plan: TaskPlan) => Promise<void>;
  readonly change: (plan: ChangePlan) => Promise<void>;
  /** Sends a task once to a process, and waits no longer than `waitMs` for its outcome. */
  readonly ask: (plan: TaskPlan, process: Serving, waitMs: number) => Promise<SubmittedTask>;
  /** Whether nobody waits for an answer, and no living process works on a request, even one that was given up. */
  readonly areDone: () => boolean;
};

type Serving = Process & { readonly engine: Engine };

export function createClients(world: World, fleet: Fleet, rules: AnswerRules): Clients {
  const { timeline, random, count, tell } = world;
  const opened = new Map<string, Promise<void>>();
  /** Hosts of the requests that are worked on, one entry each. */
  const works: Host[] = [];
  let waiting = 0;

  /** Does work in a process: when something reaches it, or never. */
  const within = <T>(host: Host, work: () => Promise<T>): Promise<T> => {
    works.push(host);
    const reached = new Promise<T>((resolve, reject) =>
      host.deliver(() => void work().then(resolve, reject)),
    );
    return reached.finally(() => works.splice(works.indexOf(host), 1));
  };
  const somebody = async (): Promise<Serving> => {
    for (;;) {
      const serving = fleet.serving();
      if (serving.length > 0) return random.pick(serving);
      await timeline.sleep(AGAIN_MS);
    }
  };
  /** What a client makes of a request: its answer, why it was refused, or nothing: an error, or silence. */
  const request = async <T>(work: () => Promise<T>): Promise<T | RefusedError | null> => {
    const silence = timeline.sleep(PATIENCE_MS).then(() => null);
    const answer = work().catch((error: unknown) => (error instanceof RefusedError ? error : null));
    return Promise.race([answer, silence]);
  };
  const ask: Clients['ask'] = ({ caseId, description, sentKey }, { host, engine, config }, waitMs) =>
    within(host, async () => {
      const submitted = await submitTask(
        { ...engine, policy: config.policy },
        {
          caseId,
          description,
          sentKey,
          channel: 'SYSTEM',
          userRole: 'OPS',
          actor: ANYBODY,
          traceparent: null,
        },
      );
      return waitMs === 0 ? submitted : outcomeOf(engine, submitted, waitMs);
    });
  const openOne = async ({ caseId }: CasePlan): Promise<void> => {
    for (;;) {
      const { host, engine } = await somebody();
      const work = (): Promise<unknown> => openCase(engine, { caseId, ...NEW_CASE }, ANYBODY, null);
      const answer = await request(() => within(host, work));
      if (answer !== null) return;
      await timeline.sleep(AGAIN_MS);
    }
  };
  const deliver = async (plan: TaskPlan): Promise<boolean> => {
    const process = await somebody();
    tell(() => `a client sends "${plan.description}" to ${process.host.name}`);
    const answer = await request(() => ask(plan, process, plan.waitMs));
    tell(() => `the client of "${plan.description}" gets ${answerOf(answer)}`);
    if (answer === null) count('client/noAnswer');
    else if (answer instanceof RefusedError) count(`client/${answer.code}`);
    else rules.answered(plan, answer);
    return answer !== null;
  };
  const changeOnce = async (plan: ChangePlan, seen: number): Promise<CaseChanged | RefusedError | null> => {
    const { host, engine } = await somebody();
    const answer = await request(() => within(host, () => change(engine, plan, seen)));
    if (answer instanceof RefusedError) count(`client/${answer.code}`);
    else if (answer !== null) rules.changed(plan, seen, answer);
    tell(() => `a client changes ${plan.caseId} at ${seen} to ${plan.to}: ${resultOf(answer)}`);
    return answer;
  };
  /** The same key for something else: whoever answers, refuses. */
  const clash = async (plan: TaskPlan): Promise<void> => {
    const process = await somebody();
    const other = { ...plan, description: `${plan.description}, and something else` };
    const answer = await request(() => ask(other, process, 0));
    if (answer instanceof RefusedError) count(`client/${answer.code}`);
    else if (answer !== null) rules.clashed(plan);
  };
  const counted =
    <A>(work: (argument: A) => Promise<void>) =>
    async (argument: A): Promise<void> => {
      waiting += 1;
      await work(argument);
      waiting -= 1;
    };

  return {
    ask,
    areDone: () => waiting === 0 && works.every((host) => !host.isAlive()),
    open: (plan) => {
      const open = counted(openOne)(plan);
      opened.set(plan.caseId, open);
      return open;
    },
    submit: counted(async (plan) => {
      await opened.get(plan.caseId);
      await timeline.sleep(plan.at - timeline.now());
      const first = deliver(plan);
      const repeats = plan.repeatsAfter.map(async (milliseconds) => {
        count('fault/duplicateDelivery');
        await timeline.sleep(milliseconds);
        await deliver(plan);
      });
      await Promise.all([first, ...repeats]);
      if (plan.clashes && plan.sentKey !== null && (await first)) await clash(plan);
      for (let tries = 0; !(await first) && tries < plan.tries; tries += 1) {
        await timeline.sleep(AGAIN_MS);
        if (await deliver(plan)) return;
      }
    }),
    change: counted(async (plan) => {
      await opened.get(plan.caseId);
      await timeline.sleep(plan.at - timeline.now());
      const seen = await request(async () => {
        const { host, engine } = await somebody();
        return within(host, () => engine.cases.load(plan.caseId));
      });
      if (seen === null || seen instanceof RefusedError) return;
      if (plan.isStale) await timeline.sleep(random.between(1, 500));
      let answer = await changeOnce(plan, seen.revision);
      for (let tries = 0; answer === null && plan.sentKey !== null && tries < MOST_REPEATS; tries += 1) {
        answer = await changeOnce(plan, seen.revision);
      }
    }),
  };
}

function change(engine: Engine, { caseId, to, sentKey }: ChangePlan, expected: number): Promise<CaseChanged> {
  const envelope = { actor: ANYBODY, traceparent: null, sentKey };
  if (to === 'NOTE') return addNote(engine, caseId, 'somebody called', envelope);
  return changeCaseState(engine, caseId, { to, reason: 'asked for', expected }, envelope);
}

function resultOf(answer: CaseChanged | RefusedError | null): string {
  if (answer === null) return 'no answer';
  return answer instanceof RefusedError ? answer.code : `revision ${answer.revision}`;
}

function answerOf(answer: SubmittedTask | RefusedError | null): string {
  if (answer === null) return 'no answer';
  if (answer instanceof RefusedError) return answer.code;
  return `${answer.task.status} ${answer.task.outcome}${answer.replayed ? ', as recorded' : ''}`;
}
