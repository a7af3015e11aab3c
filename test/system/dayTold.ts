import { expect } from 'vitest';
import { canonicalJson, type Json, sha256Hex } from '../../src/domain/hash.ts';
import type { EventView } from '../support/client.ts';
import type { Team } from '../support/team.ts';
import { until } from '../support/until.ts';

/** What was told of the task of one case, by everybody who tells something. */
export type Told = {
  /** Status, outcome, number of attempts: as the task list, the task itself and the live stream have it. */
  readonly list: string;
  readonly task: string;
  readonly live: string;
  /** Outcome, and who asked. */
  readonly audit: string;
  /** Status, queue, and a reviewer's last word: as the queue and the live stream have it. Null where nobody was asked. */
  readonly queue: string | null;
  readonly liveQueue: string | null;
  readonly history: readonly string[];
  /** The backends that were called. */
  readonly backend: readonly string[];
};

type TaskRow = {
  readonly taskId: string;
  readonly status: string;
  readonly outcome: string | null;
  readonly attempts: number;
  readonly intent: string | null;
  readonly routeTarget: string | null;
  readonly confidence: number | null;
};
type ReviewRow = {
  readonly taskId: string;
  readonly status: string;
  readonly queue: string;
  readonly resolution: string | null;
  readonly reviewer: string | null;
};
type AuditRow = Omit<TaskRow, 'status' | 'attempts'> & { readonly actor: string };

/** Asks everybody. Rows of the live stream, of the audit log and of the queue are held against each other whole, too. */
export async function actual(
  { auditor, live, backend }: Team,
  tasks: Readonly<Record<string, string>>,
  position: string,
): Promise<Record<string, Told>> {
  const get = async <Body>(path: string): Promise<Body> => (await auditor.get<Body>(path)).body;
  const page = `limit=100&atLeast=${position}`;
  const listed = await get<{ tasks: TaskRow[] }>(`/tasks?${page}`);
  const audited = await get<{ entries: AuditRow[] }>(`/audit?${page}`);
  const open = await get<{ reviews: ReviewRow[] }>(`/reviews?${page}`);
  const closed = await get<{ reviews: ReviewRow[] }>(`/reviews?${page}&status=CLOSED`);
  const reviews = [...open.reviews, ...closed.reviews];
  const rows = listed.tasks.length;
  expect([rows, audited.entries.length]).toEqual([Object.keys(tasks).length, rows]);

  const newest = (kind: string): Map<string, unknown> =>
    new Map(live.events.filter(({ event }) => event === kind).map(({ data }) => [String(data.taskId), data]));
  const byId = <Row extends { readonly taskId: string }>(all: readonly Row[]): Map<string, Row> =>
    new Map(all.map((row) => [row.taskId, row]));
  await until('the live stream has come to the end', () => live.lastEventId() === position);
  expect(newest('task')).toEqual(byId(listed.tasks));
  expect(newest('review')).toEqual(byId(reviews));

  const told: Record<string, Told> = {};
  for (const [caseId, taskId] of Object.entries(tasks)) {
    const row = byId(listed.tasks).get(taskId);
    const entry = byId(audited.entries).get(taskId);
    const detail = await get<TaskRow & { readonly attempts: readonly unknown[] }>(`/tasks/${taskId}`);
    const events = await auditor.events(caseId);
    checkChain(events);
    for (const field of ['intent', 'routeTarget', 'confidence'] as const) {
      expect([field, entry?.[field]]).toEqual([field, row?.[field]]);
    }
    const calls = backend.requests.filter(({ path }) => path.endsWith(`/${caseId}`));
    expect(
      calls.map(({ headers, body }) => ({ key: headers['idempotency-key'], ...JSON.parse(body) })),
    ).toEqual(
      events
        .filter(({ type }) => type === 'ActionStarted')
        .map(({ data }) => ({ key: data.idempotencyKey, task: taskId, intent: data.intent })),
    );
    told[caseId] = {
      list: standing(row),
      task: standing({ ...detail, attempts: detail.attempts.length }),
      live: standing(newest('task').get(taskId) as TaskRow | undefined),
      audit: `${entry?.outcome} for ${entry?.actor}`,
      queue: waiting(byId(reviews).get(taskId)),
      liveQueue: waiting(newest('review').get(taskId) as ReviewRow | undefined),
      history: events.map(line),
      backend: calls.map(({ path }) => path.split('/')[1] ?? ''),
    };
  }
  return told;
}

const standing = (row: Pick<TaskRow, 'status' | 'outcome' | 'attempts'> | undefined): string =>
  `${row?.status} ${row?.outcome} ${row?.attempts}`;
const waiting = (row: ReviewRow | undefined): string | null =>
  row ? [row.status, row.queue, row.resolution ?? '-', row.reviewer ?? '-'].join(' ') : null;

/** Computes the chain from what was answered, and nothing else. */
function checkChain(events: readonly EventView[]): void {
  let prevHash: unknown = null;
  for (const { personal: _, ...event } of events) {
    const { hash, ...metadata } = event.metadata;
    const { position: __, ...linked } = { position: null, ...event, metadata };
    expect(metadata.prevHash).toBe(prevHash);
    expect(sha256Hex(canonicalJson(linked as unknown as Json))).toBe(hash);
    prevHash = hash;
  }
}

/** An event in a few words; who did it, where that was a person. */
function line({ type, data, metadata }: EventView): string {
  const { id } = metadata.actor as { readonly id: string };
  const words = (DETAILS[type] ?? []).flatMap((path) => wordsAt(data, path));
  if ('reviewer' in data) expect([type, data.reviewer]).toEqual([type, id]);
  return [type, ...words, ...(id === 'orchestrator' ? [] : [`by ${id}`])].join(' ');
}

const DETAILS: Readonly<Record<string, readonly string[]>> = {
  CaseStateChanged: ['to'],
  DecisionRecommended: ['source'],
  GuardrailEvaluated: ['verdict', 'authority.reviewer', 'authority.overrides'],
  ActionStarted: ['backend', 'attempt', 'authority.reviewer'],
  ActionExecuted: ['result'],
  ActionOutcomeResolved: ['result', 'source'],
  RoutedToManual: ['queue'],
  ReviewDecided: ['resolution', 'overrides'],
  ReviewOverdue: ['queue', 'escalatedTo.queue'],
};

function wordsAt(data: unknown, path: string): string[] {
  const found = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], data);
  if (found === undefined || found === null) return [];
  return (Array.isArray(found) ? found : [found]).map(String);
}
