import type { AutomationChanged } from '../../src/commands/automation.ts';
import { addNote, type CaseChanged, changeCaseState } from '../../src/commands/changeCase.ts';
import { ERASE_COMMAND, eraseCase } from '../../src/commands/eraseCase.ts';
import { openCase } from '../../src/commands/openCase.ts';
import { outcomeOf, type SubmittedTask, submitTask } from '../../src/commands/submitTask.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import type { Engine } from '../../src/engine.ts';
import type { AnswerRules } from './oracle/answerRules.ts';
import type { ErasureRules } from './oracle/erasureRules.ts';
import { ANYBODY } from './people.ts';
import { AGAIN_MS, type Requests, type Serving } from './requests.ts';
import type { CasePlan, ChangePlan, ErasurePlan, OrderPlan, TaskPlan } from './scenario.ts';
import type { World } from './world.ts';

const NEW_CASE = {
  priority: 'MEDIUM',
  lastErrorType: 'TIMEOUT',
  retryCount: 0,
  attributes: { policy: 4711 },
  personalAttributes: { holder: 'somebody' },
} as const;
const MOST_REPEATS = 3;
/** So much later the same order may come once more. */
const LATE_REPEAT_MS = 4_000;

/** Those who open cases, send tasks and change cases, over whatever process they get. */
export type Clients = {
  readonly open: (plan: CasePlan) => Promise<void>;
  readonly submit: (plan: TaskPlan) => Promise<void>;
  readonly change: (plan: ChangePlan) => Promise<void>;
  readonly erase: (plan: ErasurePlan) => Promise<void>;
  /** Pauses or resumes. */
  readonly order: (plan: OrderPlan) => Promise<void>;
  /** Sends a task once to a process, and waits no longer than `waitMs` for its outcome. */
  readonly ask: (plan: TaskPlan, process: Serving, waitMs: number) => Promise<SubmittedTask>;
  /** Whether nobody waits for an answer. */
  readonly areDone: () => boolean;
};

export function createClients(
  world: World,
  requests: Requests,
  rules: AnswerRules,
  erasures: ErasureRules,
): Clients {
  const { timeline, random, count, tell } = world;
  const { within, somebody, request } = requests;
  const opened = new Map<string, Promise<void>>();
  let waiting = 0;

  const ask: Clients['ask'] = ({ caseId, description, sentKey, by }, { host, engine, config }, waitMs) =>
    within(host, async () => {
      const submitted = await submitTask(
        { ...engine, policy: config.policy },
        {
          caseId,
          description,
          sentKey,
          channel: 'SYSTEM',
          userRole: 'OPS',
          actor: by,
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
  /** Whether there was an answer, or a refusal that time does not change. */
  const eraseOnce = async ({ caseId }: ErasurePlan): Promise<boolean> => {
    const { host, engine } = await somebody();
    const envelope = { actor: ERASE_COMMAND, traceparent: null, sentKey: null };
    const answer = await request(() => within(host, () => eraseCase(engine, caseId, 'SIMULATED', envelope)));
    if (answer instanceof RefusedError) count(`erasure/${answer.code}`);
    else if (answer !== null) erasures.answered(caseId, answer);
    const told = answer instanceof RefusedError ? answer.code : (answer?.erased.revision ?? 'no answer');
    tell(() => `somebody erases ${caseId} at ${host.name}: ${told}`);
    return answer !== null && !(answer instanceof RefusedError);
  };
  const orderOnce = async ({ verb, target, sentKey }: OrderPlan): Promise<AutomationChanged | null> => {
    const { host, engine } = await somebody();
    const command = { target, reason: 'SIMULATED', actor: ANYBODY, traceparent: null, sentKey };
    const answer = await request(() => within(host, () => engine.automation[verb](command)));
    const held = answer === null || answer instanceof RefusedError ? null : answer;
    tell(() => `somebody asks ${host.name} to ${verb} ${target.scope} ${target.name ?? ''}: ${told(held)}`);
    if (held) count(`client/${held.replayed ? 'orderRepeated' : verb}`);
    return held;
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
    order: counted(async (plan) => {
      await timeline.sleep(plan.at);
      let first = await orderOnce(plan);
      for (let tries = 0; first === null && tries < MOST_REPEATS; tries += 1) first = await orderOnce(plan);
      if (first === null || plan.sentKey === null) return;
      await timeline.sleep(random.between(0, LATE_REPEAT_MS));
      const late = await orderOnce(plan);
      if (late) rules.ordered(plan, first, late);
    }),
    erase: counted(async (plan) => {
      await opened.get(plan.caseId);
      await timeline.sleep(plan.at - timeline.now());
      for (let tries = 0; tries < MOST_REPEATS && !(await eraseOnce(plan)); tries += 1)
        await timeline.sleep(AGAIN_MS);
    }),
    ask,
    areDone: () => waiting === 0,
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

const told = (answer: AutomationChanged | null): string =>
  answer === null
    ? 'no answer'
    : `revision ${answer.answer.revision}${answer.replayed ? ', as recorded' : ''}`;

function resultOf(answer: CaseChanged | RefusedError | null): string {
  if (answer === null) return 'no answer';
  return answer instanceof RefusedError ? answer.code : `revision ${answer.revision}`;
}

function answerOf(answer: SubmittedTask | RefusedError | null): string {
  if (answer === null) return 'no answer';
  if (answer instanceof RefusedError) return answer.code;
  return `${answer.task.status} ${answer.task.outcome}${answer.replayed ? ', as recorded' : ''}`;
}
