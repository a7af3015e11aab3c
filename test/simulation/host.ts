import type { Clock } from '../../src/runtime/clock.ts';
import { isoAt, type World } from './world.ts';

/** What a process reaches over a network. */
export type Channel = 'store' | 'rows' | 'coordinator' | 'keys';
export const CHANNELS: readonly Channel[] = ['store', 'rows', 'coordinator', 'keys'];

/** What one process runs on: its clocks, and whether anything still reaches it. */
export type Host = {
  readonly name: string;
  /** UUID, another one at each start. */
  readonly processId: string;
  readonly clock: Clock;
  /** What its monotonic clock said when the run began. */
  readonly clockBase: number;
  readonly isAlive: () => boolean;
  /** Whether it has begun to end in an orderly way. */
  readonly isLeaving: () => boolean;
  /** @param hurried whether things go wrong meanwhile, so that it may have to leave work behind */
  readonly leave: (hurried: boolean) => void;
  /** It has ended as it should. */
  readonly end: () => void;
  /** Whether everything that has reached it must have found its way into the log: it lives, or ended without haste. */
  readonly isAccountable: () => boolean;
  /** From now on nothing reaches the process any more: what it waits for never comes. */
  readonly kill: () => void;
  /** Tells of its death: what others notice of it at once, such as a lock that is free. */
  readonly onDeath: (notice: () => void) => void;
  readonly isFrozen: () => boolean;
  /** For so many milliseconds nothing reaches the process; then everything does. Its monotonic clock goes on. */
  readonly freeze: (milliseconds: number) => void;
  /** Moves its wall clock, and with 0 milliseconds back to the truth. */
  readonly jump: (milliseconds: number) => void;
  readonly cut: (channel: Channel, milliseconds: number) => void;
  readonly isCut: (channel: Channel) => boolean;
  /** Mends its clock and its network. What is frozen thaws when its time has come. */
  readonly heal: () => void;
  /** Notes that something has gone wrong for it just now. */
  readonly trouble: () => void;
  /** When something last went wrong for it, or will have ended to, by the true time; -1: never. */
  readonly troubledAt: () => number;
  /** Lets something reach the process: now, when it is thawed, or never. */
  readonly deliver: (happen: () => void) => void;
};

export function createHost(world: World, name: string): Host {
  const { timeline, random, newId } = world;
  const processId = newId();
  const clockBase = random.between(0, 1_000_000);
  const cutUntil = new Map<Channel, number>();
  let alive = true;
  let leaving = false;
  let excused = false;
  let frozenUntil = 0;
  let wallOffset = 0;
  let troubledAt = -1;
  const notices: (() => void)[] = [];

  const trouble = (milliseconds = 0): void => {
    troubledAt = Math.max(troubledAt, timeline.now() + milliseconds);
  };
  const isFrozen = (): boolean => frozenUntil > timeline.now();
  const deliver: Host['deliver'] = (happen) => {
    if (!alive) return;
    if (isFrozen()) timeline.after(frozenUntil - timeline.now(), () => deliver(happen));
    else happen();
  };
  const clock: Clock = {
    now: () => isoAt(timeline.now() + wallOffset),
    monotonicMs: () => clockBase + timeline.now(),
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = (): void => {
          timer.cancel();
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const timer = timeline.after(milliseconds, () => deliver(wake));
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };

  return {
    name,
    processId,
    clock,
    clockBase,
    isAlive: () => alive,
    isLeaving: () => leaving,
    leave: (hurried) => {
      leaving = true;
      excused = hurried;
    },
    end: () => {
      alive = false;
    },
    isAccountable: () => !excused,
    kill: () => {
      alive = false;
      excused = true;
      for (const notice of notices) notice();
    },
    onDeath: (notice) => {
      if (alive) notices.push(notice);
      else notice();
    },
    isFrozen,
    freeze: (milliseconds) => {
      trouble(milliseconds);
      frozenUntil = Math.max(frozenUntil, timeline.now() + milliseconds);
    },
    jump: (milliseconds) => {
      wallOffset = milliseconds;
    },
    cut: (channel, milliseconds) => {
      trouble(milliseconds);
      cutUntil.set(channel, Math.max(cutUntil.get(channel) ?? 0, timeline.now() + milliseconds));
    },
    isCut: (channel) => (cutUntil.get(channel) ?? 0) > timeline.now(),
    heal: () => {
      cutUntil.clear();
      wallOffset = 0;
    },
    trouble,
    troubledAt: () => troubledAt,
    deliver,
  };
}
