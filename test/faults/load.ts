import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Journal } from './journal.ts';
import type { Ledger, LedgerTask } from './ledger.ts';
import { ask, type Reply } from './request.ts';
import type { Slot } from './slot.ts';
import { descriptionOf } from './sources.ts';

export type LoadOptions = {
  readonly slots: readonly Slot[];
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly random: Random;
  readonly tasksPerSecond: number;
};

/** A steady stream of tasks. */
export type Load = {
  /** Sends nothing new; resolves when everything that was sent has been answered with 2xx. */
  readonly finish: () => Promise<void>;
  /** Gives up what has not been answered. */
  readonly abandon: () => void;
  /** How often a task could not be sent when its time came, because too many waited for their answers. */
  readonly heldBack: () => number;
  /** How often there was which answer, by status; `none` where a connection broke or nothing came in time. */
  readonly answers: () => Readonly<Record<string, number>>;
};

const CASES_AT_ONCE = 25;
const TASKS_PER_CASE = 12;
const MOST_UNANSWERED = 400;
/** Share of tasks that a hasty client sends to both processes at the same time. */
const SENT_TWICE = 0.08;
const PREFERENCES = [undefined, 'wait=2', 'respond-async'] as const;

/**
 * Sends tasks as a good client does: each with an Idempotency-Key, again with the same key after every failure, to whichever process
 * serves, until it is told a 2xx.
 */
export function startLoad({ slots, ledger, journal, random, tasksPerSecond }: LoadOptions): Load {
  const given = new AbortController();
  const pending = new Set<Promise<void>>();
  const opened = new Map<string, Promise<boolean>>();
  const answers: Record<string, number> = {};
  let heldBack = 0;
  let number = 0;
  let finishing = false;

  const note = (reply: Reply | null, { name }: Slot): void => {
    const answer = String(reply?.status ?? 'none');
    answers[answer] = (answers[answer] ?? 0) + 1;
    if (!reply || reply.status < 300 || reply.status === 503) return;
    journal.violate('an answer is a 2xx or a 503', name, `${reply.status} ${JSON.stringify(reply.body)}`);
  };

  /** Sends until it is answered with 2xx; null when the load was abandoned. */
  const persist = async (
    send: (slot: Slot, url: string) => Promise<Reply | null>,
    first: Slot,
  ): Promise<Reply | null> => {
    for (let slot = first; !given.signal.aborted; slot = random.pick(slots)) {
      const url = slot.url();
      const reply = url === null ? null : await send(slot, url);
      if (url !== null) note(reply, slot);
      if (reply && reply.status < 300) return reply;
      await sleep(reply?.retryAfterMs ?? random.between(100, 600));
    }
    return null;
  };

  const openCase = (caseId: string): Promise<boolean> => {
    const known = opened.get(caseId);
    if (known) return known;
    const opening = persist(
      (_slot, url) => ask(url, 'POST', '/cases', { body: { caseId } }),
      random.pick(slots),
    ).then((reply) => reply !== null);
    opened.set(caseId, opening);
    return opening;
  };

  const sendTask = async (task: LedgerTask, slot: Slot): Promise<void> => {
    if (!(await openCase(task.caseId))) return;
    const reply = await persist((to, url) => {
      const traceparent = ledger.sent({ slot: to.name, incarnation: to.incarnation() });
      return ask(url, 'POST', '/case-task', {
        body: { case_id: task.caseId, description: task.description, channel: 'SYSTEM', user_role: 'OPS' },
        headers: {
          'idempotency-key': task.key,
          traceparent,
          ...(task.prefer ? { prefer: task.prefer } : {}),
        },
      });
    }, slot);
    if (reply) ledger.told(task, reply);
  };

  const launch = (): void => {
    if (pending.size >= MOST_UNANSWERED) {
      heldBack += 1;
      return;
    }
    const round = Math.floor(number / (CASES_AT_ONCE * TASKS_PER_CASE));
    const caseId = `case-${round}-${number % CASES_AT_ONCE}`;
    const task = ledger.add(caseId, descriptionOf(number), random.pick(PREFERENCES));
    number += 1;
    const to = random.chance(SENT_TWICE) ? slots : [random.pick(slots)];
    const sending = Promise.all(to.map((slot) => sendTask(task, slot))).then(() => {
      pending.delete(sending);
    });
    pending.add(sending);
  };

  const run = async (): Promise<void> => {
    while (!finishing) {
      launch();
      await sleep((random.share() * 2 * 1_000) / tasksPerSecond);
    }
  };
  const running = run();

  return {
    finish: async () => {
      finishing = true;
      await running;
      await Promise.all(pending);
    },
    abandon: () => given.abort(),
    heldBack: () => heldBack,
    answers: () => answers,
  };
}
