import { caseStream } from '../../../src/domain/identifiers.ts';
import { nextStep } from '../../../src/domain/nextStep.ts';
import type { RowStore } from '../../../src/projections/rowStore.ts';
import type { Fleet } from '../fleet.ts';
import type { Host } from '../host.ts';
import { isoAt, type World } from '../world.ts';
import type { Book } from './book.ts';

/** How long a task that needs somebody may be without a living process that drives it, when nothing goes wrong (issue 4). */
const UNATTENDED_MS = 5_000;
/** Between two drivers lie so many calls that wait for each other, each of which takes its time. */
const CALLS_BETWEEN = 20;
/** Tasks of parked cases are looked for in every tenth sweep only. */
const PARKED_MS = 6_000;
const PARKED_CALLS = 40;
const LOOK_MS = 250;
/** Whoever has begun to drive a task so long after the storm has asked the others. */
const SETTLED_MS = 3_000;
/** Slower than that, a process that has received a task may not speak up for it before others take it for abandoned. */
const QUICK_MS = 100;

/**
 * From now on, and for as long as there is anything to do: whatever needs somebody has somebody.
 *
 * @param callMs how long a call to a shared part takes at most
 */
export function watchAttendance(
  world: World,
  fleet: Fleet,
  rows: Pick<RowStore, 'parked'>,
  book: Book,
  callMs: number,
): void {
  const { timeline, violate } = world;
  const mostMs = UNATTENDED_MS + CALLS_BETWEEN * callMs;
  const mostParkedMs = mostMs + PARKED_MS + PARKED_CALLS * callMs;
  const calmAt = timeline.now();
  const since = new Map<string, { readonly from: number; readonly revision: number }>();
  const drivers = new Map<string, Map<Host, number>>();

  const needsSomebody = (taskId: string, caseId: string): boolean => {
    const folded = book.cases.get(caseId)?.folded;
    if (!folded?.tasks.has(taskId)) return false;
    const { kind } = nextStep(folded, taskId, isoAt(timeline.now()));
    return kind !== 'nothing' && kind !== 'sleep';
  };
  const running = () => fleet.living().flatMap(({ engine, host }) => (engine ? [{ engine, host }] : []));
  const working = () => running().filter(({ host }) => !host.isFrozen());
  const driversOf = (taskId: string): Host[] =>
    running().flatMap(({ engine, host }) => (engine.runner.driving().includes(taskId) ? [host] : []));
  /** A driver that began while nothing went wrong is the only one that did. */
  const checkDrivers = (
    taskId: string,
    driving: readonly Host[],
    isParked: boolean,
    isWithPeople: boolean,
  ): void => {
    const known = drivers.get(taskId) ?? new Map<Host, number>();
    drivers.set(
      taskId,
      new Map(driving.map((host) => [host, isParked ? 0 : (known.get(host) ?? timeline.now())])),
    );
    // Tasks of parked cases are taken up without waiting for whoever has just received them, and people ask whom they like.
    if (isParked || isWithPeople || callMs > QUICK_MS || driving.length < 2) return;
    const orderly = driving.filter(
      (host) => (known.get(host) ?? 0) - Math.max(calmAt, host.troubledAt()) > SETTLED_MS,
    );
    if (orderly.length > 1)
      violate('one driver a task', `${taskId}: ${orderly.map(({ name }) => name).join(' ')}`);
  };
  const isAttended = (taskId: string): boolean =>
    working().some(
      ({ engine }) => engine.runner.driving().includes(taskId) || engine.runner.isResting(taskId),
    );
  const checkWaiting = (taskId: string, caseId: string, patienceMs: number): void => {
    if (working().length === 0 || isAttended(taskId) || !needsSomebody(taskId, caseId)) {
      since.delete(taskId);
      return;
    }
    // Whoever has moved it between two looks had it, however short that was.
    const revision = book.cases.get(caseId)?.folded?.tasks.get(taskId)?.revision ?? -1;
    const known = since.get(taskId);
    const from = known?.revision === revision ? known.from : timeline.now();
    since.set(taskId, { from, revision });
    const waits = timeline.now() - from;
    if (waits > patienceMs) violate('nothing waits for a driver', `${taskId} has none for ${waits} ms`);
  };
  const look = async (): Promise<void> => {
    const parked = new Set((await rows.parked()).map(({ stream }) => stream));
    for (const { taskId, caseId, review } of book.tasks()) {
      const isParked = parked.has(caseStream(caseId));
      checkDrivers(taskId, driversOf(taskId), isParked, review !== null);
      checkWaiting(taskId, caseId, isParked ? mostParkedMs : mostMs);
    }
    timeline.after(LOOK_MS, () => void look());
  };
  void look();
}
