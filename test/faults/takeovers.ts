import { RECEIVED, type Standing, standingAfter } from '../../src/domain/standing.ts';
import type { TaskStatus } from '../../src/domain/vocabulary.ts';
import type { EffectBackend } from '../support/effectBackend.ts';
import type { Book, Moment, Story } from './book.ts';
import type { FaultRecord, Journal, Kill } from './journal.ts';
import type { Ledger } from './ledger.ts';
import type { Stage } from './stage.ts';
import { AFTERMATH_MS, TAKEOVER_MS } from './storm.ts';

/** Under which circumstances a process was killed. */
export type Circumstances = 'nothing else' | 'Postgres killed' | 'other faults' | 'no process left';

/** One task that a killed process drove, where it stood then, and how long it waited. */
export type Wait = {
  /** `free`: without an open attempt; `executing`: with one; `behind`: another task of its case had one. */
  readonly kind: 'free' | 'executing' | 'behind';
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly killedAt: number;
  readonly ms: number;
};

/** How long it took until tasks of killed processes moved on, in milliseconds. */
export type Takeovers = {
  /** Without an open attempt: from the kill until the next event. */
  readonly free: Record<Circumstances, readonly Wait[]>;
  /** With an open attempt: from the attempt's deadline, or the kill if that was later. */
  readonly executing: Record<Circumstances, readonly Wait[]>;
  /** Tasks that had to wait for the open attempt of another task of their case: not counted. */
  readonly behind: number;
  /** Kills by circumstances. */
  readonly kills: Record<Circumstances, number>;
};

const UNFINISHED: readonly TaskStatus[] = [
  'RECEIVED',
  'DECIDED',
  'OUTCOME_UNKNOWN',
  'RETRY_SCHEDULED',
  'EXECUTING',
];

/** Measures, from the log, how fast the tasks of every process that was killed moved on. */
export function measureTakeovers({ journal, backend }: Stage, ledger: Ledger, book: Book): Takeovers {
  const free = empty<Wait[]>(() => []);
  const executing = empty<Wait[]>(() => []);
  const kills = empty(() => 0);
  let behind = 0;
  const cases = [...Map.groupBy(book.stories.values(), ({ caseId }) => caseId).values()];
  for (const kill of journal.kills) {
    const how = circumstancesOf(kill, journal);
    kills[how] += 1;
    for (const wait of cases.flatMap((stories) => waitsAfter(kill, stories, ledger, backend.lookups))) {
      if (wait.kind === 'behind') behind += 1;
      else (wait.kind === 'free' ? free : executing)[how].push(wait);
    }
  }
  return { free, executing, behind, kills };
}

/** How long the tasks of one case waited that a dead process drove. */
function waitsAfter(
  kill: Kill,
  stories: readonly Story[],
  ledger: Ledger,
  lookups: EffectBackend['lookups'],
): Wait[] {
  const driven = stories.filter((story) => wasDriven(story, kill, ledger));
  if (driven.length === 0) return [];
  const hasOpenAttempt = stories.some((story) => standingAt(story, kill.at)?.status === 'EXECUTING');
  return driven.flatMap((story) => waitOf(story, kill.at, hasOpenAttempt, lookups) ?? []);
}

/** How long a task that a dead process drove waited, and for what; null when it was finished. */
function waitOf(
  story: Story,
  killedAt: number,
  caseHasOpenAttempt: boolean,
  lookups: EffectBackend['lookups'],
): Wait | null {
  const standing = standingAt(story, killedAt);
  const next = story.moments.find(({ at }) => at > killedAt)?.at;
  if (!standing || !UNFINISHED.includes(standing.status) || next === undefined) return null;
  const { status } = standing;
  const about = { taskId: story.task.taskId, status, killedAt };
  if (status === 'EXECUTING') {
    const ms = Math.max(0, next - Math.max(killedAt, deadlineAt(story, killedAt)));
    return { kind: 'executing', ...about, ms };
  }
  const ms = firstSign(story, standing, killedAt, next, lookups) - from(story, standing, killedAt);
  // Only a recommendation can be had while another attempt is open.
  return { kind: caseHasOpenAttempt && status !== 'RECEIVED' ? 'behind' : 'free', ...about, ms };
}

const empty = <T>(make: () => T): Record<Circumstances, T> => ({
  'nothing else': make(),
  'Postgres killed': make(),
  'other faults': make(),
  'no process left': make(),
});

function circumstancesOf(kill: Kill, { faults }: Journal): Circumstances {
  const others = faults.filter(
    (fault) =>
      fault.kind !== 'backend down' &&
      !isKillItself(fault, kill) &&
      fault.from <= kill.at + TAKEOVER_MS &&
      (fault.to ?? Number.POSITIVE_INFINITY) >= kill.at - AFTERMATH_MS,
  );
  if (others.some(({ kind }) => kind === 'kill -9 of Postgres')) return 'Postgres killed';
  if (!kill.hasSurvivor) return 'no process left';
  return others.length > 0 ? 'other faults' : 'nothing else';
}

const isKillItself = ({ kind, target, from: begun }: FaultRecord, { slot, at }: Kill): boolean =>
  kind === 'kill -9 of a process' && target === slot && Math.abs(begun - at) < 100;

/** Where a task stood at a time; null where it was not there yet. */
function standingAt({ moments }: Story, at: number): Standing | null {
  const before = moments.filter((moment) => moment.at <= at);
  if (before.length === 0) return null;
  return before.reduce<Standing>((standing, { event }) => standingAfter(standing, event), RECEIVED);
}

/**
 * Whether a process drove a task when it was killed: it had said so itself; or the newest event was recorded on behalf of a request
 * that had gone to it, and it was not waiting for a retry to fall due, which nobody drives.
 */
function wasDriven({ task, moments }: Story, kill: Kill, ledger: Ledger): boolean {
  if (kill.driving.includes(task.taskId)) return true;
  const newest = moments.findLast(({ at }) => at <= kill.at);
  if (!newest?.traceparent || newest.event.type === 'RetryScheduled') return false;
  const to = ledger.sentTo(newest.traceparent);
  return to?.slot === kill.slot && to.incarnation === kill.incarnation;
}

const newestOf = <T extends Moment['event']['type']>(
  { moments }: Story,
  type: T,
  at: number,
): Extract<Moment['event'], { type: T }> | undefined =>
  moments.findLast((moment) => moment.at <= at && moment.event.type === type)?.event as
    | Extract<Moment['event'], { type: T }>
    | undefined;

const deadlineAt = (story: Story, at: number): number =>
  Date.parse(newestOf(story, 'ActionStarted', at)?.data.deadlineAt ?? '');

/** A retry is not late before it is due. */
function from(story: Story, { status }: Standing, killedAt: number): number {
  if (status !== 'RETRY_SCHEDULED') return killedAt;
  return Math.max(killedAt, Date.parse(newestOf(story, 'RetryScheduled', killedAt)?.data.dueAt ?? ''));
}

/** Looking up takes seconds by itself, where the backend cannot tell: that it was asked is a sign of life too. */
function firstSign(
  story: Story,
  { status }: Standing,
  killedAt: number,
  nextEventAt: number,
  lookups: EffectBackend['lookups'],
): number {
  if (status !== 'OUTCOME_UNKNOWN') return nextEventAt;
  const key = story.task.attempts[0]?.started.idempotencyKey ?? '';
  const asked = lookups.get(key)?.find((at) => at > killedAt) ?? Number.POSITIVE_INFINITY;
  return Math.min(nextEventAt, asked);
}
