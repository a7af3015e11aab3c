import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Caller } from './caller.ts';
import { scrape } from './samples.ts';

/** Statuses that a task does not stay in: something is still to be done by itself. */
const PASSING = ['RECEIVED', 'DECIDED', 'EXECUTING', 'RETRY_SCHEDULED', 'OUTCOME_UNKNOWN'] as const;

/** What became of the tasks that were accepted. */
export type Endings = {
  /** How many were accepted; each is in one of the two counts below, or missing. */
  readonly accepted: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly fellBack: number;
  /** Why tasks are with a person: how many for which codes. */
  readonly withPersonFor: Readonly<Record<string, number>>;
  /** Accepted, and not to be found. */
  readonly lost: readonly string[];
  /** Neither ended nor with a person. */
  readonly unfinished: readonly string[];
};

type Summary = { readonly taskId: string; readonly status: string; readonly decisionSource: string | null };
type Review = { readonly taskId: string; readonly codes: readonly string[] };

/** Waits until nothing is left to do by itself, for so many milliseconds at most. */
export async function allEnded(caller: Caller, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  for (;;) {
    if (await nothingLeft(caller)) return true;
    if (performance.now() > end) return false;
    await sleep(250);
  }
}

async function nothingLeft(caller: Caller): Promise<boolean> {
  const metrics = await scrape(caller);
  if (metrics?.get('case_orchestrator_tasks_in_flight') !== 0) return false;
  if (metrics.get('case_orchestrator_projection_lag_positions') !== 0) return false;
  const pages = await Promise.all(PASSING.map((status) => caller.get(`/tasks?limit=1&status=${status}`)));
  return pages.every((page) => entries(page, 'tasks').length === 0);
}

/** How many tasks are in a status now. */
export async function countTasks(caller: Caller, status: (typeof PASSING)[number]): Promise<number> {
  let count = 0;
  for await (const _task of list<Summary>(caller, 'tasks', `&status=${status}`)) count += 1;
  return count;
}

/** Looks for every accepted task among all tasks. */
export async function endingsOf(caller: Caller, accepted: ReadonlySet<string>): Promise<Endings> {
  const missing = new Set(accepted);
  const byStatus: Record<string, number> = {};
  const unfinished: string[] = [];
  let fellBack = 0;
  for await (const { taskId, status, decisionSource } of list<Summary>(caller, 'tasks')) {
    if (!missing.delete(taskId)) continue;
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    if (decisionSource === 'fallback') fellBack += 1;
    if (PASSING.some((passing) => passing === status)) unfinished.push(taskId);
  }
  const withPersonFor = await reasons(caller, accepted);
  return { accepted: accepted.size, byStatus, fellBack, withPersonFor, lost: [...missing], unfinished };
}

async function reasons(caller: Caller, accepted: ReadonlySet<string>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { taskId, codes } of list<Review>(caller, 'reviews')) {
    // A fallback breaks most rules; what it stands in for says all.
    const why = codes.find((code) => code.startsWith('AI_')) ?? codes.join(' + ');
    if (accepted.has(taskId)) counts[why] = (counts[why] ?? 0) + 1;
  }
  return counts;
}

/** Every entry of one of the service's lists. */
async function* list<Entry>(caller: Caller, name: 'tasks' | 'reviews', filter = ''): AsyncGenerator<Entry> {
  for (let cursor = ''; ; ) {
    const page = await caller.get(`/${name}?limit=200${filter}${cursor}`);
    yield* entries<Entry>(page, name);
    const { next } = page.body as { readonly next: string | null };
    if (next === null) return;
    cursor = `&cursor=${next}`;
  }
}

function entries<Entry>({ status, body }: Answer, name: 'tasks' | 'reviews'): readonly Entry[] {
  if (status !== 200) throw new Error(`a page of ${name} was answered with ${status}`);
  return (body as Record<typeof name, readonly Entry[]>)[name];
}
