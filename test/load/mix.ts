import { type Answer, type Caller, type Sent, taskIdOf } from './caller.ts';
import type { Roster } from './roster.ts';

/** One thing that somebody does, as it turned out. */
export type Done = {
  /** What it counts as in the report. */
  readonly what: string;
  readonly status: number;
  /** Whether the service answered as it promises. */
  readonly proper: boolean;
};

export type Mix = {
  /** Does the next thing; one entry for each request that counts. */
  readonly next: () => Promise<readonly Done[]>;
};

/** What goes on of a hundred things. New tasks: the first two, and as many as are in a burst. */
const SHARES = [
  ['new', 55],
  ['newAndWait', 12],
  ['burst', 3],
  ['repeat', 8],
  ['suspend', 2],
  ['close', 1],
  ['note', 2],
  ['read', 17],
] as const;
type Kind = (typeof SHARES)[number][0];

const BURST = 4;
/** New tasks that one thing brings on average. */
export const TASKS_PER_THING = (55 + 12 + 3 * BURST) / 100;
/** Prime to 100, so that the kinds alternate and are not done in blocks. */
const STRIDE = 37;
const MOST_RECENT = 200;

const KINDS: readonly Kind[] = SHARES.flatMap(([kind, share]) => Array<Kind>(share).fill(kind));

type Recent = { readonly sent: Sent; readonly taskId: string };

/**
 * What users and machines do to the service in the course of a day, in an order that is the same for every run.
 *
 * @param accepted takes the ids of all tasks that were accepted
 */
export function createMix(caller: Caller, roster: Roster, accepted: Set<string>): Mix {
  const recent: Recent[] = [];
  let turn = 0;

  const post = async (what: string, sent: Sent): Promise<Done> => {
    const answer = await caller.task(sent);
    const taskId = taskIdOf(answer);
    if (taskId !== null) {
      accepted.add(taskId);
      recent.push({ sent, taskId });
      if (recent.length > MOST_RECENT) recent.shift();
    }
    return { what, status: answer.status, proper: taskId !== null };
  };

  const someRecent = (): Recent | undefined => recent[(turn * 7) % Math.max(1, recent.length)];

  const repeat = async (): Promise<Done[]> => {
    const known = someRecent();
    if (!known) return [];
    const answer = await caller.task(known.sent);
    const replayed = answer.headers['idempotency-replayed'] === 'true' && taskIdOf(answer) === known.taskId;
    return [{ what: 'repeat', status: answer.status, proper: replayed }];
  };

  /** There and back; whoever was faster in between makes it a 412. */
  const change = async (verb: 'suspend' | 'close'): Promise<Done[]> => {
    const caseId = someRecent()?.sent.caseId;
    if (caseId === undefined) return [];
    const done: Done[] = [];
    for (const step of [verb, 'reopen']) {
      const etag = (await caller.get(`/cases/${caseId}`)).headers.etag;
      const answer = await caller.post(`/cases/${caseId}/${step}`, {}, { 'if-match': String(etag) });
      done.push({ what: step, status: answer.status, proper: [200, 409, 412].includes(answer.status) });
    }
    return done;
  };

  const read = async (): Promise<Done[]> => {
    const known = someRecent();
    if (!known) return [];
    const pages = [
      `/tasks/${encodeURIComponent(known.taskId)}`,
      `/cases/${known.sent.caseId}`,
      '/tasks?status=IN_REVIEW&limit=20',
      '/audit?limit=20',
      `/cases/${known.sent.caseId}/events?limit=50`,
      '/reviews?limit=20',
    ];
    const answer: Answer = await caller.get(pages[turn % pages.length] ?? '');
    return [{ what: 'read', status: answer.status, proper: answer.status === 200 }];
  };

  const act: Readonly<Record<Kind, () => Promise<Done[]>>> = {
    new: async () => [await post('new task', { ...roster.nextTask(), prefer: 'respond-async' })],
    newAndWait: async () => [await post('new task, waits', { ...roster.nextTask(), prefer: 'wait=20' })],
    burst: () => {
      const { caseId, text } = roster.nextTask();
      const tasks = Array.from({ length: BURST }, (_, index) => `${text}${index}0000`);
      return Promise.all(
        tasks.map((one) => post('tasks at once on a case', { caseId, text: one, prefer: 'respond-async' })),
      );
    },
    repeat,
    suspend: () => change('suspend'),
    close: () => change('close'),
    note: async () => {
      const { caseId } = roster.nextTask();
      const { status } = await caller.post(`/cases/${caseId}/notes`, {
        text: `the partner was called, ${turn}`,
      });
      return [{ what: 'note', status, proper: status === 201 }];
    },
    read,
  };

  return {
    next: () => {
      turn += 1;
      return act[KINDS[(turn * STRIDE) % KINDS.length] ?? 'read']();
    },
  };
}
